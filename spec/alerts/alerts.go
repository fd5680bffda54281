// Package alerts is what an agent's file, or the file of the page, says of alerts: to
// whom, of what, and how often again.
//
// It must not know how anything is sent, nor what a node is.
package alerts

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"mainstay/spec/timing"
)

// Event is a kind of thing that people are told of.
type Event string

// The events.
const (
	Switch    Event = "switch"    // a change of side began, and ended
	Late      Event = "late"      // a change of side takes longer than handover.objective
	Held      Event = "held"      // a node waits
	Failed    Event = "failed"    // a node gave up
	Unserved  Event = "unserved"  // nobody serves a role
	Dual      Event = "dual"      // both sides serve a role, or may
	Silent    Event = "silent"    // a node is not heard any more
	Document  Event = "document"  // the newest commit is refused
	Check     Event = "check"     // a readiness check fails
	Job       Event = "job"       // a job failed, or did not run when it was due
	Paused    Event = "paused"    // a node is paused
	Away      Event = "away"      // standby serves
	Condition Event = "condition" // a node reports another condition that keeps it from coming up
)

// Events lists them all.
func Events() []Event {
	return []Event{Switch, Late, Held, Failed, Unserved, Dual, Silent, Document, Check, Job, Paused, Away, Condition}
}

// Patience is how long an event lasts before anybody is told, where nothing else is said.
func Patience(e Event) time.Duration {
	return map[Event]time.Duration{Held: time.Minute, Failed: 15 * time.Second, Unserved: 30 * time.Second,
		Silent: 30 * time.Second, Paused: 8 * time.Hour, Away: 24 * time.Hour, Condition: 5 * time.Minute}[e]
}

// DefaultRepeat is how often people are told again of what lasts.
const DefaultRepeat = 4 * time.Hour

// Alert is one receiver. Exactly one of To, ToFile, Webhook, WebhookFile and Command is
// set.
type Alert struct {
	// To is the address of a mail server or a topic that has no secret in it, ToFile a
	// file with an address that has.
	To     string `json:"to,omitempty"`
	ToFile string `json:"toFile,omitempty"`
	// Webhook takes the alert as JSON; WebhookFile holds such an address that is secret.
	// SecretFile holds what the body is signed with.
	Webhook     string `json:"webhook,omitempty"`
	WebhookFile string `json:"webhookFile,omitempty"`
	SecretFile  string `json:"secretFile,omitempty"`
	// Command is run with the alert as JSON on its input.
	Command []string `json:"command,omitempty"`
	// On are the events, none for all of them.
	On []Event `json:"on,omitempty"`
	// After says how long an event lasts before anybody is told, by event.
	After map[Event]timing.Duration `json:"after,omitempty"`
	// Repeat is how often an event that lasts is told again, 0s for never. Nil is
	// DefaultRepeat.
	Repeat *timing.Duration `json:"repeat,omitempty"`
	// Language is en or fr, empty for en.
	Language string `json:"language,omitempty"`
}

// Wants reports whether this receiver is told of an event.
func (a Alert) Wants(e Event) bool { return len(a.On) == 0 || slices.Contains(a.On, e) }

// Waits is how long an event lasts before this receiver is told.
func (a Alert) Waits(e Event) time.Duration {
	if d, ok := a.After[e]; ok {
		return d.D()
	}
	return Patience(e)
}

// Again is how often this receiver is told again of what lasts, 0 for never.
func (a Alert) Again() time.Duration {
	if a.Repeat == nil {
		return DefaultRepeat
	}
	return a.Repeat.D()
}

// Secrets are the files that nobody else may read.
func (a Alert) Secrets() map[string]string {
	out := map[string]string{"toFile": a.ToFile, "webhookFile": a.WebhookFile, "secretFile": a.SecretFile}
	maps.DeleteFunc(out, func(_, file string) bool { return file == "" })
	return out
}

