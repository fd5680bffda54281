package acceptance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
)

const (
	// again is how long until a note that cannot be obeyed now is looked at again.
	again = time.Second
	// readBound bounds the reading of a note.
	readBound = 30 * time.Second
	// shown is how long a note that was obeyed stands in the node's report.
	shown = 24 * time.Hour
	// underway is how long the claim that a note orders may take to show.
	underway = time.Minute
	// fresh is how long a note counts as new, and is looked at often.
	fresh = 15 * time.Second
	// soonest is how long until an order that came to nothing is given again. It doubles up to
	// latest while the node is as it was.
	soonest = 5 * time.Second
	latest  = time.Minute
)

// Config is what a Desk works with.
type Config struct {
	// Branch is the full name of the branch that the node follows.
	Branch string
	Trust  Trust
	Disk   reconcile.Disk
	// Read reads a commit that has File and nothing else, as git stores it, and that file.
	Read func(ctx context.Context, ref, hash, file string) (commit, text []byte, err error)
	// Changes reads the newest changes of a role's claim, which is at tip. Without it nothing
	// is known of a claim but where it is.
	Changes func(ctx context.Context, deployment, role, tip string) ([]plan.Tip, error)
	Log     *slog.Logger
}

// Agent is the agent that obeys, by the very orders that a person can give on the node.
type Agent interface {
	// Known is the newest snapshot, nil before the first look.
	Known() *reconcile.Snapshot
	// Status is the node's report as of the newest pass, and false before it.
	Status() (plan.Report, bool)
	// AcceptCommit accepts a commit in place of from (R13).
	AcceptCommit(ctx context.Context, from, commit, attest string) (reconcile.Outcome, error)
	// Takeover takes a person's statement about the claim (R9, R10).
	Takeover(ctx context.Context, t plan.TakeoverAsk) (reconcile.Outcome, error)
	// Wake asks for a pass.
	Wake()
}

// Desk takes up the notes of one node. It asks git for a note that is new, and for nothing
// else: that there is one shows in the listings that the agent makes anyway.
type Desk struct {
	Config
	deployment atomic.Pointer[string]
	listed     atomic.Pointer[string] // the commit of the note that was listed last
	poked      chan struct{}

	// What follows belongs to Run, but for what is told.
	kept         *kept
	read         string // the commit that was read last
	since        time.Duration
	commit, text []byte
	word         *word
	failed       failed

	mu      sync.Mutex
	refused error
	obeyed  taken
	open    bool // there is a note that is not settled
}

// failed is the order that came to nothing last. An order looks at git, which lists the note
// again: without a wait one would follow the other for ever.
type failed struct {
	err   error
	note  string
	state string // of the node then
	at    time.Duration
	wait  time.Duration
}

// due reports whether an order may be given now: for a node that is not as it was it is
// given again soon.
func (f failed) due(note, state string, now time.Duration) bool {
	wait := f.wait
	if f.state != state {
		wait = soonest
	}
	return f.err == nil || f.note != note || now-f.at >= wait
}

// then is f after one more order that came to nothing.
func (f failed) then(err error, note, state string, now time.Duration) failed {
	wait := soonest
	if f.note == note && f.state == state {
		wait = min(2*f.wait, latest)
	}
	return failed{err, note, state, now, wait}
}

// NewDesk returns a desk. Nothing is done before Run.
func NewDesk(c Config) *Desk {
	d := &Desk{Config: c, poked: make(chan struct{}, 1)}
	d.deployment.Store(new(string))
	d.listed.Store(new(string))
	return d
}

// Saw takes in the refs of the document's own repository, never of a mirror. It never
// waits.
func (d *Desk) Saw(refs map[string]string) {
	hash := ""
	if name := *d.deployment.Load(); name != "" {
		hash = refs[Ref(name)]
	}
	before := d.listed.Swap(&hash)
	d.mu.Lock()
	open := d.open
	d.mu.Unlock()
	if *before != hash || open {
		d.poke()
	}
}

