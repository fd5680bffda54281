package console

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"mainstay/reconcile/console/terms"
)

// metrics are in the text form that Prometheus reads. They are so few that they are
// written by hand: the client library would keep a registry for them.
func (c *Console) metrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s := c.state()
	changes, streams := c.hub.now()
	about(w, "mainstay_console_streams", "gauge", "Browsers that follow live.")
	fmt.Fprintf(w, "mainstay_console_streams %d\n", streams)
	about(w, "mainstay_console_changes_total", "counter", "Changes that browsers were told of.")
	fmt.Fprintf(w, "mainstay_console_changes_total %d\n", changes)
	about(w, "mainstay_console_looks_total", "counter", "Looks at a repository, whatever came of them.")
	name := c.nameFor(r)
	for i, r := range c.readers {
		fmt.Fprintf(w, "mainstay_console_looks_total{repository=%s} %d\n", name(i, r.place.Name), r.looks.Load())
	}
	about(w, "mainstay_console_repository_failing", "gauge", "1 while a repository cannot be read.")
	for i, r := range s.readings {
		failing := 0
		if r.Failed != "" || r.View == nil {
			failing = 1
		}
		fmt.Fprintf(w, "mainstay_console_repository_failing{repository=%s} %d\n", name(i, r.Repository), failing)
	}
	about(w, "mainstay_console_data_age_seconds", "gauge", "How old what is shown of a repository is.")
	for i, r := range s.readings {
		if r.View != nil {
			fmt.Fprintf(w, "mainstay_console_data_age_seconds{repository=%s} %.1f\n", name(i, r.Repository), s.at.Sub(r.View.Read).Seconds())
		}
	}
	about(w, "mainstay_console_deployments", "gauge", "Deployments by how much they need a person.")
	for _, level := range terms.Levels() {
		n := 0
		for _, e := range s.entries {
			if e.Level == level {
				n++
			}
		}
		fmt.Fprintf(w, "mainstay_console_deployments{level=%q} %d\n", level, n)
	}
}

// nameFor says how repositories are called in what somebody asks for: by their place in
// the list, to those who may read no page.
func (c *Console) nameFor(r *http.Request) func(i int, name string) string {
	if _, known := personOf(r); c.options.Desk != nil && !known {
		return func(i int, _ string) string { return label(strconv.Itoa(i + 1)) }
	}
	return func(_ int, name string) string { return label(name) }
}

func about(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// label quotes the value of a label.
func label(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// healthz says that the process answers. What cannot be read does not make it ill: the
// pages say so, and /metrics does.
func (c *Console) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}
