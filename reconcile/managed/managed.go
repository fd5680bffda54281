// Package managed is the record of which services a node manages, so that they are
// found, observed and stopped by the next run of the agent, by its guard, and after
// a document that names them no more (R1, R2, R7).
//
// What the record does not say is not known, and is never taken for nothing. The
// package must not know when a service is started or stopped.
package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"mainstay/spec"
)

// Disk is what the record is kept on.
type Disk interface {
	// Save replaces the value of a name. An error loses nothing that was saved
	// before.
	Save(name string, v any) error
	// Load returns fs.ErrNotExist when nothing was saved; a damaged value is set
	// aside and is an error too.
	Load(name string, v any) error
}

// file keeps which services this node managed last, and fileCopy the same: what a
// damaged file would have said is not known (R2).
const (
	file     = "managed"
	fileCopy = "managed-copy"
)

// Record is what is kept of a document to manage its services again.
type Record struct {
	Deployment string         `json:"deployment"`
	Node       string         `json:"node"`
	Role       string         `json:"role"`
	Services   []spec.Service `json:"services"`
	StopTime   time.Duration  `json:"stopTime"`
	StopBound  time.Duration  `json:"stopBound"`
	// Gone are services of earlier documents that were not seen down since:
	// nobody starts them any more, and they are stopped and seen down with the
	// others before a claim is released (R1, R2).
	Gone []Left `json:"gone,omitempty"`
}

// Left is a service that this node managed under an earlier document and that was
// not seen down since (R2).
type Left struct {
	// Service is as the document that started it wanted it. Its name is the one it
	// is shown under by now.
	spec.Service
	// As is what it was started as: its driver finds it by that, whatever it is
	// called in a document since.
	As Identity `json:"as"`
	// Lost says that this stands for services that nobody knows.
	Lost LostWhy `json:"lost,omitempty"`
}

// Identity is what a service is called on the machine.
type Identity struct {
	Deployment string `json:"deployment,omitempty"`
	Node       string `json:"node,omitempty"`
	Name       string `json:"name,omitempty"`
}

// LostWhy says why it is not known which services an earlier run managed.
type LostWhy string

// LostRecord is a record that was damaged or removed: only a person can tell that
// nothing of it runs, by removing the file that Disk.Save made of LostFile.
// LostUnread is a disk that does not answer: it is asked again.
const (
	LostRecord LostWhy = "damaged"
	LostUnread LostWhy = "unread"
)

// LostFile is the name under which a Disk keeps the mark of a LostRecord.
const LostFile = "managed-lost"

const lostName = "services of earlier documents"

// New is the record of a document, and of what was managed before and is named by
// it no more.
func New(before *Record, w *spec.Wanted) *Record {
	return &Record{w.Deployment, w.Node, w.Role, w.Services, w.StopTime, w.StopBound, gone(before, w)}
}

// Left is the services of m as an agent that may not start them keeps them.
func (m *Record) Left() []Left {
	out := make([]Left, len(m.Services))
	for i, s := range m.Services {
		out[i] = Left{Service: s, As: Identity{m.Deployment, m.Node, s.Name}}
	}
	return out
}

// All is everything that m knows of, as it was started.
func (m *Record) All() []Left {
	all := append(m.Left(), m.Gone...)
	for i, l := range all {
		if l.As.Name == "" {
			all[i].As = Identity{m.Deployment, m.Node, l.Name}
		}
	}
	return all
}

// gone is what an earlier document named and w does not, under names that w does
// not use.
func gone(before *Record, w *spec.Wanted) []Left {
	if before == nil {
		return nil
	}
	known, used := map[string]bool{}, map[string]bool{}
	for _, s := range w.Services {
		known[target(Left{Service: s, As: Identity{w.Deployment, w.Node, s.Name}})] = true
		used[s.Name] = true
	}
	var out []Left
	for _, l := range before.All() {
		if known[target(l)] {
			continue
		}
		known[target(l)] = true
		for used[l.Name] {
			l.Name += "-before"
		}
		used[l.Name] = true
		out = append(out, l)
	}
	return out
}

// target says what a service is on the machine, whatever a document calls it: two
// with one target are one. A process, and what ran once, is found by what it was started as.
func target(l Left) string {
	var is any
	switch {
	case l.Lost != "":
		is = "lost"
	case l.Process != nil, l.Run != nil:
		is = l.As
	case l.Address != nil:
		is = "address " + l.Address.Same()
	case l.Compose != nil:
		is = [2]string{l.Compose.Project, l.Compose.Service}
	case l.Systemd != "":
		is = strings.TrimSuffix(l.Systemd, ".service")
	default:
		is = l.Command
	}
	b, err := json.Marshal(is)
	if err != nil {
		return l.Name
	}
	return string(b)
}

// Files are where a record is kept: each holds all of it.
func Files() []string { return []string{file, fileCopy} }

// Unread reports whether the disk did not say yet what was managed.
func (m *Record) Unread() bool {
	return slices.ContainsFunc(m.Gone, func(l Left) bool { return l.Lost == LostUnread })
}

// Recall is what an earlier run of the agent managed, or nil when there was none.
// Remembers says that there was a run before, so that an absent record is a lost
// one. What cannot be known is Left as Lost (R2), and the error says why.
func Recall(d Disk, remembers bool) (*Record, error) {
	var failed error
	unread := false
	for _, name := range Files() {
		// A damaged value was set aside by the first try and is gone for the second.
		for range 2 {
			var m Record
			err := d.Load(name, &m)
			if err == nil {
				return &m, nil
			}
			unread = !errors.Is(err, fs.ErrNotExist)
			if !unread {
				break
			}
			failed = err
		}
	}
	if failed == nil && !remembers {
		return nil, nil
	}
	if failed == nil {
		failed = fs.ErrNotExist
	}
	return lost(d, unread, failed), failed
}

// lost is what is managed when nobody knows what was. A damaged record stays lost
// until a person says that nothing is left; a disk that does not answer is asked
// again.
func lost(d Disk, unread bool, why error) *Record {
	l := Left{Service: spec.Service{Name: lostName}, Lost: LostRecord}
	if !unread {
		unread = d.Save(LostFile, why.Error()) != nil
	}
	if unread {
		l.Lost = LostUnread
	}
	return &Record{Gone: []Left{l}}
}

// errForgot is of a value that was damaged, and that nothing was saved in place of since.
var errForgot = errors.New("it was damaged, and nothing was saved since")

// Missing tells a disk on which nothing was ever saved under a name from one that lost it: what
// is damaged is set aside by whoever asks first, who may have ended before anything was done
// about that. It returns the error of a Load, unless that is fs.ErrNotExist and not so.
func Missing(d Disk, err error, names ...string) error {
	f, can := d.(interface {
		Forgot(name string) (bool, error)
	})
	if !can || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		if lost, failed := f.Forgot(name); failed != nil {
			return failed
		} else if lost {
			return errForgot
		}
	}
	return err
}

// Services is what an agent with this disk managed last, also what no document
// names any more: a guard stops it in the agent's place (R7). The error is
// fs.ErrNotExist when nothing was ever managed.
func Services(d Disk) ([]Left, error) {
	var m Record
	err := d.Load(file, &m)
	if err != nil {
		err = d.Load(fileCopy, &m)
	}
	if err = Missing(d, err, Files()...); err != nil {
		return nil, fmt.Errorf("which services are managed: %w", err)
	}
	return m.All(), nil
}