func (d *Desk) poke() {
	select {
	case d.poked <- struct{}{}:
	default:
	}
}

// Conditions are what belongs into the node's report at a moment.
func (d *Desk) Conditions(now time.Time) []plan.Condition {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []plan.Condition
	if d.refused != nil {
		all = append(all, plan.Condition{Type: plan.CondNoteRefused, Message: "a note that accepts something is not obeyed: " + d.refused.Error()})
	}
	if o := d.obeyed; o.Done && o.What != "" && now.Sub(o.At) < shown {
		all = append(all, plan.Condition{Type: plan.CondAcceptedByNote, Message: o.What, Since: o.At})
	}
	return all
}

// Run takes up notes until ctx ends.
func (d *Desk) Run(ctx context.Context, a Agent, clock reconcile.Clock) {
	d.kept = recall(d.Disk, clock.Wall())
	if n := len(d.kept.all); n > 0 {
		d.tell(nil, d.kept.all[n-1], false)
	}
	timer := time.NewTimer(again)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.poked:
		case <-timer.C:
		}
		if d.pass(ctx, a, clock) {
			timer.Reset(again)
		}
	}
}

// pass looks at the note that was listed last, and reports whether to look again soon.
func (d *Desk) pass(ctx context.Context, a Agent, clock reconcile.Clock) bool {
	s := a.Known()
	if s == nil || s.Accepted == nil {
		return true
	}
	if name := s.Accepted.Deployment.Name; name != *d.deployment.Load() {
		d.deployment.Store(&name)
	}
	was := d.told()
	err := d.take(ctx, a, clock)
	newest := taken{}
	if n := len(d.kept.all); n > 0 {
		newest = d.kept.all[n-1]
	}
	pending := newest.pending(clock.Wall())
	d.tell(err, newest, err != nil || pending)
	if text := d.told(); text != was {
		d.Log.Info("a person's note", "said", text)
		a.Wake()
	}
	return pending || err != nil && clock.Boot()-d.since < fresh
}

// take reads the note if it is new, and obeys it if it is to be obeyed. An error is why a
// note is not obeyed yet, or is never to be.
func (d *Desk) take(ctx context.Context, a Agent, clock reconcile.Clock) error {
	if hash := *d.listed.Load(); hash != d.read {
		d.read, d.commit, d.text = "", nil, nil
		if err := d.fetch(ctx, hash); err != nil {
			return err
		}
		d.read, d.since = hash, clock.Boot()
	}
	if d.read == "" {
		return nil
	}
	var err error
	// Each time anew: a signer may have been taken away.
	if d.word, err = d.Trust.read(d.commit, d.text); err != nil {
		return err
	}
	node, ok := d.node(a, clock)
	if !ok {
		return refuse("this node has not made a pass yet")
	}
	if err := d.Trust.timely(d.word, node.Now); err != nil {
		return err
	}
	e, err := d.word.For(node)
	t, seen := d.kept.of(d.word.id)
	switch {
	case seen && t.Done && e == nil:
		return nil
	case seen && !t.Done && d.word.settled(node): // the claim may have gone on since
		return d.end(ctx, t, node, err)
	case e == nil:
		return err
	case t.pending(node.Now):
		return nil
	case t.Ordered || t.Done:
		return t.again()
	}
	if err := d.kept.knows(d.word.signed, d.Trust.Skew, node.Now); err != nil {
		return err
	}
	state := node.state()
	if !d.failed.due(d.word.id, state, clock.Boot()) {
		return d.failed.err
	}
	if err = d.obey(ctx, a, e, node, clock); err != nil {
		d.failed = d.failed.then(err, d.word.id, state, clock.Boot())
	}
	return err
}

