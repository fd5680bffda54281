//go:build e2e

package hosts

import (
	"fmt"
	"testing"
)

// Cut breaks the host's wire: whatever it sends or should receive vanishes,
// and neither side is told. It holds until Join, also across reboots.
func (h *Host) Cut(t testing.TB) {
	t.Helper()
	if err := h.spec.Network.rules.add(t.Context(), h.wire()...); err != nil {
		t.Fatalf("cut %s off: %v", h.name, err)
	}
}

// Join mends what Cut broke.
func (h *Host) Join(t testing.TB) {
	t.Helper()
	if err := h.spec.Network.rules.remove(t.Context(), h.wire()...); err != nil {
		t.Fatalf("join %s: %v", h.name, err)
	}
}

// wire matches all that carries the host's address, which it keeps across
// reboots, unlike its Ethernet address.
func (h *Host) wire() []string {
	return []string{
		"ip saddr " + h.IP(), "ip daddr " + h.IP(),
		"arp saddr ip " + h.IP(), "arp daddr ip " + h.IP(),
	}
}

// Block makes everything vanish that the host sends to an address, and nothing
// else: what comes the other way still arrives. Two calls, one on each host,
// part two hosts that others still reach.
func (h *Host) Block(t testing.TB, to string) {
	t.Helper()
	if err := h.spec.Network.rules.add(t.Context(), h.way(to)); err != nil {
		t.Fatalf("block %s from %s: %v", to, h.name, err)
	}
}

// Unblock undoes Block.
func (h *Host) Unblock(t testing.TB, to string) {
	t.Helper()
	if err := h.spec.Network.rules.remove(t.Context(), h.way(to)); err != nil {
		t.Fatalf("unblock %s from %s: %v", to, h.name, err)
	}
}

func (h *Host) way(to string) string { return fmt.Sprintf("ip saddr %s ip daddr %s", h.IP(), to) }

// Unplug takes the network interface out of the host: unlike under Cut, the
// host itself sees that its network is gone.
func (h *Host) Unplug(t testing.TB) {
	t.Helper()
	if _, err := docker(t.Context(), "network", "disconnect", h.spec.Network.name, h.container); err != nil {
		t.Fatalf("unplug %s: %v", h.name, err)
	}
}

// Plug gives an unplugged host its interface and its address back.
func (h *Host) Plug(t testing.TB) {
	t.Helper()
	args := []string{"network", "connect", "--ip", h.IP(), "--alias", h.name}
	for _, alias := range h.spec.Aliases {
		args = append(args, "--alias", alias)
	}
	if _, err := docker(t.Context(), append(args, h.spec.Network.name, h.container)...); err != nil {
		t.Fatalf("plug %s in: %v", h.name, err)
	}
}
