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

// queriesOf are the queries of the dashboard, by the title of their panel.
func queriesOf(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pack, "dashboard.json"))
	must(t, err)
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	must(t, json.Unmarshal(text, &d))
	out := map[string][]string{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			out[p.Title] = append(out[p.Title], strings.ReplaceAll(q.Expr, "$deployment", ".*"))
		}
	}
	return out
}

// Every query of the dashboard is understood by a real Prometheus that reads real agents,
// and shows what was done to them.
func TestMonitoringDashboardShowsADeployment(t *testing.T) {
	s := newSite(t, nil)
	s.converges(s.writes(func(d string) string {
		return strings.Replace(d, "handover: {", "handover: { objective: 1m,", 1)
	}))
	s.converges(s.flips("standby"))
	address := s.startPrometheus()
	queries := queriesOf(t)
	if len(queries) < 10 {
		t.Fatalf("%d panels", len(queries))
	}
	s.answers(address, "mainstay_node_info", 2)
	full := map[string]int{"Serving": 1, "Not observed": 1, "Conditions": 1, "Status of every node": 2, "Age of the newest look at git": 2,
		"Number of the claim": 2, "Memory of the agents": 2, "Versions": 2}
	for title, list := range queries {
		for i, q := range list {
			a, err := ask(address, q)
			if err != nil || a.Status != "success" {
				t.Errorf("%s: %v %s: %s", title, err, a.Error, q)
			}
			if want := full[title]; want > 0 && i == 0 {
				s.answers(address, q, want)
			}
		}
	}
	if a := s.answers(address, queries["Serving"][0], 1); a.Data.Result[0].Value[1] != "1" {
		t.Errorf("of sides that serve: %+v", a.Data.Result)
	}
	if a := s.answers(address, "mainstay_switch_late * on (instance) group_left (node) mainstay_node_info{node=\"xivo-standby\"}", 1); a.Data.Result[0].Value[1] != "0" {
		t.Errorf("the switch was late: %+v", a.Data.Result)
	}
	s.writes(func(d string) string { return strings.Replace(d, "active: standby", "active: stanby", 1) })
	s.answers(address, queries["Conditions by node"][0], 2)
	s.answers(address, `ALERTS{alertname="MainstayDocumentInvalid"}`, 2)
	s.kill("xivo-main")
	a := s.answers(address, `up{job="mainstay"} == 0`, 1)
	if got := a.Data.Result[0].Metric["instance"]; got != s.Address(11)+":9477" {
		t.Errorf("not observed: %s", got)
	}
}
