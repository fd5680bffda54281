package sim

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const (
	deployment   = "paris"
	documentPath = "deployment.yaml"
	branch       = "refs/heads/main"
)

// nodeNames are the machines of the simulated deployment.
func nodeNames() []string {
	return []string{"xivo-main", "xivo-standby", "cc-main", "cc-standby", "mds1", "edge"}
}

// Settings is what the simulated document says where it varies.
type Settings struct {
	Active, Fenced spec.Side
	Poll, Timeout  time.Duration
	Wait, Lease    time.Duration
	StopTimeout    time.Duration
	Drain          time.Duration
	// Hold is handover.unconfirmed: hold, AbsentStop is handover.absent: stop.
	Hold, AbsentStop bool
	// Witness gives the xivo role a witness.
	Witness bool
	// Paused names one node that is paused.
	Paused string
	// Broken makes the document invalid, in one of several ways.
	Broken int
	// Note changes the text without changing what it means.
	Note int
}

// DefaultSettings declares main, polls every 5 s and waits 10 s.
func DefaultSettings() Settings {
	return Settings{Active: spec.Main, Poll: 5 * time.Second, Timeout: 2 * time.Second, Wait: 10 * time.Second,
		StopTimeout: 5 * time.Second, Witness: true}
}

// Text is the document.
func (s Settings) Text() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# note %d\napiVersion: mainstay/v1\nkind: Deployment\nname: %s\nactive: %s\n", s.Note, deployment, s.Active)
	if s.Fenced != "" {
		p("fenced: %s\n", s.Fenced)
	}
	p("agent: { poll: %s, timeout: %s, heartbeat: 1m }\n", s.Poll, s.Timeout)
	p("handover: { wait: %s, unconfirmed: %s, absent: %s, lease: %s }\n", s.Wait,
		pick(s.Hold, "hold", "start"), pick(s.AbsentStop, "stop", "keep"), s.Lease)
	b.WriteString("nodes:\n")
	for i, name := range nodeNames() {
		p("  %s: { role: %s, %saddress: 10.0.0.%d%s }\n", name, roleOf(name), sideKey(name), i+1,
			pick(s.Paused == name, ", paused: true, reason: work on it", ""))
	}
	p("roles:\n  xivo:\n    exclusive: true\n")
	if s.Witness {
		b.WriteString("    witness: { sip: \"{{ .peer.address }}:5060\" }\n")
	}
	p("    services:\n      - { name: asterisk, systemd: asterisk.service, ready: { sip: \"{{ .node.address }}:5060\" }, stopTimeout: %s", s.StopTimeout)
	if s.Drain > 0 {
		p(", drain: { command: [no-calls], within: %s }", s.Drain)
	}
	p(" }\n      - { name: monit, systemd: monit.service, stopTimeout: %s }\n", s.StopTimeout)
	p("  cc:\n    exclusive: true\n    follows: xivo\n    services:\n      - { name: xuc, systemd: xuc.service, stopTimeout: %s }\n", s.StopTimeout)
	b.WriteString("  mds:\n    follows: xivo\n    files:\n      - { path: /etc/mds.conf, template: mds.conf }\n")
	b.WriteString("  edge:\n    follows: cc\n    detect: { http: \"https://{{ .node.address }}/\", every: 2s, fail: 3 }\n" +
		"    files:\n      - { path: /etc/edge.conf, template: edge.conf }\n")
	return b.String() + s.breakage()
}

// breakage is what makes a document invalid: as YAML, for its schema, in its
// meaning, or by a second document.
func (s Settings) breakage() string {
	switch s.Broken {
	case 0:
		return ""
	case 1:
		return "  : }\n"
	case 2:
		return "aktive: main\n"
	case 3:
		return "  web:\n    follows: nobody\n"
	}
	return "---\nactive: standby\n"
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func roleOf(name string) string {
	role, _, _ := strings.Cut(name, "-")
	return strings.TrimSuffix(role, "1")
}

func sideOf(name string) spec.Side {
	_, side, _ := strings.Cut(name, "-")
	return spec.Side(side)
}

func sideKey(name string) string {
	if s := sideOf(name); s != "" {
		return "side: " + string(s) + ", "
	}
	return ""
}

// readTemplate returns the templates beside the document.
func readTemplate(name string) ([]byte, error) {
	switch name {
	case "mds.conf":
		return []byte("contact={{ .on.xivo.address }} ; {{ .serving }}\n"), nil
	case "edge.conf":
		return []byte("upstream {{ .on.cc.address }} ; {{ .serving }}\n"), nil
	}
	return nil, errNoFile
}

// Library remembers what documents load to and what their templates render to,
// because a simulation meets the same few texts again and again. It may be used
// by several worlds at once.
type Library struct {
	mu       sync.Mutex
	loaded   map[string]loaded
	rendered map[renderKey]string
}

type loaded struct {
	d        *spec.Deployment
	problems []plan.Condition
}

type renderKey struct {
	node, path string
	serving    spec.Side
}

// NewLibrary returns an empty shelf.
func NewLibrary() *Library {
	return &Library{loaded: map[string]loaded{}, rendered: map[renderKey]string{}}
}

// load is how a learner reads a document here.
func (l *Library) load(path string, document []byte, templates spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.loaded[string(document)]; ok {
		if known.d != nil {
			for name := range known.d.Templates {
				_, _ = templates(name) // the learner keeps what is read
			}
		}
		return known.d, known.problems
	}
	d, problems := reconcile.LoadDocument(path, document, templates)
	l.loaded[string(document)] = loaded{d, problems}
	return d, problems
}

// render is what a file of a node must hold.
func (l *Library) render(k renderKey, render renderer) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text, ok := l.rendered[k]; ok {
		return text, nil
	}
	b, err := render(k.path, k.serving)
	if err == nil {
		l.rendered[k] = string(b)
	}
	return string(b), err
}
