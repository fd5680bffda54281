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

// Teller tells of every look that it is shown. A nil Teller tells nobody.
type Teller struct{ page *page.Teller }

// Open makes the teller of a file; nil where there is no file. What it told is kept in a
// folder, empty for nowhere: then a restart tells again what lasts.
func Open(file, folder string, log *slog.Logger) (*Teller, error) {
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
	return &Teller{page.New(c)}, nil
}

// Run tells until ctx ends, and a few seconds longer when something is under way.
func (t *Teller) Run(ctx context.Context) {
	if t != nil {
		t.page.Run(ctx)
	}
}

// Shown is a repository whose looks the teller sees too.
func (t *Teller) Shown(name string, l console.Looker, err error) (console.Looker, error) {
	if err != nil || t == nil {
		return l, err
	}
	return shown{l, name, t.page}, nil
}

// shown is a looker whose looks a teller sees too.
type shown struct {
	console.Looker
	name   string
	teller *page.Teller
}

// Read implements console.Looker.
func (s shown) Read(ctx context.Context) (*fleet.View, error) {
	v, err := s.Looker.Read(ctx)
	switch {
	case err == nil:
		s.teller.See(s.name, v)
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		s.teller.See(s.name, nil)
	}
	return v, err
}
