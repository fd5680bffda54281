// Package page is what the web page sees as those see it who tell people: every node of
// every deployment, from git alone.
//
// The page is no node: it tells of everything, and beside nodes that tell it is one more
// teller. It must not know how anything is shown.
package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/alert"
	"mainstay/reconcile/fleet"
	"mainstay/spec/alerts"
)

// mostDeployments is how many deployments are told of, in all repositories.
const mostDeployments = 1000

// Config is what a teller works with.
type Config struct {
	Alerts  []alerts.Alert
	Deliver alert.Deliver
	// Disk may be nil: then a restart tells again what lasts.
	Disk alert.Disk
	Now  func() time.Time
	Log  *slog.Logger
}

// Teller tells of every deployment that it is shown.
type Teller struct {
	Config
	mu  sync.Mutex
	all map[string]*deployment
	new chan *deployment
}

// deployment is one, with the newest that was seen of it.
type deployment struct {
	engine *alert.Engine
	sight  atomic.Pointer[alert.Sight]
}

// New returns a teller that was shown nothing yet.
func New(c Config) *Teller {
	return &Teller{Config: c, all: map[string]*deployment{}, new: make(chan *deployment, mostDeployments)}
}

// Run tells until ctx ends, and a few seconds longer when something is under way.
func (t *Teller) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-t.new:
			wg.Go(func() { d.engine.Run(ctx) })
		}
	}
}

// See takes in a look at a repository. It never waits. A look that failed shows nothing:
// v is nil then.
func (t *Teller) See(repository string, v *fleet.View) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[string]bool{}
	if v != nil {
		for i := range v.Deployments {
			d := &v.Deployments[i]
			key := repository + "\x00" + d.Path + "\x00" + d.Name
			if one := t.of(key); one != nil {
				seen[key] = true
				one.sight.Store(sightOf(v, d, t.Now()))
				one.engine.Wake()
			}
		}
	}
	for key, one := range t.all {
		if before := one.sight.Load(); !seen[key] && before != nil && within(key, repository) {
			blind := *before
			blind.Git = false
			one.sight.Store(&blind)
		}
	}
}

// Known is how many deployments are told of.
func (t *Teller) Known() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

func within(key, repository string) bool {
	return len(key) > len(repository) && key[:len(repository)+1] == repository+"\x00"
}

// of finds a deployment or begins with it; nil when there are too many.
func (t *Teller) of(key string) *deployment {
	if d := t.all[key]; d != nil || len(t.all) >= mostDeployments {
		return d
	}
	d := &deployment{}
	c := alert.Config{Alerts: t.Alerts, Deliver: t.Deliver, Log: t.Log, Look: func() (*alert.Sight, bool) {
		s := d.sight.Load()
		if s == nil {
			return nil, false
		}
		now := *s
		now.At = t.Now()
		return &now, true
	}}
	if t.Disk != nil {
		sum := sha256.Sum256([]byte(key))
		c.Disk = part{t.Disk, hex.EncodeToString(sum[:6])}
	}
	d.engine = alert.NewEngine(c)
	t.all[key] = d
	t.new <- d
	return d
}

// part is a disk on which each deployment has names of its own.
type part struct {
	alert.Disk
	of string
}

func (p part) Save(name string, v any) error { return p.Disk.Save(name+"-"+p.of, v) }
func (p part) Load(name string, v any) error { return p.Disk.Load(name+"-"+p.of, v) }

// sightOf is a deployment as the page sees it.
func sightOf(v *fleet.View, d *fleet.Deployment, now time.Time) *alert.Sight {
	s := &alert.Sight{At: now, Deployment: d.Name, Git: true, Commit: v.Commit,
		Commits: map[string]alert.Commit{v.Commit: {Who: v.Author, Subject: v.Subject}}}
	for _, n := range d.Nodes {
		s.Nodes = append(s.Nodes, alert.Node{Name: n.Name, Role: n.Role, Side: n.Side, Report: n.Report,
			Fresh: n.Report != nil && !n.Stale && n.Ahead == 0, Silent: n.Report != nil && n.Silent, Heard: n.Moved})
	}
	if d.Spec == nil {
		return s
	}
	s.Objective = d.Spec.Handover.Objective.D()
	for _, name := range slices.Sorted(maps.Keys(d.Spec.Roles)) {
		if c, known := d.Claims[name]; known && c.Error == "" && d.Spec.Roles[name].Exclusive {
			s.Roles = append(s.Roles, alert.Role{Name: name, Declared: d.Active, Tip: c.Tip, Leads: d.Spec.Roles[name].Follows == ""})
		}
	}
	return s
}
