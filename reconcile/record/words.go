package record

import (
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
)

// Words tells one pass in plain sentences: the status and why, what was begun,
// what was asked of the claim, and every rule that was followed.
func Words(e Entry) string {
	d := e.Decision
	var b strings.Builder
	// What somebody else said is no line of its own.
	line := func(lead, format string, args ...any) {
		b.WriteString(lead + plain.Line(fmt.Sprintf(format, args...)) + "\n")
	}
	line(e.At.UTC().Format("2006-01-02 15:04:05Z  "), "%s: %s (%s)", d.Status, d.Reason, ruleWords(d.Rule))
	say := func(format string, args ...any) { line("    ", format, args...) }
	for _, s := range d.Steps {
		say("%s: %s (%s)", stepWords(e.Input, s), s.Reason, ruleWords(s.Rule))
	}
	if d.Push != nil {
		say("%s", pushWords(*d.Push))
	}
	if d.Restore {
		say("pushes the claim back to the last tip it knew (%s)", ruleWords(plan.R10))
	}
	if left := d.Until - e.Input.Now; d.Until > 0 && left > 0 {
		say("this wait ends in %s", left.Round(time.Second))
	}
	for _, c := range d.Conditions {
		say("condition %s: %s", c.Type, c.Message)
	}
	if e.Repeated > 0 {
		say("decided the same %d more times", e.Repeated)
	}
	return b.String()
}

// stepWords names what a step is about.
func stepWords(in plan.Input, s plan.Step) string {
	name := fmt.Sprintf("number %d", s.Index+1)
	switch {
	case s.Do == plan.DoSelfFence:
		return "runs the node's self-fence"
	case s.Do == plan.DoRender:
		if s.Index < len(in.Files) {
			name = in.Files[s.Index].Path
		}
		return "renders " + name
	case in.Doc != nil && s.Index < len(in.Doc.Services):
		name = in.Doc.Services[s.Index].Name
	}
	switch s.Do {
	case plan.DoStart:
		return "starts " + name
	case plan.DoStop:
		return "stops " + name
	case plan.DoDrain:
		return "drains " + name
	}
	return string(s.Do) + " " + name
}

func pushWords(p plan.Push) string {
	text := fmt.Sprintf("asks to %s the claim as seq %d", p.Claim.Action, p.Claim.Seq)
	if p.Claim.Guarantee != "" {
		text += fmt.Sprintf(", guarantee %s", p.Claim.Guarantee)
	}
	if p.Claim.Reason != "" {
		text += ": " + p.Claim.Reason
	}
	return text + " (" + ruleWords(p.Rule) + ")"
}

// ruleWords names a rule and what it is about.
func ruleWords(r plan.Rule) string {
	switch r {
	case plan.R1:
		return "R1, fencing"
	case plan.R2:
		return "R2, stepping down"
	case plan.R3:
		return "R3, starting from stopped"
	case plan.R4:
		return "R4, taking over"
	case plan.R5:
		return "R5, git loss does not stop calls"
	case plan.R6:
		return "R6, boot without git"
	case plan.R7:
		return "R7, lease"
	case plan.R8:
		return "R8, no coordination"
	case plan.R9:
		return "R9, by a person"
	case plan.R10:
		return "R10, a claim that went back"
	case plan.R11:
		return "R11, pause"
	case plan.RFollow:
		return "following another role"
	case plan.RService:
		return "keeping services as the document says"
	}
	return string(r)
}
