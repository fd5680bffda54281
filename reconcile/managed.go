package reconcile

import (
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/restart"
	"mainstay/spec"
)

// rereadEvery is how often a disk is asked again that did not say what was managed.
const rereadEvery = 5 * time.Second

// manage tells the machine which services there are. A document that asks for
// what this node does not allow changes nothing: the services of the newest one
// that it did allow are healed, stopped and seen down as before (R1, R2), also
// by the next run of the agent. The error is the refusal.
func (a *Actuator) manage(w *spec.Wanted) error {
	before := a.managed
	if before == nil || before.Unread() {
		before = a.recallManaged()
	}
	m := managed.New(before, w)
	err := a.Machine.Services.Configure(w, m.Gone)
	switch {
	case err == nil:
		a.keepManaged(m)
	case a.managed == nil && before != nil:
		a.manageBefore(before)
	}
	return err
}

// manageBefore manages what an earlier run did, under a document that is refused.
// What is not allowed any more is still observed and stopped, and never started
// (R2).
func (a *Actuator) manageBefore(m *managed.Record) {
	old := &spec.Wanted{Deployment: m.Deployment, Node: m.Node, Role: m.Role, Services: m.Services}
	err := a.Machine.Services.Configure(old, m.Gone)
	if err != nil {
		a.Log.Error("the services managed before are not allowed any more: they are only stopped", "error", err)
		old.Services = nil
		err = a.Machine.Services.Configure(old, slices.Concat(m.Left(), m.Gone))
	}
	if err == nil {
		a.managed = m
	}
}

// keepManaged remembers what is managed. A disk that fails is loud and stops
// nothing. One that was not read yet is not written over.
func (a *Actuator) keepManaged(m *managed.Record) {
	before := a.managed
	a.managed, a.mem.Bare = m, false
	if m.Unread() || before != nil && reflect.DeepEqual(before, m) {
		return
	}
	for _, file := range managed.Files() {
		if err := a.keep(file, m); err != nil {
			a.Log.Error("save which services are managed", "error", err)
		}
	}
}

// recallManaged is what an earlier run of the agent managed, or nil when there
// was none. What cannot be known is loud (R2).
func (a *Actuator) recallManaged() *managed.Record {
	m, err := managed.Recall(a.Disk, a.remembers)
	if err != nil {
		a.Log.Error("which services were managed is not known", "error", err)
	}
	return m
}

// readManaged asks again a disk that did not answer.
func (a *Actuator) readManaged() {
	if m := a.managed; m == nil || !m.Unread() || a.Clock.Boot() < a.reread {
		return
	}
	a.reread = a.Clock.Boot() + rereadEvery
	if m := a.recallManaged(); m == nil || !m.Unread() {
		a.want(a.snap.Accepted)
	}
}

// servicesOf adds to a document's part of a decision the services that this node
// manages.
func (a *Actuator) servicesOf(d *plan.Doc) {
	m := a.managed
	if m == nil {
		return
	}
	d.StopBound, d.StopTime = m.StopBound, m.StopTime
	for i, l := range slices.Concat(m.Left(), m.Gone) {
		s := l.Service
		ps := plan.Service{Name: s.Name, ByHand: a.Machine.Services.ByHand(i), Gone: i >= len(m.Services)}
		if r := s.Restart; r != nil {
			ps.Restart = restart.Policy{First: r.First.D(), Most: r.Most.D(), Forgive: r.Forgive.D()}
		}
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
