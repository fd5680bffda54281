package plugin

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

func view(change func(*fleet.Deployment)) *fleet.View {
	d := fleet.Deployment{Name: "paris", Active: spec.Main, OK: true, Claims: map[string]fleet.Claim{},
		Nodes: []fleet.Node{{Name: "a", Role: "r", Side: spec.Main, OK: true, Report: &plan.Report{Status: plan.Active}}, {Name: "b", Role: "r", Side: spec.Standby, OK: true, Report: &plan.Report{Status: plan.Inactive}}}}
	change(&d)
	return &fleet.View{Deployments: []fleet.Deployment{d}}
}

// perfdata is what the plugins' guidelines want behind the bar.
var perfdata = regexp.MustCompile(`^('?[a-z_]+'?=\d+(;\d*){0,4} ?)+$`)

func TestALineAndACodeForEveryState(t *testing.T) {
	for name, c := range map[string]struct {
		v      *fleet.View
		err    error
		code   int
		starts string
	}{
		"well":   {view(func(*fleet.Deployment) {}), nil, OK, "MAINSTAY OK - paris: main serves | nodes=2;;;0 unwell=0;0;;0;2 silent=0;"},
		"nobody": {view(func(d *fleet.Deployment) { d.OK, d.Outages = false, []string{"nobody serves r"} }), nil, Critical, "MAINSTAY CRITICAL - paris: nobody serves r |"},
		"both": {view(func(d *fleet.Deployment) {
			d.OK, d.Nodes[1].Report.Conditions = false, []plan.Condition{{Type: plan.CondDualActive}}
		}), nil, Critical, "MAINSTAY CRITICAL - paris: both sides serve r |"},
		"silent": {view(func(d *fleet.Deployment) {
			d.OK, d.Nodes[1].OK, d.Nodes[1].Stale, d.Nodes[1].Findings = false, false, true, []string{"not heard for 20m"}
		}), nil, Warning, "MAINSTAY WARNING - paris: b: not heard for 20m | nodes=2;;;0 unwell=1;0;;0;2 silent=1;0;;0;2"},
		"unread": {nil, errors.New("git: no route\nto host"), Unknown, "MAINSTAY UNKNOWN - git: no route to host"},
		"none":   {&fleet.View{}, nil, Unknown, "MAINSTAY UNKNOWN - there is no deployment"},
	} {
		line, code := Check(c.v, c.err)
		if code != c.code || !strings.HasPrefix(line, c.starts) {
			t.Errorf("%s: %d %s", name, code, line)
		}
		if _, figures, ok := strings.Cut(strings.TrimSpace(line), " | "); ok != (code != Unknown) || ok && !perfdata.MatchString(figures) {
			t.Errorf("%s: %q", name, figures)
		}
	}
}

func TestWhatNodesSaidIsNoFigure(t *testing.T) {
	attack.Row(t, "terminal", "bars and line breaks in a finding, read by a monitoring program", "one line, cleaned")
	line, _ := Check(view(func(d *fleet.Deployment) {
		d.OK, d.Findings = false, []string{"x | unwell=0\nMAINSTAY OK - fine\x1b[2J" + strings.Repeat("y", 1000)}
	}), nil)
	if strings.Count(line, "|") != 1 || strings.Count(line, "\n") != 1 || strings.Contains(line, "\x1b") || len(line) > 1000 {
		t.Errorf("%q", line)
	}
}
