package reconcile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// managedFile keeps which services this node managed last.
const managedFile = "managed"

// managed is what is kept of a document to manage its services again.
type managed struct {
	Deployment string         `json:"deployment"`
	Node       string         `json:"node"`
	Role       string         `json:"role"`
	Services   []spec.Service `json:"services"`
	StopTime   time.Duration  `json:"stopTime"`
	StopBound  time.Duration  `json:"stopBound"`
	// Gone are services of earlier documents that were not seen down since:
	// nobody starts them any more, and they are stopped and seen down with the
	// others before a claim is released (R1, R2).
	Gone []spec.Service `json:"gone,omitempty"`
}

// manage tells the machine which services there are. A document that asks for
// what this node does not allow changes nothing: the services of the newest one
// that it did allow are healed, stopped and seen down as before (R1, R2), also
// by the next run of the agent. The error is the refusal.
func (a *Actuator) manage(w *spec.Wanted) error {
	before := a.managed
	if before == nil {
		before = a.recallManaged()
	}
	m := &managed{w.Deployment, w.Node, w.Role, w.Services, w.StopTime, w.StopBound, gone(before, w)}
	err := a.configure(w, m.Gone)
	if err != nil && len(m.Gone) > 0 {
		m.Gone = nil // what was allowed once may not be any more
		err = a.configure(w, nil)
	}
	switch {
	case err == nil:
		a.keepManaged(m)
	case a.managed == nil && before != nil:
		old := &spec.Wanted{Deployment: before.Deployment, Node: before.Node, Role: before.Role, Services: before.Services}
		if err := a.configure(old, before.Gone); err != nil {
			a.Log.Error("the services managed before are not allowed any more", "error", err)
			break
		}
		a.managed = before
	}
	return err
}

// configure adds what is gone after the wanted services, so that their indexes
// stay those of the document.
func (a *Actuator) configure(w *spec.Wanted, gone []spec.Service) error {
	all := *w
	all.Services = slices.Concat(w.Services, gone)
	return a.Machine.Services.Configure(&all)
}

// keepManaged remembers what is managed. A disk that fails is loud and stops
// nothing.
func (a *Actuator) keepManaged(m *managed) {
	before := a.managed
	a.managed = m
	if before != nil && reflect.DeepEqual(before, m) {
		return
	}
	if err := a.Disk.Save(managedFile, m); err != nil {
		a.Log.Error("save which services are managed", "error", err)
	}
}

// recallManaged is what an earlier run of the agent managed, or nil.
func (a *Actuator) recallManaged() *managed {
	var m managed
	err := a.Disk.Load(managedFile, &m)
	if err == nil {
		return &m
	}
	if !errors.Is(err, fs.ErrNotExist) {
		a.Log.Error("which services were managed is not known", "error", err)
	}
	return nil
}

// gone is what an earlier document named and w does not, under names that w does
// not use. A node of no side has nobody to stop it for.
func gone(before *managed, w *spec.Wanted) []spec.Service {
	if before == nil || !w.Exclusive {
		return nil
	}
	wanted, used := map[string]bool{}, map[string]bool{}
	for _, s := range w.Services {
		wanted[target(s)], used[s.Name] = true, true
	}
	var out []spec.Service
	for _, s := range slices.Concat(before.Services, before.Gone) {
		if wanted[target(s)] {
			continue
		}
		wanted[target(s)] = true
		for used[s.Name] {
			s.Name += "-before"
		}
		used[s.Name] = true
		out = append(out, s)
	}
	return out
}

// target says what a service is on the machine, whatever it is called. A process
// is found by its name.
func target(s spec.Service) string {
	b, err := json.Marshal([]any{s.Systemd, s.Compose, s.Command})
	if err != nil || s.Process != nil {
		return s.Name
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

// servicesOf adds to a document's part of a decision the services that this node
// manages.
func (a *Actuator) servicesOf(d *plan.Doc) {
	m := a.managed
	if m == nil {
		return
	}
	d.StopBound, d.StopTime = m.StopBound, m.StopTime
	for i, s := range slices.Concat(m.Services, m.Gone) {
		ps := plan.Service{Name: s.Name, ByHand: a.Machine.Services.ByHand(i), Gone: i >= len(m.Services)}
		if s.Drain != nil {
			ps.Drain = s.Drain.Within.D()
		}
		if ps.Gone {
			d.StopBound += s.StopTimeout.D()
			d.StopTime += s.StopTimeout.D()
		}
		d.Services = append(d.Services, ps)
	}
}

// sayGone tells what runs although no document names it any more.
func (a *Actuator) sayGone(r *plan.Report) {
	if a.managed == nil {
		return
	}
	for _, s := range a.managed.Gone {
		r.Conditions = append(r.Conditions, plan.Condition{Type: "LeftRunning",
			Message: s.Name + " is in the document no more and was not seen down since: stop it by hand, or it is stopped when this side is"})
	}
}
