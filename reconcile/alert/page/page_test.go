package page

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/alert"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
	"mainstay/spec/alerts"
)

const document = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: ACTIVE
nodes:
  a: { role: r, side: main, address: 10.0.0.1 }
  b: { role: r, side: standby, address: 10.0.0.2 }
roles: { r: { exclusive: true, services: [{ name: s, systemd: s.service }] } }
`

// view is what git says: a serves as long as it is declared, else b.
func view(t *testing.T, active spec.Side, change func(*fleet.Deployment)) *fleet.View {
	t.Helper()
	d, problems := spec.Load("d.yaml", []byte(strings.Replace(document, "ACTIVE", string(active), 1)), nil)
	if d == nil {
		t.Fatal(problems)
	}
	node := func(name string, side spec.Side, status plan.Status) fleet.Node {
		return fleet.Node{Name: name, Role: "r", Side: side, Report: &plan.Report{Node: name, Role: "r", Side: side, Status: status, Seq: 7}}
	}
	one := fleet.Deployment{Name: "paris", Path: "d.yaml", Active: active, Spec: d,
		Nodes:  []fleet.Node{node("a", spec.Main, plan.Active), node("b", spec.Standby, plan.Inactive)},
		Claims: map[string]fleet.Claim{"r": {Tip: plan.Tip{ID: "t", Claim: plan.Claim{Seq: 7, Holder: plan.HeldBy(spec.Main)}}}}}
	if change != nil {
		change(&one)
	}
	return &fleet.View{Commit: "c1", Author: "Ann", Subject: "go", Deployments: []fleet.Deployment{one}}
}

type disk struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (d *disk) Save(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, err := json.Marshal(v)
	d.kept[name] = b
	return err
}

func (d *disk) Load(name string, v any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept[name] == nil {
		return fs.ErrNotExist
	}
	return json.Unmarshal(d.kept[name], v)
}

// told shows looks to a page, a minute each, and returns what it told.
func told(t *testing.T, kept *disk, looks ...*fleet.View) []string {
	var mu sync.Mutex
	var got []string
	p := New(Config{Alerts: []alerts.Alert{{Command: []string{"x"}}}, Disk: kept, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Deliver: func(_ context.Context, _ alerts.Alert, m alert.Message) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, strings.TrimSpace(string(m.Kind)+" "+string(m.Event)+" "+m.Node))
			return nil
		}})
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	for _, v := range looks {
		p.See("repo", v)
		wait, stop := context.WithTimeout(ctx, time.Minute+time.Second)
		<-wait.Done()
		stop()
	}
	end()
	<-done
	return got
}

func TestThePageTellsOfEverythingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &disk{kept: map[string][]byte{}}
		silent := func(d *fleet.Deployment) { d.Nodes[1].Stale, d.Nodes[1].Silent = true, true }
		failed := func(d *fleet.Deployment) { d.Nodes[0].Report.Status = plan.Failed }
		serves := func(d *fleet.Deployment) {
			d.Nodes[0].Report.Status, d.Nodes[1].Report.Status = plan.Inactive, plan.Active
			d.Claims["r"] = fleet.Claim{Tip: plan.Tip{ID: "u", Claim: plan.Claim{Seq: 7, Holder: plan.HeldBy(spec.Standby)}}}
		}
		got := told(t, kept, view(t, spec.Main, nil), view(t, spec.Main, silent), nil, view(t, spec.Main, nil), view(t, spec.Main, failed))
		want := []string{"began silent b", "over silent b", "began failed a", "began unserved"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		got = told(t, kept, nil, view(t, spec.Main, failed), nil, view(t, spec.Standby, failed), view(t, spec.Standby, serves))
		want = []string{"began switch", "over switch", "over failed a", "over unserved"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOnlyWhatWasLookedAtIsBlind(t *testing.T) {
	p := New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	p.See("repo", view(t, spec.Main, nil))
	p.See("repo2", view(t, spec.Main, nil))
	p.See("repo", nil)
	git := map[string]bool{}
	for key, d := range p.all {
		git[strings.SplitN(key, "\x00", 2)[0]] = d.sight.Load().Git
	}
	if diff := cmp.Diff(map[string]bool{"repo": false, "repo2": true}, git); diff != "" {
		t.Error(diff)
	}
}
