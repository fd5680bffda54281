package reconcile

import (
	"errors"
	"io/fs"
	"reflect"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// managedFile keeps which services this node managed last.
const managedFile = "managed"

// manage tells the machine which services there are. A document that asks for
// what this node does not allow changes nothing: the services of the newest one
// that it did allow are healed, stopped and seen down as before (R1, R2), also
// by the next run of the agent. The error is the refusal.
func (a *Actuator) manage(w *spec.Wanted) error {
	err := a.Machine.Services.Configure(w)
	switch {
	case err == nil:
		a.keepManaged(w)
	case a.managed == nil:
		a.recallManaged()
	}
	return err
}

// managed is what is kept of a document to manage its services again.
type managed struct {
	Deployment string         `json:"deployment"`
	Node       string         `json:"node"`
	Role       string         `json:"role"`
	Services   []spec.Service `json:"services"`
	StopTime   time.Duration  `json:"stopTime"`
	StopBound  time.Duration  `json:"stopBound"`
}

// keepManaged remembers what is managed. A disk that fails is loud and stops
// nothing.
func (a *Actuator) keepManaged(w *spec.Wanted) {
	m := &managed{w.Deployment, w.Node, w.Role, w.Services, w.StopTime, w.StopBound}
	before := a.managed
	a.managed = m
	if before != nil && reflect.DeepEqual(before, m) {
		return
	}
	if err := a.Disk.Save(managedFile, m); err != nil {
		a.Log.Error("save which services are managed", "error", err)
	}
}

// recallManaged manages what an earlier run of the agent did, if this node still
// allows it.
func (a *Actuator) recallManaged() {
	var m managed
	if err := a.Disk.Load(managedFile, &m); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.Log.Error("which services were managed is not known", "error", err)
		}
		return
	}
	w := &spec.Wanted{Deployment: m.Deployment, Node: m.Node, Role: m.Role, Services: m.Services}
	if err := a.Machine.Services.Configure(w); err != nil {
		a.Log.Error("the services managed before are not allowed any more", "error", err)
		return
	}
	a.managed = &m
}

// servicesOf adds to a document's part of a decision the services that this node
// manages.
func (a *Actuator) servicesOf(d *plan.Doc) {
	if a.managed == nil {
		return
	}
	d.StopBound, d.StopTime = a.managed.StopBound, a.managed.StopTime
	for i, s := range a.managed.Services {
		ps := plan.Service{Name: s.Name, ByHand: a.Machine.Services.ByHand(i)}
		if s.Drain != nil {
			ps.Drain = s.Drain.Within.D()
		}
		d.Services = append(d.Services, ps)
	}
}