// String names the receiver without anything that could be secret.
func (a Alert) String() string {
	host := func(kind, address string) string {
		u, err := url.Parse(address)
		if err != nil {
			return kind
		}
		return kind + " to " + u.Hostname()
	}
	switch {
	case a.To != "":
		scheme, _, _ := strings.Cut(a.To, ":")
		return host(scheme, a.To)
	case a.ToFile != "":
		return "the address in " + a.ToFile
	case a.Webhook != "":
		return host("webhook", a.Webhook)
	case a.WebhookFile != "":
		return "the webhook in " + a.WebhookFile
	case len(a.Command) > 0:
		return "the command " + a.Command[0]
	}
	return "nobody"
}

// Problem is what is wrong with a list of alerts.
type Problem struct {
	// At is where in the list: the number of the alert, then names and numbers below it.
	At            []any
	Message, Hint string
}

// Problems is what no schema sees in a list of alerts.
func Problems(list []Alert) []Problem {
	var out []Problem
	for i, a := range list {
		for _, p := range a.problems() {
			p.At = append([]any{i}, p.At...)
			out = append(out, p)
		}
	}
	return out
}

func (a Alert) problems() []Problem {
	var out []Problem
	say := func(field, message, hint string) {
		at := []any{}
		if field != "" {
			at = append(at, field)
		}
		out = append(out, Problem{At: at, Message: message, Hint: hint})
	}
	if n := a.ways(); n != 1 {
		say("", fmt.Sprintf("names %d receivers, and one is wanted", n), "one of to, toFile, webhook, webhookFile and command")
	}
	if a.SecretFile != "" && a.Webhook == "" && a.WebhookFile == "" {
		say("secretFile", "signs nothing: there is no webhook", "leave it out")
	}
	if a.To != "" {
		if message := openAddress(a.To, "smtp", "ntfy"); message != "" {
			say("to", message, "put the address into a file that only the agent can read, and name it in toFile")
		} else if Receivers(a.To) > 1 {
			say("to", "names several receivers: when one of them fails, the others would get it twice", "one alert for each")
		}
	}
	if a.Webhook != "" {
		if message := openAddress(a.Webhook, "https", "http"); message != "" {
			say("webhook", message, "put the address into a file that only the agent can read, and name it in webhookFile")
		}
	}
	return append(out, a.badWords()...)
}

// ways counts what the alert names as its receiver.
func (a Alert) ways() int {
	n := 0
	for _, set := range []bool{a.To != "", a.ToFile != "", a.Webhook != "", a.WebhookFile != "", len(a.Command) > 0} {
		if set {
			n++
		}
	}
	return n
}

func (a Alert) badWords() []Problem {
	var out []Problem
	for i, e := range a.On {
		if !slices.Contains(Events(), e) {
			out = append(out, Problem{At: []any{"on", i}, Message: fmt.Sprintf("%q is no event", e), Hint: "one of " + names()})
		}
	}
	for _, e := range slices.Sorted(maps.Keys(a.After)) {
		if !slices.Contains(Events(), e) || a.After[e] < 0 {
			out = append(out, Problem{At: []any{"after"}, Message: fmt.Sprintf("%q is no event", e), Hint: "one of " + names()})
		}
	}
	if again := a.Again(); again != 0 && again < time.Minute {
		out = append(out, Problem{At: []any{"repeat"}, Message: again.String() + " is less than a minute", Hint: "such as 4h, or 0s for never"})
	}
	if a.Language != "" && a.Language != "en" && a.Language != "fr" {
		out = append(out, Problem{At: []any{"language"}, Message: fmt.Sprintf("%q is not spoken here", a.Language), Hint: "en or fr"})
	}
	return out
}

func names() string {
	var all []string
	for _, e := range Events() {
		all = append(all, string(e))
	}
	return strings.Join(all, ", ")
}

// openAddress says why an address may not stand where everybody can read it: it may hold
// a secret, as that of nearly every chat does.
func openAddress(text string, schemes ...string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is not a URL"
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Sprintf("an address of %q holds a secret", u.Scheme)
	case u.User != nil:
		return "holds credentials"
	case u.Host == "":
		return "names no server"
	}
	return ""
}

// Receivers counts the receivers of an address of mail; 1 for any other.
func Receivers(address string) int {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smtp" {
		return 1
	}
	n := 0
	for key, values := range u.Query() {
		if key = strings.ToLower(key); key == "to" || key == "toaddresses" {
			n += len(values) + strings.Count(strings.Join(values, ""), ",")
		}
	}
	return max(n, 1)
}