// end keeps that a note which was taken up has no more to do. That it was obeyed is told if
// the node is where the note leads, or if the claim was there and went on since.
func (d *Desk) end(ctx context.Context, t taken, node Node, not error) error {
	if not != nil {
		obeyed, err := d.carried(ctx, node)
		switch {
		case err != nil:
			return fmt.Errorf("it was taken up here, and what came of it is not known yet: %w", err)
		case obeyed:
			not = nil
		default:
			t.What = ""
		}
	}
	t.Done = true
	return errors.Join(not, d.kept.put(t, node.Now))
}

// carried reports whether one of the changes of a claim was made by the order of the note: the
// node goes on by itself at once, so the newest one may be another (R3).
func (d *Desk) carried(ctx context.Context, node Node) (bool, error) {
	c := d.word.Nodes[node.Report.Node].Claim
	if c == nil || d.Changes == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	all, err := d.Changes(ctx, d.word.Deployment, c.Role, node.Claim.Tip.ID)
	return slices.ContainsFunc(all, func(t plan.Tip) bool { return c.by(t, d.word.order()) }), err
}

// fetch reads a note.
func (d *Desk) fetch(ctx context.Context, hash string) (err error) {
	if hash == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	if d.commit, d.text, err = d.Read(ctx, Ref(*d.deployment.Load()), hash, File); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return nil
}

// node is what the agent knows now.
func (d *Desk) node(a Agent, clock reconcile.Clock) (Node, bool) {
	s := a.Known()
	r, ok := a.Status()
	return Node{Branch: d.Branch, Report: r, Claim: s.Claims[r.Role], Now: clock.Wall()}, ok && r.Deployment != ""
}

// obey gives the order, once it is on disk that it was taken up.
func (d *Desk) obey(ctx context.Context, a Agent, e *Entry, node Node, clock reconcile.Clock) error {
	t := taken{ID: d.word.id, At: node.Now.UTC().Truncate(time.Second), Until: d.word.Until}
	t.What = d.says(e, t.At)
	if err := d.kept.put(t, node.Now); err != nil {
		return refuse("it cannot be kept on disk that it is obeyed: %v", err)
	}
	d.Log.Warn("a person's note is obeyed", "signer", d.word.signer, "attest", d.word.Attest, "what", t.What)
	var err error
	ctx = reconcile.GoodUntil(ctx, clock.Boot()+reconcile.OrderGoodFor)
	switch c := e.Commit; {
	case c == nil:
		_, err = a.Takeover(ctx, plan.TakeoverAsk{Attest: d.word.order(), Reroot: true})
	case c.Renames:
		_, err = a.AcceptCommit(ctx, c.From, c.To, d.word.order())
	default: // who accepts a history has stated nothing of both sides
		_, err = a.AcceptCommit(ctx, c.From, c.To, "")
	}
	if err != nil {
		return errors.Join(refuse("%v%s", err, e.deadEnd(err)), d.kept.drop(t.ID))
	}
	// That a claim was put there shows only once it is read.
	t.Ordered, t.Done = true, e.Commit != nil
	return d.kept.put(t, node.Now)
}

// says is what people read of a note that is obeyed.
func (d *Desk) says(e *Entry, at time.Time) string {
	what := ""
	if c := e.Commit; c != nil {
		what = fmt.Sprintf("commit %.12s in place of %.12s", c.To, c.From)
	} else {
		what = fmt.Sprintf("the claim of %s, which was known up to #%d", e.Claim.Role, e.Claim.Seq)
	}
	return fmt.Sprintf("%s accepted %s by a signed note, at %s: %s", d.word.signer, what, at.Format(time.RFC3339), d.word.Attest)
}

func (d *Desk) tell(refused error, newest taken, open bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused, d.obeyed, d.open = refused, newest, open
}

func (d *Desk) told() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := d.obeyed.ID + fmt.Sprint(d.obeyed.Done)
	if d.refused != nil {
		text += d.refused.Error()
	}
	return text
}
