package reconcile

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// managedFile keeps which services this node managed last, and managedCopy the
// same: what a damaged file would have said is not known (R2).
const (
	managedFile = "managed"
	managedCopy = "managed-copy"
)

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
	Gone []Left `json:"gone,omitempty"`
}

// manage tells the machine which services there are. A document that asks for
// what this node does not allow changes nothing: the services of the newest one
// that it did allow are healed, stopped and seen down as before (R1, R2), also
// by the next run of the agent. The error is the refusal.
func (a *Actuator) manage(w *spec.Wanted) error {
	before := a.managed
	if before == nil || before.unread() {
		before = a.recallManaged()
	}
	m := &managed{w.Deployment, w.Node, w.Role, w.Services, w.StopTime, w.StopBound, gone(before, w)}
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
func (a *Actuator) manageBefore(m *managed) {
	old := &spec.Wanted{Deployment: m.Deployment, Node: m.Node, Role: m.Role, Services: m.Services}
	err := a.Machine.Services.Configure(old, m.Gone)
	if err != nil {
		a.Log.Error("the services managed before are not allowed any more: they are only stopped", "error", err)
		old.Services = nil
		err = a.Machine.Services.Configure(old, slices.Concat(m.left(), m.Gone))
	}
	if err == nil {
		a.managed = m
	}
}

// keepManaged remembers what is managed. A disk that fails is loud and stops
// nothing. One that was not read yet is not written over.
func (a *Actuator) keepManaged(m *managed) {
	before := a.managed
	a.managed = m
	if m.unread() || before != nil && reflect.DeepEqual(before, m) {
		return
	}
	for _, name := range []string{managedFile, managedCopy} {
		if err := a.Disk.Save(name, m); err != nil {
			a.Log.Error("save which services are managed", "error", err)
		}
	}
}

// recallManaged is what an earlier run of the agent managed, or nil when there
// was none. What cannot be known is Left as Lost (R2).
func (a *Actuator) recallManaged() *managed {
	var failed error
	unread := false
	for _, name := range []string{managedFile, managedCopy} {
		// A damaged value was set aside by the first try and is gone for the second.
		for range 2 {
			var m managed
			err := a.Disk.Load(name, &m)
			if err == nil {
				return &m
			}
			unread = !errors.Is(err, fs.ErrNotExist)
			if !unread {
				break
			}
			failed = err
		}
	}
	if failed == nil && !a.remembers {
		return nil
	}
	if failed == nil {
		failed = fs.ErrNotExist
	}
	a.Log.Error("which services were managed is not known", "error", failed)
	return a.lost(unread, failed)
}

// lost is what is managed when nobody knows what was. A damaged record stays lost
// until a person says that nothing is left; a disk that does not answer is asked
// again.
func (a *Actuator) lost(unread bool, why error) *managed {
	l := Left{Service: spec.Service{Name: lostName}, Lost: LostRecord}
	if !unread {
		unread = a.Disk.Save(LostFile, why.Error()) != nil
	}
	if unread {
		l.Lost = LostUnread
	}
	return &managed{Gone: []Left{l}}
}

// unread reports whether the disk did not say yet what was managed.
func (m *managed) unread() bool {
	return slices.ContainsFunc(m.Gone, func(l Left) bool { return l.Lost == LostUnread })
}

// readManaged asks again a disk that did not answer.
func (a *Actuator) readManaged() {
	if m := a.managed; m == nil || !m.unread() || a.Clock.Boot() < a.reread {
		return
	}
	a.reread = a.Clock.Boot() + rereadEvery
	if m := a.recallManaged(); m == nil || !m.unread() {
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
	for i, l := range slices.Concat(m.left(), m.Gone) {
		s := l.Service
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
