package explore

import "mainstay/spec"

// role is what a node of a configuration is.
type role uint8

const (
	xivo role = iota
	cc
	edge
)

// member is one node of a configuration.
type member struct {
	name string
	role role
	side side
	// ref is the node whose name, and so whose report, this one shares: a clone
	// and a replacement go by the name of the original.
	ref uint8
	// spare machines are off until something makes them.
	spare bool
}

// Config is one space to search: the nodes, the document's settings, what can
// go wrong and how often.
type Config struct {
	// Name is for people. Weight is this space's part of all states to visit,
	// where it is not exhausted first.
	Name   string
	Weight int
	// Exhaustive says that the whole space is known to be smaller than the
	// states it is given by a full run.
	Exhaustive bool

	nodes   []member
	commits []docCode
	left    budget

	hold, witness, lease, absentStop, drain, readOnly, detect bool
	// terse keeps a space small: looks never fail, and of the reports only those
	// reach the server that speak of readiness, a stop, a failure or a pause.
	terse bool
	// slow separates what git lists from when the node has it.
	slow bool
	// risky allows statements that are not true and presumptions of the living:
	// two active sides are then no violation.
	risky bool
	// booting begins with everything off, else main serves.
	booting bool
	first   docCode
	// plain begins a space under a lease with a document that has none.
	plain bool
	// guarded has a guard beside each agent, so that one may stay dead under a lease.
	guarded bool
	// places are two places of coordination: the agent file of a node may name either.
	places bool
	// carried lets a person carry the claim from the first of them to the second, in steps.
	carried bool
	// apart has documents and claims at two places: a node hears of claims without a look at
	// git, and what git says comes later than the claims that were read before it was asked,
	// and before git is given up.
	apart bool
	// renames are two names of the role: docOther is the second one.
	renames bool
}

func pair() []member {
	return []member{{name: "xivo-main", side: mainSide, ref: 0}, {name: "xivo-standby", side: standbySide, ref: 1}}
}

// copies adds a machine of the main side that goes by main's name.
func copies() []member {
	return append(pair(), member{name: "xivo-main", side: mainSide, ref: 0, spare: true})
}

func followers() []member {
	return append(pair(),
		member{name: "cc-main", role: cc, side: mainSide, ref: 2}, member{name: "cc-standby", role: cc, side: standbySide, ref: 3},
		member{name: "edge", role: edge, ref: 4})
}

// handover is the document's handover section.
func (c *Config) handover(code docCode) spec.Handover {
	h := spec.Handover{Wait: spec.Duration(mid * unit), Unconfirmed: spec.UnconfirmedStart, Absent: spec.AbsentKeep}
	if c.lease {
		h.Wait = spec.Duration(unit)
	}
	if c.hold {
		h.Unconfirmed = spec.UnconfirmedHold
	}
	if c.absentStop {
		h.Absent = spec.AbsentStop
	}
	if code&docLease != 0 {
		h.Lease = spec.Duration(leaseTime)
	}
	return h
}

func declared(code docCode) side {
	if code&docStandby != 0 {
		return standbySide
	}
	return mainSide
}

func fenced(code docCode) side {
	switch {
	case code&docFencedMain != 0:
		return mainSide
	case code&docFencedStandby != 0:
		return standbySide
	}
	return noSide
}

func pausedIn(code docCode, s side) bool {
	return s == mainSide && code&docPausedMain != 0 || s == standbySide && code&docPausedStandby != 0
}
