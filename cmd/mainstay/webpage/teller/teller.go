// Package teller tells people of what the web page sees: it reads the file that says whom,
// and shows each look at a repository to those who word it.
//
// It knows no page, and nothing of what is told.
package teller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"mainstay/reconcile/alert/deliver"
	"mainstay/reconcile/alert/page"
	"mainstay/reconcile/console"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/state"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

// mostAlerts bounds the file of --alerts, in bytes.
const mostAlerts = 64 << 10

// load reads the file: the same list that an agent's file has.
func load(file string) ([]alerts.Alert, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, wrong{fmt.Errorf("read the alerts: %w", err), "correct --alerts"}
	}
	if info.Size() > mostAlerts {
		return nil, wrong{fmt.Errorf("%s has more than %d bytes", file, mostAlerts), "correct --alerts"}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, wrong{fmt.Errorf("read the alerts: %w", err), "correct --alerts"}
	}
	f, problems := spec.LoadAgentFile(file, b)
	if f == nil { // without what only an agent needs
		f, problems = spec.LoadAgentFile(file, append(b, "\nrepository: { url: / }\n"...))
	}
	hint := "the file has a list alerts:, as an agent's file"
	switch {
	case len(problems) > 0:
		return nil, wrong{errors.New(problems[0].String()), cmp.Or(problems[0].Hint, hint)}
	case len(f.Alerts) == 0:
		return nil, wrong{errors.New(file + " names nobody to tell"), hint}
	}
	return f.Alerts, nil
}

// wrong is an error with what to do about it.
type wrong struct {
	error
	hint string
}

// Unwrap returns the cause.
func (w wrong) Unwrap() error { return w.error }

// Hint returns what to do.
func (w wrong) Hint() string { return w.hint }

// again is how often a teller looks whether the other one of its folder has ended.
const again = 5 * time.Second

// Teller tells of every look that it is shown. A nil Teller tells nobody.
type Teller struct {
	page *page.Teller
	log  *slog.Logger
	// alone reports whether no other page tells from this folder, from when on none does.
	alone func() bool
	tells atomic.Bool
	again time.Duration
}

// Open makes the teller of a file; nil where there is no file. What it told is kept in a
// folder, empty for nowhere: then a restart tells again what lasts. It tells nothing before
// alone has said that it is the only one.
func Open(file, folder string, alone func() bool, log *slog.Logger) (*Teller, error) {
	if file == "" {
		return nil, nil
	}
	list, err := load(file)
	if err != nil {
		return nil, err
	}
	c := page.Config{Alerts: list, Deliver: deliver.Deliver, Now: time.Now, Log: log}
	if folder != "" {
		disk, err := state.Open(folder)
		if err != nil {
			return nil, wrong{err, "name another folder with --state"}
		}
		c.Disk = disk
	}
	return &Teller{page: page.New(c), log: log, alone: alone, again: again}, nil
}

// Run tells until ctx ends, and a few seconds longer when something is under way. While another
// page tells from its folder it tells nothing: everything would be told twice.
func (t *Teller) Run(ctx context.Context) {
	if t == nil || !t.turn(ctx) {
		return
	}
	t.tells.Store(true)
	t.page.Run(ctx)
}

// turn waits until no other page tells from the folder, and is false when ctx ends before.
func (t *Teller) turn(ctx context.Context) bool {
	if t.alone() {
		return true
	}
	t.log.Error("another page sends alerts from this folder of --state: this one sends none until that one has ended; give each page a folder of its own")
	tick := time.NewTicker(t.again)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		if t.alone() {
			t.log.Warn("the other page has ended: this one sends alerts from now on")
			return true
		}
	}
}

// see shows a look to those who word it.
func (t *Teller) see(repository string, v *fleet.View) {
	if t.tells.Load() {
		t.page.See(repository, v)
	}
}

// Shown is a repository whose looks the teller sees too.
func (t *Teller) Shown(name string, l console.Looker, err error) (console.Looker, error) {
	if err != nil || t == nil {
		return l, err
	}
	return shown{l, name, t}, nil
}

// shown is a looker whose looks a teller sees too.
type shown struct {
	console.Looker
	name   string
	teller *Teller
}

// Read implements console.Looker.
func (s shown) Read(ctx context.Context) (*fleet.View, error) {
	v, err := s.Looker.Read(ctx)
	switch {
	case err == nil:
		s.teller.see(s.name, v)
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		s.teller.see(s.name, nil)
	}
	return v, err
}
