//go:build e2e

package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const pack = "../../../examples/monitoring"

func TestMonitoringRulesFireAsTheyShould(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "mainstay.rules.yaml"}, {"test", "rules", "mainstay.rules.test.yaml"}} {
		c := exec.Command("promtool", args...)
		c.Dir = pack
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// startPrometheus scrapes every node of a site, and returns its address.
func (s *site) startPrometheus() string {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	address := l.Addr().String()
	must(s.t, l.Close())
	rules, err := filepath.Abs(filepath.Join(pack, "mainstay.rules.yaml"))
	must(s.t, err)
	var targets []string
	for _, n := range s.nodes() {
		targets = append(targets, fmt.Sprintf("%q", s.Address(n.Host)+":9477"))
	}
	dir := s.t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	must(s.t, os.WriteFile(config, fmt.Appendf(nil, "global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [%s]\nscrape_configs:\n"+
		"  - job_name: mainstay\n    static_configs: [{ targets: [%s] }]\n", rules, strings.Join(targets, ", ")), 0o644))
	c := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	must(s.t, c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	s.t.Cleanup(func() { _ = c.Process.Signal(syscall.SIGTERM); <-ended })
	return address
}

// answerOf is what Prometheus answers to a query.
type answerOf struct {
	Status string
	Error  string
	Data   struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
}

func ask(address, query string) (a answerOf, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return a, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(b, &a)
}

// answers waits until a query has so many results.
func (s *site) answers(address, query string, want int) answerOf {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := ask(address, query)
		if err == nil && a.Status == "success" && len(a.Data.Result) == want {
			return a
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%d results are wanted of %s: %v, %+v", want, query, err, a)
		}
	}
}

// shownPanel is what is read of a panel of the dashboard.
type shownPanel struct {
	Title           string
	Targets         []struct{ Expr, LegendFormat string }
	Transformations []struct {
		Options struct{ RenameByName map[string]string }
	}
}

// panelsOf are the panels of the dashboard that ask something, by their title.
func panelsOf(t *testing.T) map[string]shownPanel {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pack, "dashboard.json"))
	must(t, err)
	var d struct{ Panels []shownPanel }
	must(t, json.Unmarshal(text, &d))
	out := map[string]shownPanel{}
	for _, p := range d.Panels {
		for i := range p.Targets {
			p.Targets[i].Expr = strings.ReplaceAll(p.Targets[i].Expr, "$deployment", ".*")
		}
		if len(p.Targets) > 0 {
			out[p.Title] = p
		}
	}
	return out
}

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

// named says that the labels by which lines are called, and the columns of a table, are in
// what was answered.
func (p shownPanel) named(t *testing.T, answers []answerOf) {
	t.Helper()
	labels := map[string]bool{}
	for i, a := range answers {
		for _, r := range a.Data.Result {
			for _, m := range legendLabel.FindAllStringSubmatch(p.Targets[i].LegendFormat, -1) {
				if r.Metric[m[1]] == "" {
					t.Errorf("%s: a line is called %s and has only %v", p.Title, p.Targets[i].LegendFormat, r.Metric)
				}
			}
			for l := range r.Metric {
				labels[l] = true
			}
		}
	}
	for _, transformation := range p.Transformations {
		for field, name := range transformation.Options.RenameByName {
			if len(labels) > 0 && !labels[field] && !strings.HasPrefix(field, "Value") {
				t.Errorf("%s: the column %s shows %s, which nothing has: %v", p.Title, name, field, labels)
			}
		}
	}
}

