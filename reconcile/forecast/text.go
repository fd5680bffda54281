package forecast

import (
	"fmt"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// Phrase is what a text of a forecast was made from: its form in English, as package fmt
// takes it, and what fills the form.
type Phrase struct {
	Form string
	Args []any
}

// verb is what a change does with a job, a check or a probe.
type verb string

// age is how long ago something was.
type age time.Duration

// String is the age as English texts have it.
func (a age) String() string { return fleet.Age(time.Duration(a)) }

// say makes a text, and keeps what it was made from for those who tell it in another
// language.
func (p *planner) say(form string, args ...any) string {
	text := form
	if len(args) > 0 {
		text = fmt.Sprintf(form, args...)
	}
	if p.plan.Phrases == nil {
		p.plan.Phrases = map[string]Phrase{}
	}
	p.plan.Phrases[text] = Phrase{form, args}
	return text
}

// when says when a node was heard, for people.
func (p *planner) when(n fleet.Node) string {
	if n.Ahead > 0 {
		return p.say("at a time that is not known, because its clock is ahead")
	}
	return p.say("%s ago", age(n.Heard()))
}

// proof is what a free claim says of the other side, as package plan words it.
func (h *handover) proof(why string) string {
	other := h.To.Active.Other()
	for _, one := range []struct {
		form string
		arg  any
	}{
		{"the claim is free and %s reports that it is down", h.down.Name},
		{"the claim is free and the lease of %s was seized", other},
		{"there is no claim yet and the document names no node of this role on %s", other},
	} {
		if fmt.Sprintf(one.form, one.arg) == why {
			return h.say(one.form, one.arg)
		}
	}
	if free := h.say("the claim is free"); why == free {
		return free
	}
	return why
}

// mostNested bounds how deep texts within texts go.
const mostNested = 8

// Language is another language than English: its forms by the English ones, and how it
// writes how long something lasts.
type Language struct {
	Forms map[string]string
	Lasts func(time.Duration) string
}

// In tells a text of the forecast in another language. What the language lacks stays in
// English, and ok is false then.
func (p *Forecast) In(l Language, text string) (told string, ok bool) {
	return p.in(l, text, mostNested)
}

func (p *Forecast) in(l Language, text string, depth int) (string, bool) {
	table := l.Forms
	phrase, known := p.Phrases[text]
	if !known || depth == 0 {
		told, ok := table[text]
		if !ok {
			return text, false
		}
		return told, true
	}
	form, ok := table[phrase.Form]
	if !ok {
		form, ok = phrase.Form, !hasLetters(phrase.Form)
	}
	args := make([]any, len(phrase.Args))
	for i, a := range phrase.Args {
		args[i] = a
		switch a := a.(type) {
		case string:
			if _, nested := p.Phrases[a]; nested {
				args[i], _ = p.in(l, a, depth-1)
			}
		case age:
			args[i] = l.Lasts(time.Duration(a))
		case time.Duration:
			args[i] = l.Lasts(a)
		case spec.Duration:
			args[i] = l.Lasts(a.D())
		case verb:
			args[i] = word(table, "verb", string(a))
		case spec.Side:
			args[i] = word(table, "side", string(a))
		case plan.Run:
			args[i] = word(table, "run", string(a))
		case plan.Status:
			args[i] = word(table, "status", string(a))
		}
	}
	if len(args) == 0 {
		return form, ok
	}
	return fmt.Sprintf(form, args...), ok
}

// word is one that a document or a report uses, in the other language.
func word(table map[string]string, kind, value string) string {
	if told, ok := table[kind+":"+value]; ok {
		return told
	}
	return value
}

// hasLetters reports whether a form has words beside its verbs.
func hasLetters(form string) bool {
	verb := false
	for _, r := range form {
		switch {
		case verb:
			verb = false
		case r == '%':
			verb = true
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return true
		}
	}
	return false
}
