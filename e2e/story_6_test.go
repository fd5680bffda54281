//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

const (
	hourly = `schedule: "0 * * * *"`
	// often is the replication of all stories, so that a copy is under way or due
	// whenever something happens.
	often = `schedule: "@every 2s"`
)

// copies is what replication has written to one side so far.
type copies struct {
	all     int
	serving int // while that side served
}

func (p *wholePage) copies(t *testing.T, side string) copies {
	t.Helper()
	out, err := p.nodes["xivo-"+side].Exec(t.Context(), "sh", "-c", "cat /var/lib/xivo/overwritten 2>/dev/null || true")
	if err != nil {
		t.Errorf("the copies that xivo-%s received: %v", side, err)
	}
	states := strings.Fields(out)
	c := copies{all: len(states)}
	for _, state := range states {
		if state == "active" {
			c.serving++
		}
	}
	return c
}

// awaitCopy waits until replication writes to a side once more, without which
// overwritesNothing would see nothing.
func (p *wholePage) awaitCopy(t *testing.T, side string) {
	t.Helper()
	before := p.copies(t, side)
	eventually(t, "a copy of the database comes to xivo-"+side, func() bool { return p.copies(t, side).all > before.all })
}

// overwritesNothing checks story 6 in every story: from the call until that of
// what it returns, replication never wrote to a side that served.
func (p *wholePage) overwritesNothing(t *testing.T) (check func()) {
	t.Helper()
	sides := []string{"main", "standby"}
	p.copied = map[string]copies{}
	for _, side := range sides {
		p.copied[side] = p.copies(t, side)
	}
	return func() {
		t.Helper()
		for _, side := range sides {
			now := p.copies(t, side)
			t.Logf("xivo-%s received %d copies of the database", side, now.all-p.copied[side].all)
			if n := now.serving - p.copied[side].serving; n > 0 {
				t.Errorf("the database of xivo-%s was overwritten %d times while it served", side, n)
			}
		}
	}
}

// excuseCopies is for a side that served on when the other had presumed its end:
// the one that holds the claim may copy to it before it has stopped.
func (p *wholePage) excuseCopies(t *testing.T, side string) {
	t.Helper()
	before, now := p.copied[side], p.copies(t, side)
	say(t, "presumed: copies to %s before it stopped: %d", side, now.serving-before.serving)
	before.serving = now.serving
	p.copied[side] = before
}

// replicationFollowsTheClaim replicates every few seconds, as the hourly job
// would over days, through a failover, a failback and the loss of a side.
func replicationFollowsTheClaim(t *testing.T, p *wholePage) {
	const database = "/var/lib/xivo/database"
	w := p.watch(t, "Story 6: replication follows the claim")
	has := func(node, text string) {
		t.Helper()
		eventually(t, node+" has "+text, func() bool {
			got, err := p.nodes[node].Exec(t.Context(), "cat", database)
			return err == nil && strings.TrimSpace(got) == text
		})
	}
	write := func(node, text string) { p.nodes[node].Put(t, database, text+"\n") }
	write("xivo-main", "first, by main")
	has("xivo-standby", "first, by main")
	w.Mark("commit: active: standby")
	p.converged("standby", p.declare("standby"))
	write("xivo-standby", "second, by standby")
	has("xivo-main", "second, by standby")
	w.Mark("xivo-main is lost and comes back")
	p.nodes["xivo-main"].Kill(t)
	write("xivo-standby", "third, by standby")
	p.nodes["xivo-main"].Boot(t)
	has("xivo-main", "third, by standby")
	w.Mark("commit: active: main")
	p.converged("main", p.declare("main"))
	has("xivo-main", "third, by standby")
	write("xivo-main", "fourth, by main")
	has("xivo-standby", "fourth, by main")
	w.end(t, 0)
}
