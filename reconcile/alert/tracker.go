package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mainstay/spec"
	"mainstay/spec/alerts"
)

// State is all that must outlive a restart, so that nothing is told twice and no end is
// missed.
type State struct {
	// Open are the incidents that are not over, by key.
	Open map[string]*Open `json:"open"`
	// Roles are by name.
	Roles map[string]*RoleState `json:"roles"`
	// Boxes are what is still to be sent, by receiver.
	Boxes map[string]*Box `json:"boxes"`
}

// Open is an incident with who was told of it, and when last.
type Open struct {
	Incident
	Told map[string]Told `json:"told,omitempty"`
}

// Told is the newest message to one receiver, and how many there were.
type Told struct {
	At    time.Time `json:"at"`
	Times int       `json:"times"`
}

// RoleState is what was seen of a role.
type RoleState struct {
	// Settled is the declared side that was taken into account, Serving the one that was
	// last seen to serve.
	Settled spec.Side `json:"settled,omitempty"`
	Serving spec.Side `json:"serving,omitempty"`
}

// Box is what is still to be sent to one receiver, oldest first.
type Box struct {
	Queue []Message `json:"queue,omitempty"`
	// Dropped counts the messages that were given up since the newest one arrived.
	Dropped int `json:"dropped,omitempty"`
}

// mostWaiting is how many messages wait for one receiver. With more, the oldest are
// given up.
const mostWaiting = 32

// receiver is an alert of the file with the name of its box.
type receiver struct {
	alerts.Alert
	id string
}

// receivers names the boxes: by whom they are for, so that the order of the file does
// not matter, and without what could be secret.
func receivers(list []alerts.Alert) []receiver {
	var out []receiver
	seen := map[string]int{}
	for _, a := range list {
		sum := sha256.Sum256([]byte(strings.Join(append([]string{a.To, a.ToFile, a.Webhook, a.WebhookFile}, a.Command...), "\x00")))
		id := hex.EncodeToString(sum[:6])
		if seen[id]++; seen[id] > 1 {
			id += fmt.Sprintf("-%d", seen[id])
		}
		out = append(out, receiver{a, id})
	}
	return out
}

func newState() *State {
	return &State{Open: map[string]*Open{}, Roles: map[string]*RoleState{}, Boxes: map[string]*Box{}}
}

// step takes a look into account, and puts what is to be told into the boxes. It reports
// whether anything changed that must be kept.
func (st *State) step(s *Sight, to []receiver) bool {
	t := &turn{st: st, s: s, to: to}
	seen := map[string]bool{}
	for _, x := range append(s.incidents(), t.moves()...) {
		seen[x.Key] = true
		t.present(x)
	}
	for _, key := range slices.Sorted(maps.Keys(st.Open)) {
		if o := st.Open[key]; !seen[key] && o.Event != alerts.Switch && s.over(o.Incident) {
			t.end(o, Over, false)
		}
	}
	return t.changed
}

// turn is one step under way.
type turn struct {
	st      *State
	s       *Sight
	to      []receiver
	changed bool
}

// present opens an incident or goes on with it, and tells who is to be told now.
func (t *turn) present(x Incident) {
	o := t.st.Open[x.Key]
	if o == nil {
		if x.Since.IsZero() || x.Since.After(t.s.At) {
			x.Since = t.s.At
		}
		o = &Open{Incident: x, Told: map[string]Told{}}
		t.st.Open[x.Key], t.changed = o, true
	}
	o.Detail, o.By, o.mine = x.Detail, x.By, x.mine
	found := t.s.Young && x.Node != t.s.Self && x.Move == nil && len(o.Told) == 0
	if !x.mine || found && t.s.elder() { // who told before told of it, most likely
		return
	}
	for _, r := range t.to {
		told, before := o.Told[r.id]
		switch again := r.Again(); {
		case !r.Wants(o.Event):
		case !before && t.s.At.Sub(o.Since) >= r.Waits(o.Event):
			t.tell(o, r, Began)
		case before && again > 0 && t.s.At.Sub(told.At) >= again:
			t.tell(o, r, Still)
		}
	}
}

// end closes an incident, and tells those who were told that it began; everybody when
// that does not matter.
func (t *turn) end(o *Open, kind Kind, everybody bool) {
	for _, r := range t.to {
		if _, told := o.Told[r.id]; r.Wants(o.Event) && (told || everybody) {
			t.tell(o, r, kind)
		}
	}
	delete(t.st.Open, o.Key)
	t.changed = true
}

func (t *turn) tell(o *Open, r receiver, kind Kind) {
	told := o.Told[r.id]
	told.Times, told.At = told.Times+1, t.s.At
	if o.Told == nil {
		o.Told = map[string]Told{}
	}
	o.Told[r.id] = told
	b := t.st.box(r.id)
	b.Queue = append(b.Queue, t.s.MessageOf(o.Incident, kind, told.Times, r.Language))
	if more := len(b.Queue) - mostWaiting; more > 0 {
		b.Queue, b.Dropped = slices.Clone(b.Queue[more:]), b.Dropped+more
	}
	t.changed = true
}

