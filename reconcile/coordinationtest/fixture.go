// Package coordinationtest is the contract of a place of claims and reports, as tests:
// every engine passes them against the real thing. A test says what a rule of the
// handover needs of the place, and nothing of how a place does it.
//
// It must not know any engine.
package coordinationtest

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// Options are what a node is let in with.
type Options struct {
	// SignKey and NodeKeys are as in git.Options, and Timeout too.
	SignKey, NodeKeys string
	Timeout           time.Duration
}

// Server is one empty place, and what happens to it from outside.
type Server struct {
	// Open opens the place for one more node.
	Open func(t *testing.T, o Options) git.Place
	// Put makes a ref be at a note that was there before, or takes it away, as a backup
	// that is brought back or a person does.
	Put func(t *testing.T, ref, hash string)
	// Copy puts the note that one ref is at to another ref.
	Copy func(t *testing.T, from, to string, tip plan.Tip)
	// Write makes a ref be at a note of one file with this content, as nobody of ours writes
	// it, and returns where it is then.
	Write func(t *testing.T, ref, content string) string
	// Faults makes requests fail, nil where nothing stands in between.
	Faults Faults
}

// Faults makes what is sent to a server fail.
type Faults interface {
	// Lose lets changes be carried out, and their answers be lost.
	Lose()
	// Late holds changes back until Release.
	Late()
	// Hang lets every request wait until its sender gives up.
	Hang()
	// Release carries out what was held back.
	Release()
	// Held is how many are kept waiting.
	Held() int
	// Heal lets everything through again.
	Heal()
}

// Fixture makes empty places.
type Fixture func(t *testing.T) Server

// bench is one place and the nodes that use it.
type bench struct {
	Server
	t *testing.T
}

// node is a node's own view of the place, with its own memory of chains.
type node struct {
	git.Place
	link *git.Coordination
	t    *testing.T
}

func (b *bench) node() *node { return b.with(Options{}) }

func (b *bench) with(o Options) *node {
	b.t.Helper()
	place := b.Open(b.t, o)
	b.t.Cleanup(place.Close)
	disk, err := state.Open(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	return &node{place, git.NewCoordination(place, git.NewChainStore(disk), slog.New(slog.DiscardHandler)), b.t}
}

// ctx bounds the test's own waiting; what is tested has a tighter bound.
func ctx(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return c
}

const (
	claimRef  = "refs/mainstay/paris/claim/xivo"
	reportRef = "refs/mainstay/paris/report/xivo-main"
)

// claim is a whole claim; tests change what they are about.
func claim(seq uint64, action plan.Action, holder spec.Side, node string) plan.Claim {
	return plan.Claim{
		Seq: seq, Holder: plan.HeldBy(holder), Node: node, Instance: node + "-1", Action: action,
		Commit: strings.Repeat("ab", 20), Guarantee: plan.Released, Reason: "a test",
		At: time.Date(2026, 11, 3, 10, 0, int(seq%60), 0, time.UTC),
	}
}

func report(node string, status plan.Status) plan.Report {
	at := time.Date(2026, 11, 3, 10, 0, 0, 123456789, time.UTC)
	return plan.Report{
		Deployment: "paris", Node: node, Role: "xivo", Side: spec.Main, Instance: node + "-1", Status: status,
		Since: at.Add(-time.Hour), At: at, LastRead: at.Add(-time.Second),
	}
}

// at is where a listing shows a ref.
func (n *node) at(ref string) string {
	n.t.Helper()
	l, err := n.link.List(ctx(n.t))
	if err != nil {
		n.t.Fatal(err)
	}
	return l.Refs[ref]
}

// read reads the claim as a listing shows it.
func (n *node) read(known plan.Tip) reconcile.ClaimRead {
	n.t.Helper()
	r, err := n.link.Claim(ctx(n.t), claimRef, n.at(claimRef), known)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// change makes a change of the claim that a listing shows, and reads it back.
func (n *node) change(c plan.Claim, known plan.Tip) plan.Tip {
	n.t.Helper()
	if err := n.link.PushClaim(ctx(n.t), claimRef, plan.Push{Parent: n.at(claimRef), Claim: c}); err != nil {
		n.t.Fatal(err)
	}
	return n.read(known).Tip
}

// chain makes so many changes and returns them, the oldest first. The node knows all of
// them.
func (n *node) chain(changes uint64) []plan.Tip {
	n.t.Helper()
	var tips []plan.Tip
	var known plan.Tip
	for seq := uint64(1); seq <= changes; seq++ {
		known = n.change(claim(seq, plan.Renew, spec.Main, "xivo-main"), known)
		tips = append(tips, known)
	}
	return tips
}
