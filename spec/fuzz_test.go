package spec

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/schema"
)

// seed gives the fuzzer the fixtures to begin from.
func seed(f *testing.F, prefix string) {
	names, err := fs.Glob(os.DirFS("testdata/bad"), "*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "agent-") != (prefix == "agent-") {
			continue
		}
		data, err := os.ReadFile("testdata/bad/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func checkProblems(t *testing.T, loaded bool, problems []schema.Problem) {
	t.Helper()
	if loaded == (len(problems) > 0) {
		t.Fatalf("loaded %v with %d problems", loaded, len(problems))
	}
	for _, p := range problems {
		if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Rule == "" || p.Rule == schema.RuleInternal {
			t.Fatalf("%#v", p)
		}
	}
}

func FuzzDocument(f *testing.F) {
	seed(f, "")
	f.Add([]byte(design))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d *Deployment
		var problems []schema.Problem
		took, memory := cost(func() {
			d, problems = Load("f", data, func(string) ([]byte, error) { return []byte("{{ .node.name }}"), nil })
		})
		if took > mostTime || memory > mostMemory {
			t.Fatalf("%d bytes take %s and %d bytes", len(data), took, memory)
		}
		checkProblems(t, d != nil, problems)
		if d == nil {
			return
		}
		for _, node := range d.NodeNames() {
			w, err := d.Want(node)
			if err != nil {
				t.Fatal(err)
			}
			_ = Allow{}.Refusals(w)
		}
		if d.Digest() == "" {
			t.Fatal("no digest")
		}
	})
}

func FuzzAgentFile(f *testing.F) {
	seed(f, "agent-")
	f.Fuzz(func(t *testing.T, data []byte) {
		attack.Cheap(t, func() {
			a, problems := LoadAgentFile("f", data)
			checkProblems(t, a != nil, problems)
		})
	})
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"{{ .on.xivo.address }}", "{{ range .nodes }}{{ .name }}{{ end }}", "{{ range 999999999 }}{{ end }}",
		"{{ define \"a\" }}{{ template \"a\" (printf \"%s%s\" . .) }}{{ end }}{{ template \"a\" \"x\" }}",
		"{{ printf \"%99999d\" 1 }}", "{{ index .nodes \"edge\" }}", "{{ block \"a\" . }}{{ end }}", "{{ break }}",
	} {
		f.Add(text)
	}
	d, problems := Load("f", []byte(design), func(string) ([]byte, error) { return nil, nil })
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, text string) {
		attack.Cheap(t, func() {
			set := d.dataset()
			out, err := set.expand(text, set.ofFile("edge", Main))
			if err == nil && len(out) > maxOutput {
				t.Fatalf("%d bytes", len(out))
			}
		})
	})
}
