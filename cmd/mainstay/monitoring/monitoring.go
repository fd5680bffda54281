// Package monitoring writes the rules for Prometheus of examples/monitoring from the
// registry of conditions, so that no condition is without one, and a unit test of each
// rule.
//
// It must not know what a condition means beyond what the registry says.
package monitoring

import (
	"fmt"
	"strings"

	"mainstay/reconcile/plan/conditions"
)

// rule is one alert of Prometheus.
type rule struct {
	name, expr, wait, severity, summary, action string
	// fires is a case in which it fires after wait, and quiet one in which it does not:
	// series as promtool takes them, each "name{labels} values". about are the labels by
	// which it fires.
	fires, quiet []string
	about        string
}

// info joins what a node is to what it says.
const info = " * on (instance, job) group_left (deployment, node, role, side) mainstay_node_info"

// from are the labels of one target in the tests, and node what is known of it.
const (
	from = `instance="a:9477",job="mainstay"`
	node = `mainstay_node_info{` + from + `,deployment="paris",node="xivo-main",role="xivo",side="main"} 1+0x2000`
	peer = `mainstay_node_info{instance="b:9477",job="mainstay",deployment="paris",node="xivo-standby",role="xivo",side="standby"} 1+0x2000`
	who  = `{ deployment: paris, node: xivo-main, role: xivo, side: main, instance: "a:9477", job: mainstay`
)

// rules lists them all.
func rules() []rule {
	out := ofNodes()
	out = append(out, ofDeployments()...)
	for _, c := range conditions.All() {
		r := rule{name: "Mainstay" + c.Type, summary: c.Meaning, action: c.Do, severity: "warning", wait: "5m",
			expr:  fmt.Sprintf("mainstay_conditions{type=%q}%s > 0", c.Type, info),
			fires: []string{node, fmt.Sprintf("mainstay_conditions{%s,type=%q} 1+0x2000", from, c.Type)},
			quiet: []string{node, fmt.Sprintf("mainstay_conditions{%s,type=%q} 0+0x2000", from, c.Type)},
			about: who + ", type: " + c.Type + " }"}
		switch {
		case c.AtOnce:
			r.wait, r.severity = "0s", "critical"
		case c.Passing:
			r.wait, r.severity = "30m", "info"
		case !c.Blocks:
			r.wait = "15m"
		}
		out = append(out, r)
	}
	return out
}

// one is a rule about a series of one node.
func one(name, series, labels, test, wait string) rule {
	metric := "mainstay_" + series
	l := "{" + labels + "}"
	if labels == "" {
		l = ""
	}
	with := from
	if labels != "" {
		with += "," + labels
	}
	return rule{name: name, wait: wait, severity: "warning", expr: metric + l + info + " " + test,
		fires: []string{node, metric + "{" + with + "} %d+0x2000"}, quiet: []string{node, metric + "{" + with + "} %d+0x2000"}, about: who + "%s }"}
}

// with sets the values in which it fires and is quiet, and the labels that it has.
func (r rule) with(fires, quiet int, labels, summary, action string) rule {
	r.fires[1], r.quiet[1] = fmt.Sprintf(r.fires[1], fires), fmt.Sprintf(r.quiet[1], quiet)
	r.about, r.summary, r.action = fmt.Sprintf(r.about, labels), summary, action
	return r
}

func (r rule) critical() rule { r.severity = "critical"; return r }

// ofNodes are about one node each.
func ofNodes() []rule {
	out := []rule{
		one("MainstayFailed", "status", `status="Failed"`, "== 1", "1m").with(1, 0, ", status: Failed", "The node gave up.", "`mainstay status` on the node says why.").critical(),
		one("MainstayHeld", "status", `status="Held"`, "== 1", "5m").with(1, 0, ", status: Held", "The node waits.", "`mainstay status` on the node says for what."),
		one("MainstayPaused", "status", `status="Paused"`, "== 1", "8h").with(1, 0, ", status: Paused", "The node has been paused for long.", "`mainstay resume` on the node when the work is done."),
		one("MainstayNoDocument", "status", `status="Unknown"`, "== 1", "5m").with(1, 0, ", status: Unknown", "The node has accepted no document.", "`mainstay doctor` on the node."),
		one("MainstayCheckFails", "check_ok", `check="c"`, "== 0", "1m").with(0, 1, ", check: c", "A readiness check fails.", "Mend what the check looks at, before a switch needs it."),
		one("MainstayJobFailed", "job_ok", `exported_job="c"`, "== 0", "1m").with(0, 1, ", exported_job: c", "The newest run of a job was not good.", "`mainstay status NODE` shows what the job said."),
		one("MainstayGitIsOld", "last_good_read_age_seconds", "", "> 300", "1m").with(301, 5, "", "The node has not read git for five minutes.", "Mend the network or the git server: `mainstay doctor`."),
		one("MainstayAgentHangs", "last_pass_age_seconds", "", "> 120", "1m").with(121, 5, "", "The agent makes no passes.", "Look at the agent's log; systemd should have started it again.").critical(),
		one("MainstaySwitchWasLate", "switch_late", "", "== 1", "0s").with(1, 0, "", "The newest switch to this node took longer than handover.objective.", "`mainstay history` shows where the time went."),
	}
	for i := range out { // of any check or job
		for _, label := range []string{`{check="c"}`, `{exported_job="c"}`} {
			out[i].expr = strings.Replace(out[i].expr, label, "", 1)
		}
	}
	return append(out, rule{name: "MainstayNotObserved", wait: "5m", severity: "warning", expr: `up{job="mainstay"} == 0`,
		summary: "The agent's metrics cannot be read: the node is not observed, which says nothing of its services.", action: "`mainstay status` from elsewhere says when the node was heard last.",
		fires: []string{`up{` + from + `} 0+0x2000`}, quiet: []string{`up{` + from + `} 1+0x2000`}, about: `{ instance: "a:9477", job: mainstay }`})
}

