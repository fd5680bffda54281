package reconcile

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

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

const (
	lostName    = "services of earlier documents"
	rereadEvery = 5 * time.Second
)

// left is the services of m as an agent that may not start them keeps them.
func (m *managed) left() []Left {
	out := make([]Left, len(m.Services))
	for i, s := range m.Services {
		out[i] = Left{Service: s, As: Identity{m.Deployment, m.Node, s.Name}}
	}
	return out
}

// all is everything that m knows of, as it was started.
func (m *managed) all() []Left {
	all := append(m.left(), m.Gone...)
	for i, l := range all {
		if l.As.Name == "" {
			all[i].As = Identity{m.Deployment, m.Node, l.Name}
		}
	}
	return all
}

// gone is what an earlier document named and w does not, under names that w does
// not use.
func gone(before *managed, w *spec.Wanted) []Left {
	if before == nil {
		return nil
	}
	known, used := map[string]bool{}, map[string]bool{}
	for _, s := range w.Services {
		known[target(Left{Service: s, As: Identity{w.Deployment, w.Node, s.Name}})] = true
		used[s.Name] = true
	}
	var out []Left
	for _, l := range before.all() {
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
// with one target are one. A process is found by what it was started as.
func target(l Left) string {
	var is any
	switch {
	case l.Lost != "":
		is = "lost"
	case l.Process != nil:
		is = l.As
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

// dropGone forgets what is gone once it was seen down.
func (a *Actuator) dropGone() {
	m := a.managed
	if m == nil || len(m.Gone) == 0 {
		return
	}
	seen, first := a.Machine.Services.Observed(), len(m.Services)
	if len(seen) != first+len(m.Gone) {
		return
	}
	left := slices.Clone(m.Gone)
	for i := len(left) - 1; i >= 0; i-- {
		if seen[first+i].Down() {
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) == len(m.Gone) {
		return
	}
	after := *m
	after.Gone = left
	a.managed = &after
	a.want(a.snap.Accepted)
}

// sayGone tells what runs although no document names it any more.
func (a *Actuator) sayGone(r *plan.Report) {
	m := a.managed
	if m == nil {
		return
	}
	for i, l := range m.Gone {
		message := l.Name + " is in the document no more and was not seen down since: stop it by hand, or it is stopped when this side is"
		if l.Lost != "" {
			message = "which services earlier documents started here is not known, its record was " + string(l.Lost) + ": this side is not released"
		}
		if hand := a.Machine.Services.ByHand(len(m.Services) + i); hand != "" {
			message += "; by hand: " + hand
		}
		r.Conditions = append(r.Conditions, plan.Condition{Type: plan.CondLeftRunning, Message: message})
	}
}
