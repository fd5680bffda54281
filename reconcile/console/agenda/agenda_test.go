package agenda

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
)

// pages are the pens of a page's repositories, by their names.
type pages map[string]*pen

func (p pages) Pen(repository string) console.Pen { return p[repository] }
func (pages) Listed(string, string) (string, time.Time, bool) {
	return "", time.Time{}, false
}
func (pages) Changed(string) {}

// pen answers when it may, always from the branch main, and tells of every deletion of
// a branch.
type pen struct {
	console.Pen
	asked chan struct{}
	may   chan struct{}
	drops atomic.Int32
}

func newPen() *pen { return &pen{asked: make(chan struct{}, 100), may: make(chan struct{})} }

func (p *pen) Prepare(ctx context.Context, _ string, _ change.Request) (console.Draft, error) {
	p.asked <- struct{}{}
	select {
	case <-p.may:
	case <-ctx.Done():
		return console.Draft{}, ctx.Err()
	}
	return console.Draft{View: &fleet.View{Branch: "main"}, Now: &fleet.Deployment{}}, errors.New("it speaks against itself")
}

func (p *pen) Tip(_ context.Context, branch string) (string, error) {
	return strings.Repeat(branch, 40), nil
}

func (p *pen) Drop(context.Context, string, string) error {
	p.drops.Add(1)
	return nil
}

// unlisted is a page that shows no repository.
type unlisted struct{ pages }

func (unlisted) Pen(string) console.Pen { return nil }

// A switch that waits for a repository which the page shows no more is not carried out, and
// is not forgotten in silence.
func TestASwitchOfARepositoryThatIsNotListedIsTold(t *testing.T) {
	orders, err := kept.OpenOrders(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	one := due("gone", "a")
	one.Deployment, one.To = "paris", "standby"
	if err := orders.Put(one); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := New(Options{Page: unlisted{}, Orders: orders, Log: slog.New(slog.NewTextHandler(&log, nil))})
	a.look(t.Context())
	a.look(t.Context())
	if got := log.String(); strings.Count(got, "does not list") != 1 || !strings.Contains(got, "paris of gone to standby") {
		t.Errorf("it says %s", got)
	}
	if all, _ := orders.All(); len(all) != 1 || all[0].State != kept.Waits {
		t.Errorf("got %+v", all)
	}
}

// due is an order whose time has come, on a branch that is named with a letter.
func due(repository, branch string) kept.Order {
	return kept.Order{Commit: strings.Repeat(branch, 40), Branch: branch, Repository: repository, Base: "main", State: kept.Waits,
		At: time.Now().Add(-time.Second), Made: time.Now(), Who: "ada", To: "standby"}
}

func ordersOf(t *testing.T, all ...kept.Order) *kept.Orders {
	t.Helper()
	o, err := kept.OpenOrders(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if err := o.Put(one); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func newAgenda(t *testing.T, page Page, orders Orders) (*Agenda, *audit.Log) {
	t.Helper()
	log, err := audit.New("")
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Page: page, Orders: orders, Audit: log, Log: slog.New(slog.DiscardHandler)}), log
}

// A server that hangs keeps nobody's switch of another repository from its time.
func TestARepositoryThatHangsHoldsNoOtherUp(t *testing.T) {
	hangs, fine := newPen(), newPen()
	close(fine.may)
	orders := ordersOf(t, due("hangs", "a"), due("hangs", "b"))
	a, _ := newAgenda(t, pages{"hangs": hangs, "fine": fine}, orders)
	ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
	ended := make(chan struct{})
	go func() { a.Run(ctx); close(ended) }()
	<-hangs.asked
	if err := orders.Put(due("fine", "c")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-fine.asked:
	case <-ctx.Done():
		t.Error("the other repository was not asked")
	}
	end()
	<-ended
	if len(hangs.asked) > 0 {
		t.Error("a repository that hangs was asked about two orders at a time")
	}
}

func (*pen) Has(context.Context, string, string) (bool, error) { return false, nil }

// A push that was broken off and is not there yet may still come: that it failed is not
// known.
func TestAPushThatTookTooLongIsNotSaidToHaveFailed(t *testing.T) {
	for want, err := range map[kept.State]error{
		kept.Unsure:  &gitcmd.Error{Args: []string{"push"}, Err: context.DeadlineExceeded},
		kept.Refused: &gitcmd.Error{Args: []string{"push"}, Said: "Connection refused", Err: errors.New("exit status 128")},
	} {
		if got := judged(t.Context(), newPen(), due("voice", "a"), pushed{"b", "main", err}); got.State != want {
			t.Errorf("%v: %+v, want %s", err, got, want)
		}
	}
}

// full is a disk that keeps no end of an order.
type full struct {
	*kept.Orders
	is atomic.Bool
}

func (f *full) Put(one kept.Order) error {
	if f.is.Load() {
		return errors.New("no space left on device")
	}
	return f.Orders.Put(one)
}

// An order that ends while the disk is full ends once: its branch is deleted once, the
// audit has one line, and the record follows when there is room.
func TestAnOrderEndsOnceWhileTheDiskIsFull(t *testing.T) {
	p, one := newPen(), due("voice", "a")
	close(p.may)
	orders := &full{Orders: ordersOf(t, one)}
	orders.is.Store(true)
	a, log := newAgenda(t, pages{"voice": p}, orders)
	var ahead time.Duration
	a.Now = func() time.Time { return time.Now().Add(ahead) }
	for _, ahead = range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour} {
		a.look(t.Context())
		a.running.Wait()
	}
	if n := p.drops.Load(); n != 1 || len(log.Last()) != 1 {
		t.Errorf("the branch was deleted %d times, and the audit has %v", n, log.Last())
	}
	orders.is.Store(false)
	ahead = 3 * time.Hour
	a.look(t.Context())
	a.running.Wait()
	if got, err := orders.Of(one.Commit); err != nil || got.State != kept.Refused {
		t.Errorf("the record says %+v %v", got, err)
	}
}

// A switch is made on the branch that it was asked for on, and on no other one of the
// same repository.
func TestASwitchAtATimeIsMadeOnItsBranchAlone(t *testing.T) {
	p, one := newPen(), due("voice", "a")
	close(p.may)
	one.Base = "production"
	orders := ordersOf(t, one)
	a, _ := newAgenda(t, pages{"voice": p}, orders)
	a.look(t.Context())
	a.running.Wait()
	if got, err := orders.Of(one.Commit); err != nil || got.State != kept.Refused || !strings.Contains(got.Said, "it was asked for on the branch production") {
		t.Errorf("the record says %+v %v", got, err)
	}
}
