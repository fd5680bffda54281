package fleet

import (
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// farAhead is by how much another machine's clock may be ahead of this one's before
// its reports are of no known age.
const farAhead = time.Minute

// mayLag is by how much another machine's clock may be behind before a report that
// is older than that tells of silence.
const mayLag = 30 * time.Minute

// dated works out how old the report is. That it moved while this program looked
// needs no clock but this one's. The report's own date is by the other machine's
// clock: one from the future tells nothing of its age.
func (n *Node) dated(read time.Time) {
	n.Age, n.Ahead = max(0, read.Sub(n.Report.At).Seconds()), 0
	if ahead := n.Report.At.Sub(read); ahead > farAhead {
		n.Ahead = ahead.Seconds()
		n.say("its clock is at least %s ahead of this machine's: its reports do not tell when it was heard", Age(ahead))
	}
	if !n.Moved.IsZero() {
		n.Age, n.Ahead = max(0, read.Sub(n.Moved).Seconds()), 0
	}
}

// Heard is the age as a duration.
func (n Node) Heard() time.Duration { return time.Duration(n.Age * float64(time.Second)) }

// HeardWithin reports whether the node was heard so short a time ago. It is false
// when that is not known.
func (n Node) HeardWithin(d time.Duration) bool {
	return n.Report != nil && n.Ahead == 0 && n.Heard() <= d
}

// When says when the node was heard, for people.
func (n Node) When() string {
	if n.Ahead > 0 {
		return "at a time that is not known, because its clock is ahead"
	}
	return Age(n.Heard()) + " ago"
}

// MayServe reports whether a node whose last word was that it serves may do so
// still. It does not when its silence was observed: by this program, for longer than
// it may be silent, or by the probe of the other side's node. A report that is only
// old by its own date may be of a node whose clock is behind.
func (d *Deployment) MayServe(n Node) bool {
	switch r := n.Report; {
	case r == nil || !r.Running && r.Status != plan.Active && r.Status != plan.Unknown, n.Silent:
		return false // an agent without a document looks at no service: it may run
	case !n.Stale:
		return true
	}
	return n.Heard() <= mayLag && !d.seenSilent(n)
}

// seenSilent reports whether the node of the other side says that nothing answers
// on this one.
func (d *Deployment) seenSilent(n Node) bool {
	for _, o := range d.Nodes {
		if o.Role != n.Role || o.Side != n.Side.Other() || o.Report == nil || o.Stale || n.Side == "" {
			continue
		}
		for _, c := range o.Report.Conditions {
			if c.Type == plan.CondWitnessSilent {
				return true
			}
		}
	}
	return false
}

// Beat is within what time a node that lives reports, by its own document.
func Beat(d *spec.Deployment) time.Duration {
	if d == nil {
		return 5*time.Minute + 30*time.Second
	}
	return d.Agent.Heartbeat.D() + d.Agent.Timeout.D()
}

// beat is what was seen of one report's ref.
type beat struct {
	hash  string
	moved time.Time
}

// moved notes where a report's ref is, and returns when this program last saw it
// move; zero when it did not.
func (s *Source) moved(ref, hash string) time.Time {
	b, known := s.beats[ref]
	if known && b.hash != hash {
		b.moved = s.now()
	}
	b.hash = hash
	s.beats[ref] = b
	return b.moved
}