// ofDeployments are about several nodes.
func ofDeployments() []rule {
	status := func(instance string, active int) string {
		return fmt.Sprintf(`mainstay_status{instance="%s:9477",job="mainstay",status="Active"} %d+0x2000`, instance, active)
	}
	const joined = `mainstay_status{status="Active"} * on (instance, job) group_left (deployment, role, side) mainstay_node_info{side!=""}`
	return []rule{
		{name: "MainstayNobodySeenToServe", wait: "2m", severity: "critical", expr: "max by (deployment, role) (" + joined + ") == 0",
			summary: "No node whose metrics can be read serves the role.", action: "`mainstay status` says who holds the claim, and why nobody serves.",
			fires: []string{node, peer, status("a", 0), status("b", 0)}, quiet: []string{node, peer, status("a", 0), status("b", 1)}, about: `{ deployment: paris, role: xivo }`},
		{name: "MainstayTwoSidesActive", wait: "1m", severity: "critical", expr: "count by (deployment, role) (" + joined + " == 1) > 1",
			summary: "Both sides of a role say that they are Active.", action: "Stop one side by hand, at once.",
			fires: []string{node, peer, status("a", 1), status("b", 1)}, quiet: []string{node, peer, status("a", 0), status("b", 1)}, about: `{ deployment: paris, role: xivo }`},
		{name: "MainstayPageCannotReadGit", wait: "10m", severity: "warning", expr: "mainstay_console_repository_failing == 1",
			summary: "The web page cannot read a repository: what it shows is old.", action: "Mend the network or the page's access to git.",
			fires: []string{`mainstay_console_repository_failing{instance="p:8080",job="mainstay-console",repository="r"} 1+0x2000`},
			quiet: []string{`mainstay_console_repository_failing{instance="p:8080",job="mainstay-console",repository="r"} 0+0x2000`},
			about: `{ instance: "p:8080", job: mainstay-console, repository: r }`},
	}
}

const head = "# Generated from the registry of conditions: see README.md beside it.\n"

// quoted is a text between single quotes of YAML, without what Prometheus would expand.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, "{{", "{ {"), "'", "''") + "'"
}

// Rules is the file of rules.
func Rules() string {
	var b strings.Builder
	b.WriteString(head + "groups:\n  - name: mainstay\n    rules:\n")
	for _, r := range rules() {
		fmt.Fprintf(&b, "      - alert: %s\n        expr: %s\n        for: %s\n        labels: { severity: %s }\n        annotations:\n          summary: %s\n          action: %s\n",
			r.name, quoted(r.expr), r.wait, r.severity, quoted(r.summary), quoted(r.action))
	}
	return b.String()
}

// Tests is the file by which promtool tries every rule.
func Tests() string {
	var b strings.Builder
	b.WriteString(head + "rule_files: [mainstay.rules.yaml]\nevaluation_interval: 1m\ntests:\n")
	for _, r := range rules() {
		for _, fires := range []bool{true, false} {
			series := r.quiet
			if fires {
				series = r.fires
			}
			fmt.Fprintf(&b, "  - name: %s, %t\n    interval: 1m\n    input_series:\n", r.name, fires)
			for _, s := range series {
				at := strings.LastIndex(s, " ")
				fmt.Fprintf(&b, "      - { series: '%s', values: '%s' }\n", s[:at], s[at+1:])
			}
			fmt.Fprintf(&b, "    alert_rule_test:\n      - eval_time: 9h\n        alertname: %s\n", r.name)
			if fires {
				labels := strings.TrimSuffix(r.about, " }") + ", severity: " + r.severity + " }"
				fmt.Fprintf(&b, "        exp_alerts:\n          - exp_labels: %s\n            exp_annotations: { summary: %s, action: %s }\n", labels, quoted(r.summary), quoted(r.action))
			}
		}
	}
	return b.String()
}
