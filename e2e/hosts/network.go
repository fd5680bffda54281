//go:build e2e

package hosts

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Network is a network of a test's own. Hosts on it, and the test itself,
// reach each other and nothing else.
type Network struct {
	name  string // in the Docker engine, and of its nftables table
	third int    // third byte of its addresses
	six   bool   // its hosts have IPv6 addresses too
	rules rules

	mu   sync.Mutex
	next int
}

// subnets is how many networks may exist at one time on a machine.
const subnets = 200

// firstHost is the last byte of the first host's address; the machine itself
// has .1.
const firstHost = 11

// NewNetwork makes a network that is removed with the test. It is for up to
// 200 hosts.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	return makeNetwork(t, false)
}

// NewNetwork6 makes a network whose hosts have IPv6 addresses too.
func NewNetwork6(t testing.TB) *Network {
	t.Helper()
	return makeNetwork(t, true)
}

func makeNetwork(t testing.TB, six bool) *Network {
	t.Helper()
	network, err := newNetwork(t.Context(), six)
	if err != nil {
		t.Fatalf("make a network: %v", err)
	}
	t.Cleanup(func() {
		if err := network.remove(context.Background()); err != nil {
			t.Errorf("remove network %s: %v", network.name, err)
		}
	})
	return network
}

// newNetwork tries one address range after the other, because only the engine
// knows for sure which are free.
func newNetwork(ctx context.Context, six bool) (*Network, error) {
	run := Run()
	var last error
	for third := range subnets {
		n := &Network{name: fmt.Sprintf("%s-net%d", run, third), third: third, next: firstHost, six: six}
		args := []string{"network", "create", "--internal", "--label", label + "=" + run,
			"--subnet", n.address(0) + "/24", "--gateway", n.Machine(), "--ip-range", n.address(224) + "/27"}
		if six {
			args = append(args, "--ipv6", "--subnet", n.address6(0)+"/64")
		}
		_, last = docker(ctx, append(args, n.name)...)
		if last == nil {
			n.rules.table = strings.ReplaceAll(n.name, "-", "_")
			return n, nil
		}
		if !strings.Contains(last.Error(), "overlap") && !strings.Contains(last.Error(), "exists") {
			return nil, last
		}
	}
	return nil, fmt.Errorf("no free address range: %w", last)
}

func (n *Network) remove(ctx context.Context) error {
	if err := n.rules.clear(ctx); err != nil {
		return err
	}
	_, err := docker(ctx, "network", "rm", n.name)
	return err
}

// Machine is the address under which hosts reach the test itself.
func (n *Network) Machine() string { return n.address(1) }

func (n *Network) address(last int) string { return fmt.Sprintf("10.213.%d.%d", n.third, last) }

// address6 is in the network's own range of IPv6.
func (n *Network) address6(last int) string {
	if last == 0 {
		return fmt.Sprintf("fd00:213:%x::", n.third)
	}
	return fmt.Sprintf("fd00:213:%x::f:%x", n.third, last)
}

// take hands out the next host number.
func (n *Network) take() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	return n.next - 1
}
