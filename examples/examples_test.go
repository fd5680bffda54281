package examples

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mainstay/schema"
	"mainstay/spec"
)

func load(t *testing.T, name string) *spec.Deployment {
	t.Helper()
	d, problems := spec.LoadFrom(path.Join(name, "deployment.yaml"), func(file string) ([]byte, error) { return fs.ReadFile(FS(), file) })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return d
}

func loadAgent(t *testing.T, file string) *spec.AgentFile {
	t.Helper()
	a, problems := spec.LoadAgentFS(FS(), file)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return a
}

func TestEveryFileOfTheExamplesIsFoundAndGood(t *testing.T) {
	found, err := spec.Find(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	documents := 0
	for _, f := range found {
		if f.Kind == schema.Agent {
			loadAgent(t, f.Path)
			continue
		}
		documents++
		load(t, path.Dir(f.Path))
	}
	if documents != len(Names()) {
		t.Errorf("%d documents in %d examples", documents, len(Names()))
	}
}

func TestEveryNodeHasAnAgentFileThatAllowsWhatItShouldHave(t *testing.T) {
	for _, name := range Names() {
		d := load(t, name)
		for _, node := range d.NodeNames() {
			w, err := d.Want(node)
			if err != nil {
				t.Fatal(err)
			}
			a := loadAgent(t, path.Join(name, "agent-"+node+".yaml"))
			if a.Node != node {
				t.Errorf("%s: agent-%s.yaml is for %s", name, node, a.Node)
			}
			for _, r := range a.Allow.Refusals(w) {
				t.Errorf("%s: %s: %v", name, node, r)
			}
		}
	}
}

func TestEveryExampleHasAReadme(t *testing.T) {
	for _, name := range Names() {
		text, err := fs.ReadFile(FS(), path.Join(name, "README.md"))
		if err != nil || !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesPointAtTheServingSide(t *testing.T) {
	d := load(t, "full")
	for _, c := range []struct {
		node, file string
		serving    spec.Side
		has, not   string
	}{
		{"edge", "/etc/nginx/conf.d/upstream.conf", spec.Main, "server 10.20.0.21:443;", "10.20.0.22"},
		{"edge", "/etc/nginx/conf.d/upstream.conf", spec.Standby, "server 10.20.0.22:443;", "10.20.0.21"},
		{"edge", "/etc/kamailio/kamailio.cfg", spec.Main, "$du = \"sip:10.20.0.11:5060\";\n\tt_on_failure", "10.20.0.31"},
		{"edge", "/etc/kamailio/kamailio.cfg", spec.Main, "{\n\t\t$du = \"sip:10.20.0.12:5060\";", "10.20.0.31"},
		{"edge", "/etc/kamailio/kamailio.cfg", spec.Standby, "$du = \"sip:10.20.0.12:5060\";\n\tt_on_failure", "10.20.0.31"},
		{"edge", "/etc/kamailio/kamailio.cfg", spec.Standby, "{\n\t\t$du = \"sip:10.20.0.11:5060\";", "10.20.0.31"},
		{"mds1", "/etc/asterisk/pjsip.d/10-serving.conf", spec.Main, "contact = sip:10.20.0.11:5060", "contact = sip:10.20.0.12"},
		{"mds1", "/etc/asterisk/pjsip.d/10-serving.conf", spec.Standby, "contact = sip:10.20.0.12:5060", "contact = sip:10.20.0.11"},
		{"xivo-main", "/etc/asterisk/pjsip.d/20-mds.conf", "", "server_uri = sip:10.20.0.31", "10.20.0.41"},
	} {
		out, err := d.RenderFile(c.node, c.file, c.serving)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), c.has) || strings.Contains(string(out), c.not) {
			t.Errorf("%s while %s serves:\n%s", c.file, c.serving, out)
		}
	}
}

func TestTheXivoGroupStartsInItsOrder(t *testing.T) {
	w, err := load(t, "xivo").Want("xivo-main")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range w.Services {
		got = append(got, s.Name)
	}
	if diff := cmp.Diff([]string{
		"xivo-dxtora", "xivo-provd", "xivo-agid", "asterisk", "xivo-amid", "xivo-call-logs", "xivo-agentd",
		"xivo-ctid", "xivo-dird", "xivo-dird-phoned", "xivo-ctid-ng", "xivo-websocketd", "monit",
	}, got); diff != "" {
		t.Error(diff)
	}
}
