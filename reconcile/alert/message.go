package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/alert/words"
	"mainstay/reconcile/plain"
	"mainstay/spec/alerts"
)

// Kind says what of an event a message tells.
type Kind string

// The kinds.
const (
	Began Kind = "began"
	Still Kind = "still"
	Over  Kind = "over"
	// Off is a switch that was taken back before it was done.
	Off Kind = "off"
	// Test is of nothing: somebody tries whether messages arrive.
	Test Kind = "test"
)

// Message is one alert to one receiver. Its JSON form is what a webhook and a command
// are given. Everything in it that others said is on one line and without what a
// terminal or a chat would obey.
type Message struct {
	// ID is the same whenever this message is sent again.
	ID         string       `json:"id"`
	Kind       Kind         `json:"kind"`
	Event      alerts.Event `json:"event,omitempty"`
	Deployment string       `json:"deployment"`
	Node       string       `json:"node,omitempty"`
	Role       string       `json:"role,omitempty"`
	Name       string       `json:"name,omitempty"`
	Detail     string       `json:"detail,omitempty"`
	Move       *Move        `json:"switch,omitempty"`
	Since      time.Time    `json:"since,omitzero"`
	At         time.Time    `json:"at"`
	// Teller is the node that tells, empty for the page.
	Teller  string `json:"teller,omitempty"`
	Look    string `json:"look"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// moment is how a time is written, which is of UTC.
const moment = "2006-01-02 15:04:05 UTC"

// longest is how many characters of what others said a message has.
const longest = 300

// defused are the characters that mean something in Markdown, HTML, mail or a mention,
// with what stands for them.
func defused() *strings.Replacer {
	return strings.NewReplacer("<", "‹", ">", "›", "[", "(", "]", ")", "`", "'", "*", "∗", "@", "＠", "://", ": //", "|", "¦", "~", "∼", "&", "＆", "\\", "∖", "$", "＄")
}

// Harmless makes what others said fit to be sent anywhere: one line, no longer than a
// bound, and nothing in it that a chat, a mail reader or a shell would obey.
func Harmless(text string) string {
	text = strings.ToValidUTF8(plain.Line(text), "?")
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return defused().Replace(text)
}

// MessageOf words an incident in a language.
func (s *Sight) MessageOf(x Incident, kind Kind, nth int, language string) Message {
	m := Message{Kind: kind, Event: x.Event, Deployment: Harmless(s.Deployment), Node: Harmless(x.Node), Role: Harmless(x.Role),
		Name: Harmless(x.Name), Detail: Harmless(x.Detail), Since: x.Since.UTC().Truncate(time.Second), At: s.At.UTC().Truncate(time.Second), Teller: s.Self}
	if x.Move != nil {
		move := *x.Move
		move.Who, move.Why, move.Commit = Harmless(who(move.Who)), Harmless(move.Why), Harmless(move.Commit)
		move.Left = slices.Clone(move.Left)
		for i, l := range move.Left {
			move.Left[i].Name, move.Left[i].Said = Harmless(l.Name), Harmless(l.Said)
		}
		m.Move = &move
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d\x00%d\x00%s", s.Deployment, x.Key, kind, x.Since.UnixNano(), nth, s.Self))
	m.ID, m.Look = hex.EncodeToString(sum[:12]), look(m)
	m.write(language)
	return m
}

// TestOf is a message of nothing.
func TestOf(deployment, teller, language string, at time.Time) Message {
	m := Message{ID: fmt.Sprintf("test-%d", at.UnixNano()), Kind: Test, Deployment: Harmless(deployment), Teller: teller,
		At: at.UTC().Truncate(time.Second), Look: "mainstay doctor"}
	m.write(language)
	return m
}

// who is a name without the address that stands behind it.
func who(author string) string {
	name, _, _ := strings.Cut(author, " <")
	return cmp.Or(strings.TrimSpace(name), author)
}

// look is the one command that shows more.
func look(m Message) string {
	switch {
	case m.Event == alerts.Switch && m.Kind != Began:
		return "mainstay history"
	case m.Event == alerts.Switch, m.Event == alerts.Late:
		return "mainstay status --watch"
	case m.Event == alerts.Document:
		return "mainstay validate"
	case m.Node != "":
		return "mainstay status " + m.Node
	}
	return "mainstay status"
}

// write makes the subject and the text.
func (m *Message) write(language string) {
	say := func(name string, args ...any) string { return fmt.Sprintf(words.Of(name).In(language), args...) }
	m.Subject = "[" + m.Deployment + "] " + m.title(say)
	lines := []string{m.Subject}
	add := func(name string, args ...any) { lines = append(lines, say(name, args...)) }
	if m.Detail != "" && m.Kind != Over {
		add("said", m.Detail)
	}
	if m.Move != nil {
		m.writeMove(add, language)
	}
	if !m.Since.IsZero() {
		add("since", m.Since.Format(moment))
	}
	teller := m.Teller
	if teller == "" {
		teller = say("page")
	}
	add("by", teller)
	add("look", m.Look)
	m.Text = strings.Join(lines, "\n") + "\n"
}

func (m *Message) title(say func(string, ...any) string) string {
	name := string(m.Kind) + "." + string(m.Event)
	switch m.Kind {
	case Test:
		return say("test", m.Deployment)
	case Still:
		name = string(Began) + "." + string(m.Event)
	}
	var about []any
	switch m.Event {
	case alerts.Switch, alerts.Late:
		about = []any{m.Move.From, m.Move.To}
	case alerts.Unserved:
		about = []any{m.Role}
	case alerts.Check, alerts.Job, alerts.Condition:
		about = []any{m.Node, m.Name}
	case alerts.Dual, alerts.Document:
	default:
		about = []any{m.Node}
	}
	title := say(name, about...)
	if m.Kind == Still {
		return say("still", title)
	}
	return title
}

func (m *Message) writeMove(add func(string, ...any), language string) {
	v := m.Move
	v.writeLeft(add)
	if v.Why != "" {
		add("why", v.Why)
	}
	if v.Commit != "" {
		add("commit", fmt.Sprintf("%.7s", v.Commit), cmp.Or(v.Who, words.Of("nobody").In(language)))
	}
	if v.Guarantee != "" {
		add("guarantee", Harmless(string(v.Guarantee)), words.Of("means."+string(v.Guarantee)).In(language))
	}
	took := v.Took.Round(time.Second)
	switch {
	case m.Kind == Over && v.Took > 0 && v.Bound > 0 && v.Took <= v.Bound:
		add("kept", took, v.Bound)
	case m.Kind == Over && v.Took > 0 && v.Bound > 0:
		add("missed", took, v.Bound)
	case m.Kind == Over && v.Took > 0:
		add("took", took)
	case v.Bound > 0:
		add("objective", v.Bound)
	}
}

// mostLeft bounds what is written of all that was left behind, in bytes: a chat takes no
// message of any length.
const mostLeft = 1200

func (v *Move) writeLeft(add func(name string, args ...any)) {
	room := mostLeft
	for i, l := range v.Left {
		if room -= len(l.Name) + len(l.Said); room < 0 && i > 0 {
			add("more", len(v.Left)-i)
			return
		}
		switch at := l.At.UTC().Format(moment); {
		case l.At.IsZero():
			add("uncounted", l.Name, v.From)
		case l.Failed:
			add("failed", l.Name, v.From, l.Said, at)
		default:
			add("left", v.From, l.Name, l.Said, at)
		}
	}
}
