package address

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"mainstay/reconcile/service/servicetest"
	"mainstay/spec/floating"
)

var layLoop = sync.OnceValue(func() error {
	names := netlink.NewLinkAttrs()
	names.Name = "lan0"
	pair := &netlink.Veth{LinkAttrs: names, PeerName: "lan1"}
	if err := netlink.LinkAdd(pair); err != nil {
		return err
	}
	second, err := netlink.LinkByName("lan1")
	if err != nil {
		return err
	}
	return errors.Join(netlink.LinkSetUp(pair), netlink.LinkSetUp(second))
})

// twoCables gives this machine two interfaces on one network, lan0 and lan1: by default Linux
// answers on each for the addresses of both. It returns the address of lan1.
func twoCables(t *testing.T) net.HardwareAddr {
	t.Helper()
	if err := layLoop(); err != nil {
		t.Fatal("two interfaces on one network: ", err)
	}
	second, err := netlink.LinkByName("lan1")
	if err != nil {
		t.Fatal(err)
	}
	return second.Attrs().HardwareAddr
}

func onLAN0(ip string) Config {
	return Config{Address: floating.Address{Interface: "lan0", IP: ip}, Again: []time.Duration{}}
}

// mute is a kernel that does not tell which interfaces there are.
type mute struct{ rtnetlink }

func (mute) hardware(context.Context) ([]net.HardwareAddr, error) { return nil, errMute }

var errMute = errors.New("not told")

// Another interface of this machine that answers for the address is no other machine that
// has it. Where the interfaces cannot be listed it is taken for one.
func TestAnotherInterfaceOfThisMachineIsNoRival(t *testing.T) {
	second := twoCables(t)
	d := newDriver(t, onLAN0("10.77.0.10/24"))
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if d.seekOnce(t.Context()) || d.contested() != "" {
		t.Errorf("this machine is its own rival: %q", d.contested())
	}
	d.kernel = mute{}
	if want := second.String() + " has 10.77.0.10 too: others reach either machine"; !d.seekOnce(t.Context()) || d.contested() != want {
		t.Errorf("lan1 does not answer for it: %q", d.contested())
	}
}

// An address that only this machine answers for is added.
func TestAnotherInterfaceOfThisMachineKeepsNoAddressFromBeingAdded(t *testing.T) {
	second := twoCables(t)
	ip := netip.MustParseAddr("10.77.0.11")
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	// By such a way, as by proxy ARP, lan1 answers before the address is anywhere.
	way := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: netlink.NewIPNet(ip.AsSlice()), Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: unix.RT_SCOPE_HOST}
	if err := errors.Join(netlink.LinkSetUp(lo), netlink.RouteAdd(way)); err != nil {
		t.Fatal(err)
	}
	d := newDriver(t, onLAN0(ip.String()+"/24"))
	d.kernel = mute{}
	servicetest.Wants(t, d.Start(t.Context()), nil, "10.77.0.11 is in use by "+second.String()+" on lan0")
	d.kernel = thisKernel()
	if err := d.Start(t.Context()); err != nil || !has(t, ip) {
		t.Errorf("it is not added: %v", err)
	}
	if err := errors.Join(d.Stop(t.Context()), netlink.RouteDel(way)); err != nil {
		t.Error(err)
	}
}

// What several machines share tells nothing of who answers.
func TestTheHardwareOfThisMachineIsItsOwn(t *testing.T) {
	second := twoCables(t)
	names := netlink.NewLinkAttrs()
	names.Name, names.HardwareAddr = "vrrp.1", net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}
	router := &netlink.Veth{LinkAttrs: names, PeerName: "vrrp.2"}
	if err := netlink.LinkAdd(router); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = netlink.LinkDel(router) }()
	all, err := thisKernel().hardware(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, a := range all {
		found = found || a.String() == second.String()
		if len(a) != 6 || a.String() == nobody.String() || a.String() == names.HardwareAddr.String() {
			t.Errorf("%s", a)
		}
	}
	if !found {
		t.Errorf("lan1 is missing: %v", all)
	}
}