func (st *State) box(id string) *Box {
	if st.Boxes[id] == nil {
		st.Boxes[id] = &Box{}
	}
	return st.Boxes[id]
}

// moves are the switches under way, and those that are late. A switch begins when the
// document declares another side than before, and is done when that side is seen to
// serve.
func (t *turn) moves() []Incident {
	if !t.s.Git {
		return nil
	}
	var out []Incident
	for _, r := range t.s.Roles {
		if r.Leads {
			out = append(out, t.move(r)...)
		}
	}
	return out
}

func (t *turn) move(r Role) []Incident {
	st, serving := t.role(r.Name), t.s.serves(r)
	o := t.st.Open["switch/"+r.Name]
	if st.Settled == "" {
		st.Settled, t.changed = r.Declared, true
	}
	if st.Serving == "" && serving != "" {
		st.Serving, t.changed = serving, true
	}
	switch {
	case st.Serving == "":
		return nil
	case serving != "" && serving != st.Serving:
		t.done(r, o, serving)
		st.Serving, st.Settled = serving, r.Declared
		return nil
	case o != nil && r.Declared == st.Serving && serving == st.Serving:
		t.endLate(r.Name)
		t.end(o, Off, false)
		st.Settled = r.Declared
		return nil
	}
	asks := r.Declared != st.Settled && r.Declared != st.Serving
	if st.Settled != r.Declared {
		st.Settled, t.changed = r.Declared, true
	}
	if o == nil && !asks {
		return nil
	}
	return t.underWay(r, o, st.Serving)
}

func (t *turn) role(name string) *RoleState {
	if t.st.Roles[name] == nil {
		t.st.Roles[name] = &RoleState{}
	}
	return t.st.Roles[name]
}

// underWay is a switch that goes on, and that it is late.
func (t *turn) underWay(r Role, o *Open, from spec.Side) []Incident {
	mine := t.s.mine(t.s.on(r.Name, r.Declared), t.s.on(r.Name, r.Declared.Other()))
	x := Incident{Key: "switch/" + r.Name, Event: alerts.Switch, Role: r.Name, mine: mine}
	if o != nil {
		x.Move, x.Since = o.Move, o.Since
	} else {
		x.Move, x.Since = t.s.asked(from, r.Declared), t.s.At
	}
	out := []Incident{x}
	if x.Move.Bound > 0 && t.s.At.Sub(x.Since) > x.Move.Bound {
		x.Key, x.Event = "late/"+r.Name, alerts.Late
		out = append(out, x)
	}
	return out
}

// asked is a switch with what the accepted commit says of it.
func (s *Sight) asked(from, to spec.Side) *Move {
	m := &Move{From: from, To: to, Bound: s.Objective}
	m.know(s, s.Commit)
	return m
}

func (m *Move) know(s *Sight, commit string) {
	c := s.Commits[commit]
	m.Commit, m.Who, m.Why = commit, c.Who, c.Subject
}

// done ends a switch: whoever won the claim tells of it.
func (t *turn) done(r Role, o *Open, to spec.Side) {
	if o == nil || o.Move.To != to {
		o = &Open{Incident: Incident{Key: "switch/" + r.Name, Event: alerts.Switch, Role: r.Name, Since: t.s.At,
			Move: &Move{From: to.Other(), To: to, Bound: t.s.Objective}}}
	}
	move := *o.Move
	if move.Commit == "" {
		move.know(t.s, r.Tip.Commit)
	}
	move.Guarantee, move.Took = r.Tip.Guarantee, t.s.At.Sub(o.Since)
	move.Left = t.s.left(t.s.on(r.Name, to.Other()))
	o.Move = &move
	t.endLate(r.Name)
	if t.s.mine(t.s.on(r.Name, to), t.s.on(r.Name, to.Other())) {
		t.end(o, Over, true)
	}
	delete(t.st.Open, o.Key)
	t.changed = true
}

// left is what a node that went said that it keeps, such as voicemails, and what it could
// not count.
func (s *Sight) left(name string) []Left {
	n := s.node(name)
	if n == nil || n.Report == nil {
		return nil
	}
	var left []Left
	for _, c := range n.Report.Leaves {
		if c.Output != "" || !c.OK {
			left = append(left, Left{Name: c.Name, Said: c.Output, Failed: !c.OK, At: c.At})
		}
	}
	return left
}

// endLate ends what was said of a switch that took long. Who is told of switches hears
// the end of this one anyhow.
func (t *turn) endLate(role string) {
	o := t.st.Open["late/"+role]
	if o == nil {
		return
	}
	for _, r := range t.to {
		if _, told := o.Told[r.id]; told && r.Wants(alerts.Late) && !r.Wants(alerts.Switch) {
			t.tell(o, r, Over)
		}
	}
	delete(t.st.Open, o.Key)
	t.changed = true
}
