// Package lookout is a node's agent as those see it who tell people: its own reports,
// what each look at git showed of the others, and for how long each of them was silent.
//
// It looks on and is never waited for: it keeps the newest of what it is shown, and makes
// a sight of it when it is asked to. It must not know what is told, or to whom.
package lookout

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/alert"
	"mainstay/reconcile/plan"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

// mostCommits is how many commits are kept, with who made them.
const mostCommits = 16

// commitsName is the name under which they are kept on disk.
const commitsName = "alert-commits"

// Config is what a lookout works with.
type Config struct {
	Node    string
	Alerts  []alerts.Alert
	Deliver alert.Deliver
	Clock   reconcile.Clock
	Log     *slog.Logger
}

// Lookout looks on, and runs an alert.Engine.
type Lookout struct {
	Config
	engine *alert.Engine
	own    atomic.Pointer[plan.Report]
	snap   atomic.Pointer[reconcile.Snapshot]

	mu      sync.Mutex
	commits []kept
	unsaved bool
	beats   map[string]*beat
	// gitSince is since when every look was answered, in boot time; negative while the
	// newest was not.
	gitSince time.Duration
	// began is when this lookout did, in boot time, and elders are the runs of those who
	// told then, nil before the first look at them.
	began  time.Duration
	looked bool // the own report was one of a look once
	elders map[string]string
}

// young is for how long what is found may be told already by somebody else.
const young = time.Minute

// kept is a commit with its hash.
type kept struct {
	Hash string `json:"hash"`
	alert.Commit
}

// beat is what was seen of the reports of another node: which was the newest, and since
// when nothing newer came.
type beat struct {
	run   string
	beat  uint64
	at    time.Time
	moved time.Duration
	// seen says that a newer report came while this agent looked.
	seen bool
	wall time.Time
}

// New returns a lookout of a node, or nil when nobody is to be told.
func New(c Config) *Lookout {
	if len(c.Alerts) == 0 {
		return nil
	}
	return &Lookout{Config: c, beats: map[string]*beat{}, gitSince: -1, began: c.Clock.Boot()}
}

// Reported takes in the newest report of this node.
func (l *Lookout) Reported(r plan.Report) {
	r.Conditions = slices.Clone(r.Conditions)
	l.own.Store(&r)
	if e := l.engine; e != nil {
		e.Wake()
	}
}

// Looked takes in what a look at git showed.
func (l *Lookout) Looked(s *reconcile.Snapshot) {
	l.snap.Store(s)
	if e := l.engine; e != nil {
		e.Wake()
	}
}

// Read takes in who made a commit, and what it says of itself.
func (l *Lookout) Read(hash, who, subject string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits = slices.DeleteFunc(l.commits, func(k kept) bool { return k.Hash == hash })
	l.commits = append(l.commits, kept{hash, alert.Commit{Who: bounded(who), Subject: bounded(subject)}})
	l.commits = l.commits[max(0, len(l.commits)-mostCommits):]
	l.unsaved = true
}

// bounded is what is kept of a text that somebody else made.
func bounded(text string) string { return text[:min(len(text), 500)] }

// Prepare makes the engine, which keeps what it told on disk.
func (l *Lookout) Prepare(disk reconcile.Disk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var before []kept
	if err := disk.Load(commitsName, &before); err == nil {
		l.commits = append(before[:min(len(before), mostCommits)], l.commits...)
	}
	l.engine = alert.NewEngine(alert.Config{Alerts: l.Alerts, Deliver: l.Deliver, Disk: disk, Log: l.Log,
		Look: func() (*alert.Sight, bool) { l.keep(disk); return l.Sight() }})
}

// keep saves the commits when one was read.
func (l *Lookout) keep(disk reconcile.Disk) {
	l.mu.Lock()
	all, unsaved := slices.Clone(l.commits), l.unsaved
	l.unsaved = false
	l.mu.Unlock()
	if unsaved {
		if err := disk.Save(commitsName, all); err != nil {
			l.Log.Warn("who made which commit could not be kept", "error", err)
		}
	}
}

// Run tells until ctx ends, and a few seconds longer when something is under way.
func (l *Lookout) Run(ctx context.Context) { l.engine.Run(ctx) }

// Conditions are what a person should know of the alerts themselves.
func (l *Lookout) Conditions() []plan.Condition { return l.engine.Conditions() }

