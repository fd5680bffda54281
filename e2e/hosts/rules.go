//go:build e2e

package hosts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// rules is the set of things that may not pass a network. It is kept in an
// nftables table of the bridge family on the machine, outside the hosts, so
// that a host which reboots stays as cut off as it was. Dropped frames vanish
// in silence, as on a broken wire: nobody is told.
type rules struct {
	table string
	mu    sync.Mutex
	drop  []string
}

// add forbids what an nftables expression matches.
func (r *rules) add(ctx context.Context, matches ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replace(ctx, append(slices.Clone(r.drop), matches...))
}

// remove allows again what add forbade. What was not forbidden is ignored.
func (r *rules) remove(ctx context.Context, matches ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(r.drop), func(m string) bool {
		return slices.Contains(matches, m)
	})
	return r.replace(ctx, left)
}

func (r *rules) clear(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.drop) == 0 {
		return nil
	}
	return r.replace(ctx, nil)
}

// replace swaps the whole table in one transaction.
func (r *rules) replace(ctx context.Context, drop []string) error {
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	if _, err := runInput(ctx, strings.NewReader(r.program(drop)), "nft", "-f", "-"); err != nil {
		return fmt.Errorf("set link rules: %w", err)
	}
	r.drop = drop
	return nil
}

func (r *rules) program(drop []string) string {
	var b strings.Builder
	// Deleting what was just added works whether or not it was there.
	fmt.Fprintf(&b, "add table bridge %s\ndelete table bridge %s\n", r.table, r.table)
	if len(drop) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "table bridge %s {\n", r.table)
	for _, hook := range []string{"prerouting", "output"} {
		fmt.Fprintf(&b, "\tchain %s {\n\t\ttype filter hook %s priority -300;\n", hook, hook)
		for _, match := range drop {
			fmt.Fprintf(&b, "\t\t%s drop\n", match)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}
