//go:build e2e

package hosts

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Spare is an address of the network that no host has.
func (n *Network) Spare() string { return n.address(n.take()) }

// Spare6 is such an address of IPv6.
func (n *Network) Spare6() string { return netip.MustParseAddr(n.address6(n.take())).String() }

// Has reports whether the host has an address, as the machine's kernel sees it. It asks
// nothing of the host.
func (h *Host) Has(ip string) bool {
	pid, err := h.process(context.Background())
	if err != nil {
		return false
	}
	if six := netip.MustParseAddr(ip); six.Is6() {
		all, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/if_inet6", pid))
		return err == nil && bytes.Contains(all, fmt.Appendf(nil, "%x ", six.AsSlice()))
	}
	routes, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/fib_trie", pid))
	if err != nil {
		return false
	}
	_, of, found := bytes.Cut(routes, []byte("|-- "+ip+"\n"))
	if !found {
		return false
	}
	line, _, _ := bytes.Cut(of, []byte("\n"))
	return strings.TrimSpace(string(line)) == "/32 host LOCAL"
}

// Hardware is the host's Ethernet address.
func (h *Host) Hardware(t testing.TB) string {
	t.Helper()
	return h.Must(t, "cat", "/sys/class/net/eth0/address")
}

// Announcement is one frame, of ARP or of neighbour discovery, by which a host says that
// an address is its own.
type Announcement struct {
	At   time.Time
	From string // Ethernet address
}

// Announcements are heard on a network from Listen until the test ends.
type Announcements struct {
	mu  sync.Mutex
	all map[string][]Announcement
}

// Of returns what was heard of an address after a moment, oldest first.
func (a *Announcements) Of(ip string, after time.Time) []Announcement {
	a.mu.Lock()
	defer a.mu.Unlock()
	var heard []Announcement
	for _, one := range a.all[ip] {
		if one.At.After(after) {
			heard = append(heard, one)
		}
	}
	return heard
}

// Listen hears every broadcast of ARP on the network, and the unsolicited neighbour
// advertisements where it has IPv6.
func (n *Network) Listen(t testing.TB) *Announcements {
	t.Helper()
	a := &Announcements{all: map[string][]Announcement{}}
	n.listen(t, unix.ETH_P_ARP, a.arp)
	if n.six {
		n.listen(t, unix.ETH_P_IPV6, a.advertisement)
	}
	return a
}

// listen gives every frame of a kind to hear.
func (n *Network) listen(t testing.TB, kind uint16, hear func(frame []byte)) {
	t.Helper()
	bridge, err := n.bridge()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("hear the network: %v", err)
	}
	file := os.NewFile(uintptr(fd), "network")
	t.Cleanup(func() { file.Close() })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: kind<<8 | kind>>8, Ifindex: bridge}); err != nil {
		t.Fatalf("hear the network: %v", err)
	}
	go func() {
		frame := make([]byte, 256)
		for {
			size, err := file.Read(frame)
			if err != nil {
				return
			}
			if size > 14 && binary.BigEndian.Uint16(frame[12:]) == kind {
				hear(frame[:size])
			}
		}
	}()
}

func (n *Network) bridge() (index int, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		addresses, _ := one.Addrs()
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().String() == n.Machine() {
				return one.Index, nil
			}
		}
	}
	return 0, fmt.Errorf("no interface of this machine has %s", n.Machine())
}

// arp keeps a gratuitous one.
func (a *Announcements) arp(frame []byte) {
	const begin, least = 14, 14 + 28
	if len(frame) < least {
		return
	}
	who, sender, target := frame[begin+8:begin+14], frame[begin+14:begin+18], frame[begin+24:begin+28]
	if bytes.Equal(sender, target) {
		a.keep(net.IP(sender), who)
	}
}

// advertisement keeps one that nobody asked for: of ICMPv6, type 136, without the flag of an
// answer, with the sender's own Ethernet address as its option.
func (a *Announcements) advertisement(frame []byte) {
	const body, icmp, kind, answer = 14 + 40, 58, 136, 0x40
	const target, option, least = body + 8, body + 24, body + 32
	if len(frame) < least || frame[14+6] != icmp || frame[body] != kind || frame[body+4]&answer != 0 || frame[option] != 2 {
		return
	}
	a.keep(net.IP(frame[target:target+16]), frame[option+2:option+8])
}

func (a *Announcements) keep(ip net.IP, who net.HardwareAddr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[ip.String()] = append(a.all[ip.String()], Announcement{time.Now(), who.String()})
}
