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

// Has reports whether the host has an address, as the machine's kernel sees it. It asks
// nothing of the host.
func (h *Host) Has(ip string) bool {
	pid, err := h.process(context.Background())
	if err != nil {
		return false
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

// Announcement is one frame of ARP by which a host says that an address is its own.
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

// Listen hears every broadcast of ARP on the network.
func (n *Network) Listen(t testing.TB) *Announcements {
	t.Helper()
	bridge, err := n.bridge()
	if err != nil {
		t.Fatal(err)
	}
	const arp = unix.ETH_P_ARP
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("hear the network: %v", err)
	}
	file := os.NewFile(uintptr(fd), "network")
	t.Cleanup(func() { file.Close() })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: arp<<8&0xff00 | arp>>8, Ifindex: bridge}); err != nil {
		t.Fatalf("hear the network: %v", err)
	}
	a := &Announcements{all: map[string][]Announcement{}}
	go a.hear(file)
	return a
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

func (a *Announcements) hear(file *os.File) {
	frame := make([]byte, 128)
	for {
		size, err := file.Read(frame)
		if err != nil {
			return
		}
		const begin, least = 14, 14 + 28
		if size < least || binary.BigEndian.Uint16(frame[12:]) != unix.ETH_P_ARP {
			continue
		}
		who, sender, target := frame[begin+8:begin+14], frame[begin+14:begin+18], frame[begin+24:begin+28]
		if !bytes.Equal(sender, target) {
			continue
		}
		a.mu.Lock()
		ip := net.IP(sender).String()
		a.all[ip] = append(a.all[ip], Announcement{time.Now(), net.HardwareAddr(who).String()})
		a.mu.Unlock()
	}
}
