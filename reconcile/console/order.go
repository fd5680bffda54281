package console

import (
	"slices"
	"strings"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plain"
	"mainstay/spec"
)

// What a person can commit on the page.
const (
	actSwitch  = "switch"
	actFence   = "fence"
	actUnfence = "unfence"
	actPause   = "pause"
	actResume  = "resume"
)

// order is the form of a change, as it was sent.
type order struct {
	// Act is what is asked for: with To the side of a switch, Side the one that is
	// stated to be off, Node the one to pause or to resume.
	Act    string
	To     spec.Side
	Side   spec.Side
	Node   string
	Base   string
	Key    string
	Reason string
	// Typed is the side's name once more, by hand; Force the objections, by hand.
	Typed, Force string
	// At is when, as the form has it, empty for now.
	At string
	// Review pushes a branch instead.
	Review bool
}

func orderOf(get func(string) string) order {
	reason := strings.Join(strings.Fields(plain.Line(get("reason"))), " ")
	o := order{
		Act: get("act"), To: spec.Side(get("to")), Side: spec.Side(get("side")), Node: get("node"),
		Base: get("base"), Key: get("key"), Reason: reason,
		Typed: strings.TrimSpace(get("typed")), Force: get("force"), Review: get("review") != "",
		At: strings.TrimSpace(get("at")),
	}
	if o.Act == "" {
		o.Act = actSwitch
	}
	return o
}

// named reports whether an order names what its act is about.
func (o order) named() bool {
	switch o.Act {
	case actSwitch:
		return true // a side that is none is a form that is not complete
	case actFence:
		return o.Side == spec.Main || o.Side == spec.Standby
	case actUnfence:
		return true
	case actPause, actResume:
		return o.Node != ""
	}
	return false
}

// request is what package change is asked for.
func (o order) request(force []string) change.Request {
	r := change.Request{To: o.To, Reason: o.Reason, Force: force, At: o.when()}
	switch o.Act {
	case actFence:
		r.To, r.Fenced = o.Side.Other(), o.Side
	case actUnfence:
		r.To, r.Unfence, r.Stay = "", true, true
	case actPause:
		r.To, r.Pause = "", o.Node
	case actResume:
		r.To, r.Resume = "", o.Node
	}
	return r
}

// Types is what the person types to confirm, empty for nothing.
func (o order) Types() spec.Side {
	switch o.Act {
	case actSwitch:
		return o.To
	case actFence:
		return o.Side
	}
	return ""
}

// what is the act as the audit names it.
func (o order) what() string {
	switch o.Act {
	case actSwitch:
		if o.At != "" {
			return "switch to " + string(o.To) + " at " + o.At
		}
		return "switch to " + string(o.To)
	case actFence:
		return "fence " + string(o.Side)
	case actPause, actResume:
		return o.Act + " " + o.Node
	}
	return o.Act
}

// branch is the one to review the change on.
func (o order) branch(deployment string) string {
	if o.Act == actSwitch {
		return deployment + "-to-" + string(o.To)
	}
	return deployment + "-" + strings.ReplaceAll(o.what(), " ", "-")
}

// address is that of the page that asks for it.
func (o order) address(e *entry) string {
	switch o.Act {
	case actFence:
		return e.Link(o.Act, string(o.Side))
	case actPause, actResume:
		return e.Link(o.Act, o.Node)
	}
	return e.Link(o.Act)
}

// heading is what the change is, in a language.
func (o order) heading(l *words.Language) string {
	switch o.Act {
	case actFence:
		return l.Say("change.fence", "Side", l.Word("side."+string(o.Side)))
	case actUnfence:
		return l.Word("change.unfence")
	case actPause:
		return l.Say("change.pause", "Node", o.Node)
	case actResume:
		return l.Say("change.resume", "Node", o.Node)
	}
	if o.To == spec.Main {
		return l.Word("change.back")
	}
	return l.Word("change.over")
}

// states is what a person says by it, empty for a switch.
func (o order) states(l *words.Language) string {
	switch o.Act {
	case actFence:
		return l.Say("states.fence", "Side", l.Word("side."+string(o.Side)), "Other", l.Word("side."+string(o.Side.Other())))
	case actUnfence:
		return l.Word("states.unfence")
	case actPause:
		return l.Say("states.pause", "Node", o.Node)
	case actResume:
		return l.Say("states.resume", "Node", o.Node)
	}
	return ""
}

// words are the objections that the person named.
func (o order) words() []string {
	return strings.FieldsFunc(o.Force, func(r rune) bool { return r == ',' || r == ' ' })
}

// wrong names what a form lacks, empty when it lacks nothing.
func (o order) wrong() string {
	switch {
	case o.Act == actSwitch && o.To != spec.Main && o.To != spec.Standby, len(o.Base) < 40, len(o.Key) < 20, len(o.Key) > 64:
		return "form"
	case o.Reason == "":
		return "no-reason"
	case len(o.Reason) > longestReason:
		return "long-reason"
	case o.Types() != "" && o.Typed != string(o.Types()):
		return "not-typed"
	case slices.ContainsFunc(o.words(), func(word string) bool { return !slices.Contains(forecast.Words(), word) }):
		return "no-word"
	}
	return ""
}
