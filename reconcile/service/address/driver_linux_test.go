package address

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
	"mainstay/spec/floating"
)

// stubborn is a kernel that takes every order to remove and keeps the address, as one to
// which something else adds it again at once.
type stubborn struct{ rtnetlink }

func (stubborn) remove(context.Context, place) error { return nil }

func newDriver(t *testing.T, c Config) *Driver {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func onEth0(prefix netip.Prefix) Config {
	return Config{Address: floating.Address{Interface: "eth0", IP: prefix.String()}}
}

func TestAnAddressIsAConformingDriver(t *testing.T) {
	for name, six := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			servicetest.Run(t, servicetest.Fixture{
				New:     func(t *testing.T, b servicetest.Behaviour) servicetest.Subject { return subject(t, b, six) },
				Outside: true, Parallel: true, StopBound: 300 * time.Millisecond,
			})
		})
	}
}

func subject(t *testing.T, b servicetest.Behaviour, six bool) servicetest.Subject {
	p, prefix := other(t), fresh(six)
	c := onEth0(prefix)
	switch b {
	case servicetest.Hangs:
		c.kernel = stubborn{}
		t.Cleanup(func() {
			if has(t, prefix.Addr()) {
				takeAway(t, "eth0", prefix.String())
			}
		})
	case servicetest.FailsToStart:
		if err := p.AddrAdd(p.link, noDuplicates(prefix.String())); err != nil {
			t.Fatal(err)
		}
	}
	return servicetest.Subject{
		Driver:       newDriver(t, c),
		Alive:        func() bool { return has(t, prefix.Addr()) },
		Crash:        func(t *testing.T) { takeAway(t, "eth0", prefix.String()) },
		StartOutside: func(t *testing.T) { byHand(t, "eth0", prefix.String()) },
	}
}

// An address that another machine has is not added, and the words name who has it.
func TestAnAddressThatAnotherMachineHasIsNotAdded(t *testing.T) {
	for name, six := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			p, prefix := other(t), fresh(six)
			if err := p.AddrAdd(p.link, noDuplicates(prefix.String())); err != nil {
				t.Fatal(err)
			}
			d := newDriver(t, onEth0(prefix))
			err := d.Start(t.Context())
			servicetest.Wants(t, err, nil, prefix.Addr().String()+" is in use by "+p.link.Attrs().HardwareAddr.String()+" on eth0", "not added")
			if has(t, prefix.Addr()) {
				t.Error("it was added all the same")
			}
			// It is free again once the other machine lets go.
			if err := p.AddrDel(p.link, parsed(prefix.String())); err != nil {
				t.Fatal(err)
			}
			if err := d.Start(t.Context()); err != nil || !has(t, prefix.Addr()) {
				t.Errorf("once it is free: %v", err)
			}
			if err := d.Stop(t.Context()); err != nil || has(t, prefix.Addr()) {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

// An address is asked for before it is added, and announced after, again and again; nobody
// hears of it once it was removed.
func TestAnAddressIsAskedForAndThenAnnounced(t *testing.T) {
	for name, six := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			prefix := fresh(six)
			w := other(t).listener(t, prefix.Addr())
			own, err := thisKernel().device(t.Context(), "eth0")
			if err != nil {
				t.Fatal(err)
			}
			c := onEth0(prefix)
			c.Again = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, time.Hour}
			d := newDriver(t, c)
			started := make(chan error, 1)
			go func() { started <- d.Start(t.Context()) }()
			asks := question(own.hardware, prefix.Addr())
			says := announcements(own.hardware, prefix.Addr())
			same := func(want []byte) func([]byte) bool {
				return func(frame []byte) bool { return strings.HasPrefix(string(frame), string(want)) }
			}
			for range 3 {
				heard(t, w, same(asks))
			}
			for range 3 {
				for _, want := range says {
					heard(t, w, same(want))
				}
			}
			if err := <-started; err != nil {
				t.Fatal(err)
			}
			if err := d.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.series != nil {
				t.Error("it is announced after its stop")
			}
		})
	}
}

// What is not on this machine any more is not announced: others would send to nobody.
func TestAnAddressThatSomebodyRemovedIsNotAnnouncedAgain(t *testing.T) {
	prefix := fresh(false)
	other(t)
	c := onEth0(prefix)
	c.Again = []time.Duration{20 * time.Millisecond, time.Hour}
	d := newDriver(t, c)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	s := d.series
	d.mu.Unlock()
	takeAway(t, "eth0", prefix.String())
	servicetest.Await(t, "the end of the announcement", s.done)
}

