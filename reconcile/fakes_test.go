package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// still is a clock that stands until a test moves it, boot and wall apart.
type still struct {
	boot time.Duration
	wall time.Time
}

func newStill() *still { return &still{boot: time.Hour, wall: time.Unix(1_800_000_000, 0).UTC()} }

func (c *still) Boot() time.Duration { return c.boot }
func (c *still) Wall() time.Time     { return c.wall }

func (c *still) pass(d time.Duration) { c.boot, c.wall = c.boot+d, c.wall.Add(d) }

// journal is in which order the fakes were called.
type journal struct{ lines []string }

func (j *journal) add(format string, args ...any) {
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// index is the place of the first line that begins with text, or -1.
func (j *journal) index(text string) int {
	for i, l := range j.lines {
		if strings.HasPrefix(l, text) {
			return i
		}
	}
	return -1
}

func (j *journal) has(text string) bool { return j.index(text) >= 0 }

// shelf is a Disk in memory.
type shelf struct {
	j       *journal
	values  map[string][]byte
	full    bool
	damaged map[string]bool
	aside   map[string]bool
}

func newShelf(j *journal) *shelf {
	return &shelf{j: j, values: map[string][]byte{}, damaged: map[string]bool{}, aside: map[string]bool{}}
}

func (d *shelf) Save(name string, v any) error {
	if d.full {
		return errors.New("no space left on device")
	}
	b, err := json.Marshal(v)
	d.values[name] = b
	d.j.add("save %s %s", name, b)
	return err
}

func (d *shelf) Load(name string, v any) error {
	b, ok := d.values[name]
	if !ok {
		return fs.ErrNotExist
	}
	if d.damaged[name] {
		delete(d.damaged, name)
		delete(d.values, name)
		d.aside[name] = true
		return errors.New("damaged, set aside")
	}
	return json.Unmarshal(b, v)
}

func (d *shelf) Forgot(name string) (bool, error) {
	_, there := d.values[name]
	return d.aside[name] && !there, nil
}

// rack is Services and Probes and Files of one machine, moved by the test.
type rack struct {
	j       *journal
	seen    []plan.Observed
	refuse  error
	left    []managed.Left
	witness plan.ProbeView
}

// Configure refuses a document with services while refuse is set. What the test
// said of services goes on with their places.
func (r *rack) Configure(w *spec.Wanted, left []managed.Left) error {
	if r.refuse != nil && len(w.Services) > 0 {
		return r.refuse
	}
	r.left = left
	return nil
}

func (r *rack) Observed() []plan.Observed { return append([]plan.Observed(nil), r.seen...) }
func (r *rack) ByHand(int) string         { return "systemctl stop asterisk.service" }
func (r *rack) Start(i int)               { r.begin(i, plan.OpStart) }
func (r *rack) Stop(i int)                { r.begin(i, plan.OpStop) }
func (r *rack) Drain(i int)               { r.begin(i, plan.OpDrain) }

func (r *rack) begin(i int, op plan.Op) {
	r.j.add("%s %d", op, i)
	r.seen[i].Op = op
}

func (r *rack) are(run plan.Run) {
	for i := range r.seen {
		r.seen[i] = plan.Observed{Run: run, Ready: run == plan.Running}
	}
}

type rackProbes struct{ *rack }

func (p rackProbes) Configure(*spec.Wanted) error         { return nil }
func (p rackProbes) Witness() plan.ProbeView              { return p.witness }
func (p rackProbes) Detect() map[spec.Side]plan.ProbeView { return nil }
func (p rackProbes) AskWitnessOften(bool)                 {}
func (p rackProbes) Forget()                              { p.j.add("forget") }

type noFiles struct{}

func (noFiles) Configure(*spec.Wanted, func(string, spec.Side) ([]byte, error)) error { return nil }
func (noFiles) States(spec.Side) []plan.FileState                                     { return nil }
func (noFiles) Render(int, spec.Side)                                                 {}

// vault is a repository with claims and reports in it.
type vault struct {
	refs      map[string]string
	documents map[string]string
	claims    map[string]ClaimRead
	reports   map[string]plan.Report
	// down answers nothing, mirror answers as a mirror does, refuses is why no
	// revision is given out, lost loses every publication.
	down, mirror bool
	refuses      error
	restorable   bool
	chainErr     error
	fetched      int
	pushed       []plan.Push
	published    []plan.Report
	lost         bool
	// silent says that standby publishes no report.
	silent bool
	// only is the deployment that the learner has asked for.
	only string
}

const tip = "refs/heads/main"

func newVault(document string) *vault {
	return &vault{refs: map[string]string{tip: "c1"}, documents: map[string]string{"c1": document},
		claims: map[string]ClaimRead{}, reports: map[string]plan.Report{}}
}

func (v *vault) commit(id, document string) { v.refs[tip], v.documents[id] = id, document }

func (v *vault) claim(id string, read ClaimRead) {
	read.Tip.ID = id
	v.refs[plan.ClaimRef("paris", "xivo")], v.claims[id] = id, read
}

func (v *vault) report(id string, r plan.Report) {
	v.refs[plan.ReportRef("paris", "xivo-standby")], v.reports[id] = id, r
}

func (v *vault) List(context.Context) (Listing, error) {
	if v.down {
		return Listing{}, errors.New("no answer")
	}
	v.idle()
	l := Listing{Refs: map[string]string{}, Only: v.only, Mirror: v.mirror}
	for ref, hash := range v.refs {
		if v.only == "" || !strings.HasPrefix(ref, "refs/mainstay/") || strings.HasPrefix(ref, "refs/mainstay/"+v.only+"/") {
			l.Refs[ref] = hash
		}
	}
	return l, nil
}

// Narrow is as a real one does it.
func (v *vault) Narrow(deployment string) { v.only = deployment }

// idle is the report of a standby that is down, under whatever there is, unless
// a test says what it reports or that it reports nothing.
func (v *vault) idle() {
	ref := plan.ReportRef("paris", "xivo-standby")
	if now := v.refs[ref]; v.silent || now != "" && !strings.HasPrefix(now, "idle") {
		return
	}
	commit, seq := v.refs[tip], v.claims[v.refs[plan.ClaimRef("paris", "xivo")]].Tip.Seq
	id := fmt.Sprintf("idle %s %d", commit, seq)
	v.refs[ref] = id
	v.reports[id] = idleStandby(commit, seq)
}

// idleStandby is the report of a standby that is down.
func idleStandby(commit string, seq uint64) plan.Report {
	return plan.Report{Deployment: "paris", Node: "xivo-standby", Role: "xivo", Side: spec.Standby, Status: plan.Inactive,
		Accepted: commit, Seq: seq}
}

type document string

func (d document) Read(string) ([]byte, error) { return []byte(d), nil }

func (v *vault) Revision(_ context.Context, hash, _ string) (Revision, error) {
	v.fetched++
	if v.refuses != nil {
		return nil, v.refuses
	}
	return document(v.documents[hash]), nil
}

func (v *vault) Claim(_ context.Context, _, hash string, _ plan.Tip) (ClaimRead, error) {
	return v.claims[hash], nil
}

func (v *vault) PushClaim(_ context.Context, _ string, p plan.Push) error {
	v.pushed = append(v.pushed, p)
	return nil
}

func (v *vault) Restorable(context.Context, string, string, plan.Tip) (bool, error) {
	return v.restorable, v.chainErr
}
func (v *vault) Restore(context.Context, string, plan.Tip) error { return nil }

func (v *vault) Reports(_ context.Context, refs map[string]string) (map[string]plan.Report, map[string]error) {
	out := map[string]plan.Report{}
	for ref, hash := range refs {
		out[ref] = v.reports[hash]
	}
	return out, nil
}

func (v *vault) Publish(_ context.Context, _ string, r plan.Report) error {
	if v.lost {
		return errors.New("no answer")
	}
	v.published = append(v.published, r)
	return nil
}

// paris is a small deployment that declares a side.
func paris(active spec.Side) string {
	return fmt.Sprintf(`apiVersion: mainstay/v1
kind: Deployment
name: paris
active: %s
nodes:
  xivo-main:    { role: xivo, side: main,    address: 10.0.0.1 }
  xivo-standby: { role: xivo, side: standby, address: 10.0.0.2 }
roles:
  xivo:
    exclusive: true
    services:
      - { name: asterisk, systemd: asterisk.service }
      - { name: monit, systemd: monit.service }
`, active)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// inline reads a document within the look that begins it.
func inline(read func()) { read() }