// Every query of the dashboard is understood by a real Prometheus that reads real agents,
// and shows what was done to them.
func TestMonitoringDashboardShowsADeployment(t *testing.T) {
	s := newSite(t, nil)
	s.converges(s.writes(func(d string) string {
		d = strings.Replace(d, "handover: {", "handover: { objective: 1m,", 1)
		return strings.Replace(d, "    services:  ", fmt.Sprintf("    checks: [{ name: disk, command: [%q, demo-service, none, none], every: 1s }]\n    services:  ", s.Self), 1)
	}))
	s.converges(s.flips("standby"))
	address := s.startPrometheus()
	panels := panelsOf(t)
	if len(panels) < 10 {
		t.Fatalf("%d panels", len(panels))
	}
	query := func(title string) string {
		t.Helper()
		if len(panels[title].Targets) == 0 {
			t.Fatalf("no panel is called %q", title)
		}
		return panels[title].Targets[0].Expr
	}
	s.answers(address, "mainstay_node_info", 2)
	for title, want := range map[string]int{"Who serves in $deployment": 1, "Agents not observed": 1, "Conditions": 1, "Status of every node of $deployment": 2,
		"Checks, jobs and services that were not well": 1, "Checks, jobs and services not well": 1, "Every node, now": 2, "Age of the newest look at git": 2,
		"Number of the claim": 1, "Memory of the agents": 2} {
		s.answers(address, query(title), want)
	}
	s.answers(address, panels["Checks, jobs and services that were not well"].Targets[1].Expr, 2)
	if a := s.answers(address, query("Checks, jobs and services not well"), 1); a.Data.Result[0].Value[1] != "2" {
		t.Errorf("the check fails on both nodes, and is counted as %+v", a.Data.Result)
	}
	s.answers(address, `ALERTS{alertname="MainstayCheckFails"}`, 2)
	for title, p := range panels {
		var all []answerOf
		for _, q := range p.Targets {
			a, err := ask(address, q.Expr)
			if err != nil || a.Status != "success" {
				t.Errorf("%s: %v %s: %s", title, err, a.Error, q.Expr)
			}
			all = append(all, a)
		}
		p.named(t, all)
	}
	if a := s.answers(address, query("Who serves in $deployment"), 1); a.Data.Result[0].Value[1] != "2" {
		t.Errorf("standby serves, and is shown as %+v", a.Data.Result)
	}
	if a := s.answers(address, "mainstay_switch_late * on (instance) group_left (node) mainstay_node_info{node=\"xivo-standby\"}", 1); a.Data.Result[0].Value[1] != "0" {
		t.Errorf("the switch was late: %+v", a.Data.Result)
	}
	hold := filepath.Join(s.node("xivo-standby"), "hold") // asterisk does not answer
	must(t, os.WriteFile(hold, nil, 0o600))
	if a := s.answers(address, panels["Checks, jobs and services that were not well"].Targets[3].Expr, 1); a.Data.Result[0].Metric["service"] != "asterisk" {
		t.Errorf("asterisk does not answer, and is shown as %+v", a.Data.Result)
	}
	s.answers(address, "("+query("Who serves in $deployment")+") == 4", 1)
	must(t, os.Remove(hold))
	s.answers(address, "("+query("Who serves in $deployment")+") == 2", 1)
	s.writes(func(d string) string { return strings.Replace(d, "active: standby", "active: stanby", 1) })
	s.answers(address, query("Conditions by node"), 2)
	s.answers(address, `ALERTS{alertname="MainstayDocumentInvalid"}`, 2)
	s.kill("xivo-main")
	a := s.answers(address, `up{job="mainstay"} == 0`, 1)
	if got := a.Data.Result[0].Metric["instance"]; got != s.Address(11)+":9477" {
		t.Errorf("not observed: %s", got)
	}
	for node, want := range map[string]string{"xivo-main": "-1", "xivo-standby": "1"} { // not observed, and Active
		if a := s.answers(address, "("+query("Status of every node of $deployment")+`) and on (node) label_replace(vector(1), "node", "`+node+`", "", "")`, 1); a.Data.Result[0].Value[1] != want {
			t.Errorf("%s is shown as %v", node, a.Data.Result)
		}
	}
	if a := s.answers(address, query("Who serves in $deployment"), 1); a.Data.Result[0].Value[1] != "2" {
		t.Errorf("standby serves, and is shown as %+v", a.Data.Result)
	}
	s.kill("xivo-standby")
	s.answers(address, `up{job="mainstay"} == 0`, 2)
	for _, title := range []string{"Who serves in $deployment", "Conditions", "Checks, jobs and services not well", "Oldest look at git"} {
		if a := s.answers(address, query(title), 1); a.Data.Result[0].Value[1] != "-1" {
			t.Errorf("%s: nobody is observed, and is shown as %+v", title, a.Data.Result)
		}
	}
}
