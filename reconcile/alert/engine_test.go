package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec/alerts"
)

// memory is a disk that works, or does not.
type memory struct {
	mu     sync.Mutex
	kept   map[string][]byte
	broken error
}

func (m *memory) Save(name string, v any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	b, err := json.Marshal(v)
	m.kept[name] = b
	return err
}

func (m *memory) Load(name string, v any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[name] == nil {
		return fs.ErrNotExist
	}
	return json.Unmarshal(m.kept[name], v)
}

// failedNode is a node that failed a minute ago.
func failedNode() (*Sight, bool) {
	r := &plan.Report{Node: "a", Status: plan.Failed, Reason: "no disk", Since: time.Now().Add(-time.Minute)}
	return &Sight{At: time.Now(), Deployment: "paris", Self: "a", Nodes: []Node{{Name: "a", Fresh: true, Report: r}}}, true
}

// inbox takes what is delivered.
type inbox struct {
	mu  sync.Mutex
	got []string
	err error
}

func (i *inbox) deliver(_ context.Context, to alerts.Alert, m Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	i.got = append(i.got, to.Command[0]+" "+m.ID+" "+string(m.Kind))
	return nil
}

func (i *inbox) list() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.got...)
}

// run runs an engine for some time.
func run(t *testing.T, c Config, d time.Duration) *Engine {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	if c.Look == nil {
		c.Look = failedNode
	}
	if c.Alerts == nil {
		never := alerts.Alert{Command: []string{"one"}}
		c.Alerts = []alerts.Alert{never}
	}
	e := NewEngine(c)
	ctx, end := context.WithTimeout(t.Context(), d)
	defer end()
	e.Run(ctx)
	return e
}

// pass lets time pass.
func pass(t *testing.T, d time.Duration) {
	ctx, end := context.WithTimeout(t.Context(), d)
	defer end()
	<-ctx.Done()
}

func TestARestartTellsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, box := &memory{kept: map[string][]byte{}}, &inbox{}
		for range 5 {
			run(t, Config{Disk: disk, Deliver: box.deliver}, time.Minute)
		}
		if got := box.list(); len(got) != 1 {
			t.Errorf("told %q", got)
		}
	})
}

// What waits is on disk before anybody is told, and a message that is sent again is the
// same one.
func TestWhatWasNotDeliveredIsAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, box := &memory{kept: map[string][]byte{}}, &inbox{err: errors.New("refused")}
		var ids []string
		e := run(t, Config{Disk: disk, Deliver: func(ctx context.Context, to alerts.Alert, m Message) error {
			ids = append(ids, m.ID)
			return box.deliver(ctx, to, m)
		}}, time.Minute)
		if c := e.Conditions(); len(c) != 1 || c[0].Type != plan.CondAlertNotSent || c[0].Message != "the command one: refused" {
			t.Errorf("it says %+v", c)
		}
		if len(ids) < 3 || len(ids) > 6 {
			t.Errorf("%d tries in a minute", len(ids))
		}
		box.err = nil
		e = run(t, Config{Disk: disk, Deliver: box.deliver}, time.Minute)
		if got := box.list(); len(got) != 1 || !strings.Contains(got[0], ids[0]) || len(e.Conditions()) != 0 {
			t.Errorf("told %q, first %q, %+v", got, ids[0], e.Conditions())
		}
	})
}

// Never in the way: a receiver that hangs holds up neither what wakes the engine, nor
// what reports of it, nor another receiver, and ends within its bound.
func TestAReceiverThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{}
		var hung atomic.Int32
		deliver := func(ctx context.Context, to alerts.Alert, m Message) error {
			if to.Command[0] == "hangs" {
				hung.Add(1)
				<-ctx.Done()
				return ctx.Err()
			}
			return box.deliver(ctx, to, m)
		}
		e := NewEngine(Config{Alerts: []alerts.Alert{{Command: []string{"hangs"}}, {Command: []string{"well"}}},
			Look: failedNode, Deliver: deliver, Log: slog.New(slog.DiscardHandler)})
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); e.Run(ctx) }()
		synctest.Wait()
		began := time.Now()
		for range 1000 {
			e.Wake()
			e.Conditions()
		}
		if time.Since(began) != 0 || len(box.list()) != 1 {
			t.Errorf("it took %s, told %q", time.Since(began), box.list())
		}
		pass(t, sendTime+time.Second)
		synctest.Wait()
		if c := e.Conditions(); len(c) != 1 || hung.Load() != 1 {
			t.Errorf("after the bound: %+v, %d tries", c, hung.Load())
		}
		pass(t, firstWait)
		synctest.Wait()
		began = time.Now()
		end()
		<-ended
		if took := time.Since(began); took > lastTry || hung.Load() != 2 {
			t.Errorf("the end took %s, %d tries", took, hung.Load())
		}
	})
}

func TestADiskThatRefusesStopsNoAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{}
		e := run(t, Config{Disk: &memory{broken: errors.New("no space")}, Deliver: box.deliver}, time.Minute)
		if c := e.Conditions(); len(box.list()) != 1 || len(c) != 1 || !strings.Contains(c[0].Message, "no space") {
			t.Errorf("told %q, %+v", box.list(), c)
		}
	})
}

func TestADamagedFileIsALossAndNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"null", "{}", `{"open":7}`, `{"open":{"failed/b":null,"switch/x":{"event":"switch"}},"roles":{"x":null},"boxes":{"y":null}}`} {
			box := &inbox{}
			run(t, Config{Disk: &memory{kept: map[string][]byte{diskName: []byte(text)}}, Deliver: box.deliver}, time.Minute)
			if len(box.list()) != 1 {
				t.Errorf("%s: told %q", text, box.list())
			}
		}
	})
}

// A message that arrives nowhere for a day is given up, and a later one is tried.
func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, tries := &memory{kept: map[string][]byte{}}, 0
		run(t, Config{Disk: disk, Alerts: []alerts.Alert{{Command: []string{"one"}}}, Deliver: func(context.Context, alerts.Alert, Message) error {
			tries++
			return fmt.Errorf("refused")
		}}, giveUp+time.Hour)
		if tries > 24*6+20 {
			t.Errorf("%d tries in a day", tries)
		}
		kept := newState()
		if err := disk.Load(diskName, kept); err != nil {
			t.Fatal(err)
		}
		for _, b := range kept.Boxes {
			if b.Dropped != 1 {
				t.Errorf("%d given up, %d wait", b.Dropped, len(b.Queue))
			}
		}
	})
}
