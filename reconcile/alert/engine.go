package alert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec/alerts"
)

const (
	// sendTime bounds one try to deliver a message, and lastTry how long one that is
	// under way may take when the teller ends.
	sendTime = 30 * time.Second
	lastTry  = 3 * time.Second
	// firstWait and longestWait are between two tries. A message that did not arrive
	// within giveUp is given up.
	firstWait   = 5 * time.Second
	longestWait = 10 * time.Minute
	giveUp      = 24 * time.Hour
	// lookEvery is how often what is seen is looked at when nobody wakes the engine, and
	// lookGap the least time between two looks.
	lookEvery = 5 * time.Second
	lookGap   = 250 * time.Millisecond
)

// Deliver hands a message to a receiver, within the context. An error has nothing in it
// that is secret.
type Deliver func(ctx context.Context, to alerts.Alert, m Message) error

// Disk keeps what was told. An error loses nothing that was saved before.
type Disk interface {
	// Save replaces the value of a name.
	Save(name string, v any) error
	// Load returns fs.ErrNotExist when nothing was saved.
	Load(name string, v any) error
}

// diskName is the name under which the state is kept.
const diskName = "alerts"

// Config is what an engine works with.
type Config struct {
	Alerts  []alerts.Alert
	Deliver Deliver
	// Disk may be nil: then a restart tells again what lasts.
	Disk Disk
	// Look is what is seen now, and false while nothing is.
	Look func() (*Sight, bool)
	Log  *slog.Logger
}

// Engine looks, keeps what was told, and delivers. Wake and Conditions never wait.
type Engine struct {
	Config
	to   []receiver
	wake chan struct{}

	mu    sync.Mutex
	state *State
	moved chan struct{} // closed when a box may have something new

	fails  sync.Map // receiver id -> failing
	saved  atomic.Pointer[string]
	waiter func(d time.Duration) <-chan time.Time
}

// failing is a receiver that could not be reached.
type failing struct {
	who   string
	tries int
	since time.Time
	err   string
}

// NewEngine returns an engine that has told nothing yet. It reads what was told before
// when it runs.
func NewEngine(c Config) *Engine {
	return &Engine{Config: c, to: receivers(c.Alerts), wake: make(chan struct{}, 1), moved: make(chan struct{}),
		state: newState(), waiter: time.After}
}

// Wake asks for a look soon.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run looks and delivers until ctx ends, and then for as long as a message that is under
// way takes, which is a few seconds at most.
func (e *Engine) Run(ctx context.Context) {
	e.load()
	var wg sync.WaitGroup
	for _, r := range e.to {
		wg.Go(func() { e.deliver(ctx, r) })
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		e.Step()
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-e.wake:
			select {
			case <-ctx.Done():
			case <-e.waiter(lookGap):
			}
		}
	}
	wg.Wait()
}

// load reads what was told before. A file that cannot be read is a loss, and no reason
// to tell nothing.
func (e *Engine) load() {
	if e.Disk == nil {
		return
	}
	kept := newState()
	err := e.Disk.Load(diskName, kept)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		e.Log.Error("what was told in alerts is lost: what lasts is told again", "error", err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if kept.Open != nil && kept.Roles != nil && kept.Boxes != nil {
		e.state = kept.whole()
	}
	maps.DeleteFunc(e.state.Boxes, func(id string, _ *Box) bool {
		return !slices.ContainsFunc(e.to, func(r receiver) bool { return r.id == id })
	})
}

// whole is a state without what a file may have that no step made.
func (st *State) whole() *State {
	maps.DeleteFunc(st.Open, func(_ string, o *Open) bool {
		return o == nil || o.Move == nil && (o.Event == alerts.Switch || o.Event == alerts.Late)
	})
	maps.DeleteFunc(st.Roles, func(_ string, r *RoleState) bool { return r == nil })
	maps.DeleteFunc(st.Boxes, func(_ string, b *Box) bool { return b == nil })
	return st
}

// Step looks once: what is to be told is on disk before anybody is told.
func (e *Engine) Step() {
	s, ok := e.Look()
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.step(s, e.to) {
		e.save()
		close(e.moved)
		e.moved = make(chan struct{})
	}
}

// save keeps the state; mu is held.
func (e *Engine) save() {
	if e.Disk == nil {
		return
	}
	text := ""
	if err := e.Disk.Save(diskName, e.state); err != nil {
		text = err.Error()
		if said := e.saved.Load(); said == nil || *said != text {
			e.Log.Warn("what was told in alerts could not be kept", "error", err)
		}
	}
	e.saved.Store(&text)
}

// next is the oldest message of a box, and what is closed when there may be one.
func (e *Engine) next(id string) (m Message, ok bool, moved <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.state.Boxes[id]; b != nil && len(b.Queue) > 0 {
		return b.Queue[0], true, e.moved
	}
	return Message{}, false, e.moved
}

// drop takes a message out of a box: it arrived, or is given up.
func (e *Engine) drop(id string, m Message, arrived bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.state.box(id)
	b.Queue = slices.DeleteFunc(b.Queue, func(q Message) bool { return q.ID == m.ID })
	if arrived {
		b.Dropped = 0
	} else {
		b.Dropped++
	}
	e.save()
}

// deliver sends what is in one box, one after the other. A receiver that does not answer
// holds up nobody else.
func (e *Engine) deliver(ctx context.Context, r receiver) {
	tries := 0
	for ctx.Err() == nil {
		m, ok, moved := e.next(r.id)
		if !ok {
			select {
			case <-ctx.Done():
			case <-moved:
			}
			continue
		}
		err := e.try(ctx, r, m)
		switch {
		case err == nil:
			tries = 0
			e.fails.Delete(r.id)
			e.drop(r.id, m, true)
			continue
		case ctx.Err() != nil:
			return
		}
		tries++
		e.failed(r, tries, err)
		if time.Since(m.At) > giveUp {
			e.Log.Error("an alert is given up", "to", r.String(), "subject", m.Subject)
			e.drop(r.id, m, false)
		}
		select {
		case <-ctx.Done():
		case <-e.waiter(min(firstWait<<min(tries-1, 10), longestWait)):
		}
	}
}

// try delivers once. When the teller ends, what is under way is given a moment: else
// nobody would know whether it arrived.
func (e *Engine) try(ctx context.Context, r receiver, m Message) error {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-bound.Done():
		case <-e.waiter(lastTry):
			cancel()
		}
	})
	defer stop()
	return e.Deliver(bound, r.Alert, m)
}

func (e *Engine) failed(r receiver, tries int, err error) {
	f := failing{who: r.String(), tries: tries, since: time.Now(), err: Harmless(err.Error())}
	if before, ok := e.fails.Load(r.id); ok {
		f.since = before.(failing).since
	}
	e.fails.Store(r.id, f)
	e.Log.Warn("an alert was not delivered", "to", f.who, "tries", tries, "error", f.err)
}

// Conditions are what a person should know of the alerts themselves.
func (e *Engine) Conditions() []plan.Condition {
	var out []plan.Condition
	for _, r := range e.to {
		if v, ok := e.fails.Load(r.id); ok {
			f := v.(failing)
			out = append(out, plan.Condition{Type: plan.CondAlertNotSent, Since: f.since.UTC().Truncate(time.Second), Message: fmt.Sprintf("%s: %s", f.who, f.err)})
		}
	}
	if text := e.saved.Load(); text != nil && *text != "" {
		out = append(out, plan.Condition{Type: plan.CondAlertNotSent, Message: "what was told cannot be kept, so a restart may tell it again: " + strings.TrimSpace(*text)})
	}
	return out
}
