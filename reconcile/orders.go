package reconcile

import (
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
)

// Pause is a person's pause on the node, with its end (R11).
type Pause struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"`
	// Boot and By are the same end by the clock that nobody sets, for as long as
	// this boot lasts.
	Boot string        `json:"boot,omitempty"`
	By   time.Duration `json:"by,omitempty"`
}

func (a *Actuator) recallOrders() {
	var p Pause
	if a.Disk.Load(pauseFile, &p) == nil && p.Reason != "" {
		a.pause = &p
	}
	var t plan.TakeoverAsk
	if a.Disk.Load(takeoverFile, &t) == nil && t.Attest != "" {
		a.takeover = &t
	}
}

// activePause is the pause in force; one whose end has passed is over. The wall
// clock is asked only of a pause from before a reboot.
func (a *Actuator) activePause() *Pause {
	p := a.pause
	if p == nil || p.Until.IsZero() {
		return p
	}
	over := a.Clock.Wall().After(p.Until)
	if p.Boot == a.Boot {
		over = a.Clock.Boot() > p.By
	}
	if over {
		_ = a.SetPause(nil)
	}
	return a.pause
}

// SetPause pauses the node, or resumes it with nil. An error
// means that the pause is not on disk: it counts, but only until the agent restarts.
func (a *Actuator) SetPause(p *Pause) error {
	if p == nil {
		a.pause = nil
		return a.keep(pauseFile, &Pause{})
	}
	kept := *p
	kept.Boot, kept.By = a.Boot, a.Clock.Boot()+p.Until.Sub(a.Clock.Wall())
	a.pause = &kept
	return a.keep(pauseFile, &kept)
}

// dropTakeover drops a person's order that was not carried out before this node
// stood still: it was true when it was given (R9).
func (a *Actuator) dropTakeover(late time.Duration) {
	if serves := a.mem.Stage == plan.StageServing || a.mem.Stage == plan.StageDraining; a.takeover == nil || serves {
		return
	}
	a.Log.Warn("takeover dropped: this node stood still before it was carried out", "attest", a.takeover.Attest, "late", late)
	_ = a.SetTakeover(nil)
}

// inTime returns a permit.Refused for a person's order that is good until by, in
// boot time, and is taken up later.
func (a *Actuator) inTime(by time.Duration) error { return permit.Late(a.Clock.Boot() - by) }

// ordered is what a person's order is held against.
func (a *Actuator) ordered() plan.Input {
	if a.snap == nil {
		return plan.Input{}
	}
	return a.gather(a.Clock.Boot())
}

// RefuseTakeover returns a permit.Refused when a rule forbids a takeover now.
func (a *Actuator) RefuseTakeover(t plan.TakeoverAsk) error {
	in := a.ordered()
	return permit.Takeover(&in, &a.last, t)
}

// SetTakeover records a person's statement, or ends it with nil (R9).
func (a *Actuator) SetTakeover(t *plan.TakeoverAsk) error {
	var kept plan.TakeoverAsk
	if a.takeover = nil; t != nil {
		kept = *t
		if in := a.ordered(); in.Doc != nil {
			kept.On = &in.Claim.Tip.ID
		}
		a.takeover = &kept
	}
	// What became of an earlier statement says nothing about this one.
	a.mem.TakenOver, a.mem.Stated, a.mem.StatedOn, a.mem.OldWord = false, false, "", false
	return a.keep(takeoverFile, &kept)
}

// keep puts a person's order, or which services are managed, on disk. What the disk
// refused is said, and tried again with every pass: what is on disk may be an order that
// was ended since, or lack a service that was started since.
func (a *Actuator) keep(file string, v any) error {
	err := a.Disk.Save(file, v)
	if delete(a.unkept, file); err != nil {
		a.unkept[file] = v
	}
	return err
}