// R1: another interface of this machine answers for an address as well as the one that it
// should be on.
func TestAnAddressOnAnotherInterfaceIsNotDown(t *testing.T) {
	prefix := fresh(false)
	other(t)
	addInterface(t, "eth1")
	byHand(t, "eth1", prefix.String())
	d := newDriver(t, onEth0(prefix))
	if s := servicetest.Observed(t, d); s.Run.Down() || s.Run == plan.Running || !s.Holdoff || !strings.Contains(s.Detail, "is on eth1 of this machine, not on eth0") {
		t.Errorf("%+v", s)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := servicetest.Observed(t, d); s.Run != plan.Running || s.Unhealthy != "" {
		t.Errorf("after it moved: %+v", s)
	}
	byHand(t, "eth1", prefix.String())
	if s := servicetest.Observed(t, d); s.Unhealthy == "" {
		t.Errorf("twice: %+v", s)
	}
	if err := d.Stop(t.Context()); err != nil || has(t, prefix.Addr()) {
		t.Errorf("stop: %v, still there %v", err, has(t, prefix.Addr()))
	}
}

func addInterface(t *testing.T, name string) netlink.Link {
	t.Helper()
	a := netlink.NewLinkAttrs()
	a.Name = name
	link := &netlink.Veth{LinkAttrs: a, PeerName: name + "-end"}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = netlink.LinkDel(link) })
	for _, one := range []string{name, name + "-end"} {
		end, err := netlink.LinkByName(one)
		if err == nil {
			err = netlink.LinkSetUp(end)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return link
}

// To take an address away takes nothing else away: the node's own addresses may be
// secondary to it, and the kernel would remove them.
func TestAStopTakesNoOtherAddressWithIt(t *testing.T) {
	other(t)
	if err := setting(addInterface(t, "eth2").Attrs().Index, promoteSecondaries, 0); err != nil {
		t.Fatal(err)
	}
	byHand(t, "eth2", "10.77.0.10/24")
	byHand(t, "eth2", "10.77.0.11/24")
	byHand(t, "eth2", "10.77.0.12/24")
	d := newDriver(t, Config{Address: floating.Address{Interface: "eth2", IP: "10.77.0.10/24"}})
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]bool{"10.77.0.10": false, "10.77.0.11": true, "10.77.0.12": true} {
		if has(t, netip.MustParseAddr(ip)) != want {
			t.Errorf("%s is there: %v", ip, !want)
		}
	}
}

func TestAnAddressThatCannotBeAskedForIsNotAdded(t *testing.T) {
	prefix := fresh(false)
	other(t)
	down := addInterface(t, "eth3")
	if err := netlink.LinkSetDown(down); err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]struct {
		sentinel error
		words    string
	}{
		"eth9": {service.ErrNotFound, "this machine has no interface eth9"},
		"eth3": {nil, "eth3 is down or has no carrier"},
		"lo":   {service.ErrRefused, "lo, which is no Ethernet"},
	} {
		d := newDriver(t, Config{Address: floating.Address{Interface: on, IP: prefix.String()}})
		servicetest.Wants(t, d.Start(t.Context()), want.sentinel, want.words)
		if s := servicetest.Observed(t, d); s.Run != plan.Stopped || has(t, prefix.Addr()) {
			t.Errorf("%s: %+v", on, s)
		}
	}
}

func TestAnAddressWhoseInterfaceGoesDownIsNotWell(t *testing.T) {
	link := addInterface(t, "eth4")
	byHand(t, "eth4", "10.78.0.10/24")
	d := newDriver(t, Config{Address: floating.Address{Interface: "eth4", IP: "10.78.0.10/24"}})
	woken := servicetest.Watched(t, d)
	if s := servicetest.Observed(t, d); s.Run != plan.Running || s.Unhealthy != "" {
		t.Errorf("adopted: %+v", s)
	}
	servicetest.Forget(woken)
	if err := netlink.LinkSetDown(link); err != nil {
		t.Fatal(err)
	}
	servicetest.Await(t, "a wake", woken)
	servicetest.Until(t, "not being well", func() bool { return strings.Contains(servicetest.Observed(t, d).Unhealthy, "eth4 is down") })
}

func TestAnAddressOfAnotherLengthIsToldAndStopped(t *testing.T) {
	addInterface(t, "eth5")
	byHand(t, "eth5", "10.79.0.10/32")
	d := newDriver(t, Config{Address: floating.Address{Interface: "eth5", IP: "10.79.0.10/24"}})
	if s := servicetest.Observed(t, d); s.Run != plan.Running || !strings.Contains(s.Unhealthy, "ip address del 10.79.0.10/32 dev eth5") {
		t.Errorf("%+v", s)
	}
	if err := d.Stop(t.Context()); err != nil || has(t, netip.MustParseAddr("10.79.0.10")) {
		t.Error(err)
	}
}

// An agent that ends between the two added what it did not announce: its successor does.
func TestTheNextRunAnnouncesToTheEnd(t *testing.T) {
	prefix := fresh(false)
	p := other(t)
	c := onEth0(prefix)
	c.Folder, c.Again = t.TempDir(), []time.Duration{time.Hour}
	if err := newDriver(t, c).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := p.listener(t, prefix.Addr())
	c.Again = []time.Duration{time.Millisecond}
	next := newDriver(t, c)
	servicetest.Watched(t, next)
	own, err := thisKernel().device(t.Context(), "eth0")
	if err != nil {
		t.Fatal(err)
	}
	want := string(announcements(own.hardware, prefix.Addr())[0])
	heard(t, w, func(frame []byte) bool { return strings.HasPrefix(string(frame), want) })
	servicetest.Until(t, "the end of it", func() bool { return !next.untold.Get().Is })
	if after := newDriver(t, c); after.unfinished.Load() {
		t.Error("it is announced for ever")
	}
	if err := next.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// blind cannot list addresses.
type blind struct{ rtnetlink }

var errBlind = errors.New("no list")

func (blind) addresses(context.Context, netip.Addr) ([]place, error) { return nil, errBlind }

// Nothing counts as known that was not observed: an address that cannot be listed is not
// down, and not stopped.
func TestAnAddressThatCannotBeListedIsNotDown(t *testing.T) {
	c := onEth0(fresh(false))
	c.kernel = blind{}
	d := newDriver(t, c)
	if s, err := d.Observe(t.Context()); err == nil || s.Run != plan.RunUnsure {
		t.Errorf("%+v, %v", s, err)
	}
	for what, order := range map[string]func(context.Context) error{"start": d.Start, "stop": d.Stop} {
		if err := order(t.Context()); !errors.Is(err, errBlind) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
