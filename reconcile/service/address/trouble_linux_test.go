package address

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// Another machine that takes the address later is told of, in its own name, until it has
// been silent for some time.
func TestAnotherMachineThatHasTheAddressTooIsToldOf(t *testing.T) {
	for name, six := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			p, prefix := other(t), fresh(six)
			c := onEth0(prefix)
			c.Rivals = 10 * time.Millisecond
			d := newDriver(t, c)
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			woken := servicetest.Watched(t, d)
			servicetest.Forget(woken)
			if s := servicetest.Observed(t, d); s.Rival != "" {
				t.Fatalf("alone: %+v", s)
			}
			if err := p.AddrAdd(p.link, noDuplicates(prefix.String())); err != nil {
				t.Fatal(err)
			}
			want := p.link.Attrs().HardwareAddr.String() + " has " + prefix.Addr().String() + " too"
			servicetest.Await(t, "a wake", woken)
			servicetest.Until(t, want, func() bool {
				s := servicetest.Observed(t, d)
				return s.Run == plan.Running && strings.HasPrefix(s.Rival, want)
			})
			if err := p.AddrDel(p.link, parsed(prefix.String())); err != nil {
				t.Fatal(err)
			}
			servicetest.Until(t, "its end", func() bool { return servicetest.Observed(t, d).Rival == "" })
			if err := d.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			// The side that takes over must not hear a question of this one.
			if d.seekOnce(t.Context()) || d.seek != nil {
				t.Error("it asks after its stop")
			}
		})
	}
}

// without takes capabilities from a thread, runs there, and gives the thread up.
func without(t *testing.T, capability uint, run func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		err := unix.Capget(&header, &sets[0])
		if err == nil {
			sets[0].Effective &^= 1 << capability
			err = unix.Capset(&header, &sets[0])
		}
		if err == nil {
			run()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAnAgentThatMayNotSaysWhatItLacks(t *testing.T) {
	other(t)
	prefix := fresh(false)
	for capability, words := range map[uint]string{unix.CAP_NET_RAW: "CAP_NET_RAW", unix.CAP_NET_ADMIN: "CAP_NET_ADMIN"} {
		d := newDriver(t, onEth0(prefix))
		var possible, started error
		without(t, capability, func() { possible, started = d.Possible(t.Context()), d.Start(t.Context()) })
		servicetest.Wants(t, possible, service.ErrRefused, words)
		servicetest.Wants(t, started, service.ErrRefused, words)
		if has(t, prefix.Addr()) {
			t.Errorf("without %s it was added", words)
		}
	}
	if err := newDriver(t, onEth0(prefix)).Possible(t.Context()); err != nil {
		t.Errorf("with both: %v", err)
	}
	byHand(t, "eth0", prefix.String())
	defer takeAway(t, "eth0", prefix.String())
	var stopped error
	without(t, unix.CAP_NET_ADMIN, func() { stopped = newDriver(t, onEth0(prefix)).Stop(t.Context()) })
	servicetest.Wants(t, stopped, service.ErrRefused, "CAP_NET_ADMIN")
}

func TestAnAddressThatTheKernelRefusesSaysWhy(t *testing.T) {
	for err, words := range map[error]string{
		unix.EACCES: "is IPv6 off there", unix.EAGAIN: "the kernel did not answer", unix.ENODEV: "no such device",
	} {
		if got := explain(err, "add x to eth0"); got == nil || !strings.Contains(got.Error(), words) || !strings.Contains(got.Error(), "add x to eth0") {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// R1: an agent that was frozen while it asked does not go on with an order that may be
// nobody's any more.
func TestAnAgentThatStoodStillAddsNothing(t *testing.T) {
	other(t)
	c := onEth0(fresh(false))
	c.late = -time.Hour
	servicetest.Wants(t, newDriver(t, c).Start(t.Context()), service.ErrTimeout, "stood still", "not added")
	if prefix := newDriver(t, c).prefix; has(t, prefix.Addr()) {
		t.Error("it was added all the same")
	}
}

// deaf is a kernel whose first watch breaks, as one does whose news were too many.
type deaf struct {
	rtnetlink
	broken atomic.Bool
}

func (k *deaf) watch(ctx context.Context, changed func()) error {
	if k.broken.CompareAndSwap(false, true) {
		return unix.ENOBUFS
	}
	return k.rtnetlink.watch(ctx, changed)
}

func TestAWatchThatBreaksIsBegunAnew(t *testing.T) {
	prefix := fresh(false)
	other(t)
	c := onEth0(prefix)
	c.kernel = &deaf{}
	woken := servicetest.Watched(t, newDriver(t, c))
	byHand(t, "eth0", prefix.String())
	servicetest.Await(t, "a wake", woken)
	takeAway(t, "eth0", prefix.String())
	servicetest.Await(t, "another", woken)
}

// An agent lives for years, and every call opens what it needs.
func TestNothingIsLeftOpen(t *testing.T) {
	prefix := fresh(true)
	other(t)
	c := onEth0(prefix)
	c.Ask, c.Again, c.Rivals = Ask{Questions: 1, Last: time.Millisecond}, []time.Duration{}, time.Millisecond
	d := newDriver(t, c)
	round := func() {
		ctx, cancel := context.WithCancel(t.Context())
		woken, ended := make(chan struct{}, 1), make(chan struct{})
		go func() {
			defer close(ended)
			_ = d.Watch(ctx, func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			})
		}()
		servicetest.Await(t, "the first wake", woken)
		for _, order := range []func(context.Context) error{d.Start, d.Possible, d.Stop} {
			if err := order(ctx); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		servicetest.Await(t, "the end of the watch", ended)
	}
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	round()
	// Series of the tests before may still be on their way.
	files, goroutines := open(), runtime.NumGoroutine()
	for range 20 {
		round()
	}
	servicetest.Until(t, "the end of all that was opened", func() bool { return open() <= files && runtime.NumGoroutine() <= goroutines })
}
