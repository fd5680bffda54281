package address

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inside says that this is a process in a network of its own.
const inside = "TEST_NETWORK"

// TestMain runs the tests in a network of their own, also without root where the kernel
// lets everybody have one.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Env = append(os.Environ(), inside+"=yes")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	runtime.LockOSThread() // the child ends with this thread
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: id, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	err := c.Run()
	if exit, ok := err.(*exec.ExitError); ok {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "a network of its own:", err)
		os.Exit(1)
	}
}

// peer is another machine on the cable of eth0: a network namespace with eth0 of its own.
type peer struct {
	*netlink.Handle
	ns   netns.NsHandle
	link netlink.Link
}

var (
	cable    sync.Once
	theOther *peer
	errCable error
	lastHost atomic.Int32
)

// other is the other machine; the cable is laid when first needed.
func other(t *testing.T) *peer {
	t.Helper()
	cable.Do(func() { theOther, errCable = layCable() })
	if errCable != nil {
		t.Fatal("a cable to another machine: ", errCable)
	}
	return theOther
}

func layCable() (*peer, error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	names := netlink.NewLinkAttrs()
	names.Name = "eth0"
	pair := &netlink.Veth{LinkAttrs: names, PeerName: "away"}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, err
	}
	away, err := netlink.LinkByName("away")
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetNsFd(away, int(ns)); err != nil {
		return nil, err
	}
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, err
	}
	if away, err = h.LinkByName("away"); err != nil {
		return nil, err
	}
	for _, up := range []func() error{
		func() error { return h.LinkSetUp(away) },
		func() error { return netlink.LinkSetUp(pair) },
		func() error { return netlink.AddrAdd(pair, parsed("10.20.0.1/16")) },
		func() error { return h.AddrAdd(away, parsed("10.20.0.2/16")) },
		func() error { return h.AddrAdd(away, noDuplicates("2001:db8::2/64")) },
	} {
		if err := up(); err != nil {
			return nil, err
		}
	}
	return &peer{h, ns, away}, nil
}

// newNamespace makes a network without entering it.
func newNamespace() (ns netns.NsHandle, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ns, err = netns.New()
	}()
	<-done
	return ns, err
}

// within runs a function in the other machine's network.
func (p *peer) within(f func()) error {
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := netns.Set(p.ns)
		if err == nil {
			f()
		}
		failed <- err
	}()
	return <-failed
}

func parsed(text string) *netlink.Addr {
	a, err := netlink.ParseAddr(text)
	if err != nil {
		panic(err)
	}
	return a
}

func noDuplicates(text string) *netlink.Addr {
	a := parsed(text)
	a.Flags = unix.IFA_F_NODAD
	return a
}

// fresh is an address that no other test uses, on the cable's network.
func fresh(six bool) netip.Prefix {
	n := lastHost.Add(1)
	if six {
		return netip.MustParsePrefix(fmt.Sprintf("2001:db8::1:%x/64", n))
	}
	return netip.MustParsePrefix(fmt.Sprintf("10.20.%d.%d/16", 1+n/200, 1+n%200))
}

// has tells what the machine answers for, by the system's own list.
func has(t *testing.T, ip netip.Addr) bool {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip.AsSlice()) {
			return true
		}
	}
	return false
}

// byHand adds an address as a person would.
func byHand(t *testing.T, on string, prefix string) {
	t.Helper()
	link, err := netlink.LinkByName(on)
	if err == nil {
		err = netlink.AddrAdd(link, noDuplicates(prefix))
	}
	if err != nil {
		t.Fatalf("add %s to %s: %v", prefix, on, err)
	}
}

// takeAway removes an address as a person would.
func takeAway(t *testing.T, on, prefix string) {
	t.Helper()
	link, err := netlink.LinkByName(on)
	if err == nil {
		err = netlink.AddrDel(link, parsed(prefix))
	}
	if err != nil {
		t.Fatalf("remove %s from %s: %v", prefix, on, err)
	}
}

// listener hears frames on the other machine.
func (p *peer) listener(t *testing.T, ip netip.Addr) *packetSocket {
	t.Helper()
	var w *packetSocket
	var err error
	a := p.link.Attrs()
	if moved := p.within(func() {
		w, err = openPackets(device{name: a.Name, index: a.Index, hardware: a.HardwareAddr}, ip)
	}); moved != nil {
		err = moved
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// heard is the next frame about an address from another sender that is as wanted.
func heard(t *testing.T, w *packetSocket, is func(frame []byte) bool) []byte {
	t.Helper()
	buffer := make([]byte, largest)
	for until := time.Now().Add(10 * time.Second); ; {
		n, err := w.receive(buffer, until)
		if err != nil {
			t.Fatal(err)
		}
		if is(buffer[:n]) {
			return buffer[:n]
		}
	}
}
