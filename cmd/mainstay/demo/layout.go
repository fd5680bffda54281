package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed deployment.yaml.tmpl
var documentText string

//go:embed agent.yaml.tmpl
var agentText string

//go:embed upstream.conf.tmpl
var upstreamText string

//go:embed serving.conf.tmpl
var servingText string

// layout is where everything of one demo is.
type layout struct {
	Dir  string // work folder, removed at the end
	Self string // this program
	Net  string // the first three bytes of every node's address
	Name string // the deployment's, so that two demos do not mistake each other's services
	Poll string
	// Pace is how often the services and the witness are probed, as the
	// document writes it; empty is the document's own default.
	Pace string
	// Remote is where the agents find the repository; empty is the folder. RemoteOf, if
	// there is one, says it of each node.
	Remote   string
	RemoteOf func(node string) string
	// Wait and Unconfirmed are the handover's.
	Wait        string
	Unconfirmed string
	// Alerts are those of every agent, as YAML on one line; empty for none.
	Alerts string
	// Notify says that a push tells the agents.
	Notify bool
	// Pair leaves out everything but the two xivo nodes.
	Pair bool
}

// nodes of the demo and the last byte of their addresses.
func (p *layout) nodes() []demoNode {
	all := []demoNode{
		{"xivo-main", 11}, {"xivo-standby", 12}, {"cc-main", 21}, {"cc-standby", 22}, {"mds1", 31}, {"edge", 41},
	}
	if p.Pair {
		return all[:2]
	}
	return all
}

type demoNode struct {
	Name string
	Host int
}

// Address is a node's own loopback address.
func (p *layout) Address(host int) string { return fmt.Sprintf("%s.%d", p.Net, host) }

// URL is the repository as the agent of a node names it.
func (p *layout) URL(node string) string {
	if p.RemoteOf != nil {
		return p.RemoteOf(node)
	}
	if p.Remote != "" {
		return p.Remote
	}
	return p.repo()
}

func (p *layout) repo() string              { return filepath.Join(p.Dir, "deployment.git") }
func (p *layout) work() string              { return filepath.Join(p.Dir, "checkout") }
func (p *layout) node(name string) string   { return filepath.Join(p.Dir, name) }
func (p *layout) socket(name string) string { return filepath.Join(p.Dir, name, "agent.sock") }
func (p *layout) config(name string) string { return filepath.Join(p.Dir, name, "agent.yaml") }
func (p *layout) secret() string            { return filepath.Join(p.Dir, "notify.secret") }

// newLayout makes the work folder and picks a network of its own, so that two
// demos do not meet.
func newLayout(o Options) (*layout, error) {
	dir, err := os.MkdirTemp("", "mainstay-demo-")
	if err != nil {
		return nil, fmt.Errorf("make the work folder: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	a, b := 16+rand.IntN(200), 1+rand.IntN(250)
	return &layout{Dir: dir, Self: self, Net: fmt.Sprintf("127.%d.%d", a, b), Name: fmt.Sprintf("demo-%d-%d", a, b), Poll: o.Poll.String(), Notify: o.Notify,
		Wait: "10s", Unconfirmed: "start", Pace: ", every: 500ms, timeout: 400ms"}, nil
}

// render fills a template with the place.
func (p *layout) render(text string, extra any) ([]byte, error) {
	t, err := template.New("").Delims("<<", ">>").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, map[string]any{"P": p, "X": extra}); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return b.Bytes(), nil
}

// writeFiles writes what the agents and the repository start from.
func (p *layout) writeFiles() error {
	for _, n := range p.nodes() {
		if err := os.MkdirAll(filepath.Join(p.node(n.Name), "conf"), 0o755); err != nil {
			return err
		}
		b, err := p.render(agentText, n)
		if err != nil {
			return err
		}
		if err := os.WriteFile(p.config(n.Name), b, 0o644); err != nil {
			return err
		}
	}
	doc, err := p.render(documentText, nil)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.work(), "templates"), 0o755); err != nil {
		return err
	}
	for name, b := range map[string][]byte{
		"deployment.yaml":         doc,
		"templates/upstream.conf": []byte(upstreamText),
		"templates/serving.conf":  []byte(servingText),
	} {
		if err := os.WriteFile(filepath.Join(p.work(), name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