// Sight is what is seen now, and false before the first report.
func (l *Lookout) Sight() (*alert.Sight, bool) {
	r, s := l.own.Load(), l.snap.Load()
	if r == nil || s == nil || r.Status == plan.Unknown && s.Accepted == nil && s.Looks == 0 {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked = l.looked || !l.isYoung() || !s.OK || r.LastRead.Equal(s.LastRead)
	if !l.looked {
		return nil, false // the report is from before any look: what it lacks may be so
	}
	out := &alert.Sight{At: l.Clock.Wall(), Deployment: r.Deployment, Self: l.Node, Git: reads(s), Commit: r.Accepted, Commits: map[string]alert.Commit{}}
	for _, k := range l.commits {
		out.Commits[k.Hash] = k.Commit
	}
	own := alert.Node{Name: l.Node, Role: r.Role, Side: r.Side, Report: r, Fresh: true}
	if s.Accepted == nil {
		out.Nodes = []alert.Node{own}
		return out, true
	}
	out.Young = l.isYoung()
	d := s.Accepted.Deployment
	out.Deployment, out.Objective = d.Name, d.Handover.Objective.D()
	l.count(s)
	for _, name := range slices.Sorted(maps.Keys(d.Nodes)) {
		if name == l.Node {
			out.Nodes = append(out.Nodes, own)
			continue
		}
		out.Nodes = append(out.Nodes, l.other(d, s, name))
	}
	l.knowElders(out, reads(s))
	out.Roles = rolesOf(d, s)
	return out, true
}

func (l *Lookout) isYoung() bool { return l.Clock.Boot()-l.began < young }

// knowElders marks the nodes that told before this lookout began.
func (l *Lookout) knowElders(s *alert.Sight, reads bool) {
	if l.elders == nil && reads {
		l.elders = map[string]string{}
		for _, n := range s.Nodes {
			if n.Name != l.Node && n.Fresh && n.Report.Tells {
				l.elders[n.Name] = n.Report.Run
			}
		}
	}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		run, known := l.elders[n.Name]
		n.Elder = known && n.Report != nil && n.Report.Run == run
	}
}

// count notes since when git answers without a gap.
func (l *Lookout) count(s *reconcile.Snapshot) {
	switch {
	case !reads(s):
		l.gitSince = -1
	case l.gitSince < 0:
		l.gitSince = l.Clock.Boot()
		for _, b := range l.beats { // what was not looked at was not silent
			b.moved = l.gitSince
		}
	}
}

// other is another node: that it lives is told by a change of its reports, without any
// clock but this machine's.
func (l *Lookout) other(d *spec.Deployment, s *reconcile.Snapshot, name string) alert.Node {
	n := alert.Node{Name: name, Role: d.Nodes[name].Role, Side: d.Nodes[name].Side}
	v := s.Reports[name]
	if v == nil || !v.Known {
		return n
	}
	r := v.Report
	n.Report = &r
	b := l.beats[name]
	if b == nil {
		b = &beat{moved: l.Clock.Boot()}
		l.beats[name] = b
	}
	if b.run != r.Run || b.beat != r.Beat || !b.at.Equal(r.At) {
		*b = beat{run: r.Run, beat: r.Beat, at: r.At, moved: l.Clock.Boot(), seen: !b.at.IsZero(), wall: l.Clock.Wall()}
	}
	if b.seen {
		n.Heard = b.wall
	}
	bound := freshFor(d, &r)
	n.Silent = reads(s) && l.Clock.Boot()-b.moved > bound
	// One that was there before this agent looked is of now only if its date says so.
	n.Fresh = reads(s) && !n.Silent && (b.seen || l.Clock.Wall().Sub(r.At).Abs() <= bound)
	return n
}

// reads reports whether the newest look showed what the others say.
func reads(s *reconcile.Snapshot) bool {
	return s.OK && !slices.ContainsFunc(s.Conditions, func(c plan.Condition) bool { return c.Type == plan.CondCoordinationUnreachable })
}

// freshFor is how long a report speaks for its node: one of those that follow may be lost.
func freshFor(d *spec.Deployment, r *plan.Report) time.Duration {
	return 2*r.Every(d.Agent.Heartbeat.D()) + d.Agent.Timeout.D() + time.Minute
}

// rolesOf are the exclusive roles whose claims were read.
func rolesOf(d *spec.Deployment, s *reconcile.Snapshot) []alert.Role {
	var out []alert.Role
	for _, name := range slices.Sorted(maps.Keys(d.Roles)) {
		c, known := s.Claims[name]
		if !d.Roles[name].Exclusive || !known || !c.Read || !c.Reachable || c.Regressed {
			continue
		}
		out = append(out, alert.Role{Name: name, Declared: d.Active, Tip: c.Tip, Leads: d.Roles[name].Follows == ""})
	}
	return out
}
