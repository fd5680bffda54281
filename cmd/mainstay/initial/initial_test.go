package initial

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"mainstay/schema"
	"mainstay/spec"
)

// Whatever is chosen, the repository validates, every node has a file that allows
// what it should have, and no placeholder is left.
func TestEveryTemplateMakesAGoodRepository(t *testing.T) {
	for _, template := range Templates() {
		for _, ci := range Hosts() {
			t.Run(template+"/"+ci, func(t *testing.T) {
				tree := fstest.MapFS{}
				files, err := Files(Options{Template: template, Name: "lyon", Origin: "ssh://git@git.example.org/lyon.git", Folder: "/srv/lyon", Program: "/usr/bin/mainstay", CI: ci})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					tree[f.Path] = &fstest.MapFile{Data: f.Content}
					if text := string(f.Content); strings.Contains(text, "@FOLDER@") || strings.HasSuffix(f.Path, ".yaml") && strings.Contains(text, "paris.git") {
						t.Errorf("%s was not filled in", f.Path)
					}
				}
				validates(t, tree)
			})
		}
	}
}

func validates(t *testing.T, tree fstest.MapFS) {
	t.Helper()
	d, problems := spec.LoadFrom("deployment.yaml", tree.ReadFile)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if d.Name != "lyon" {
		t.Errorf("the deployment is called %s", d.Name)
	}
	found, err := spec.Find(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	agents := 0
	for _, f := range found {
		if f.Kind != schema.Agent {
			continue
		}
		agents++
		a, problems := spec.LoadAgentFS(tree, f.Path)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		w, err := d.Want(a.Node)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Allow.Refusals(w) {
			t.Errorf("%s: %v", filepath.Base(f.Path), r)
		}
	}
	if agents != len(d.Nodes) {
		t.Errorf("%d agents' files for %d nodes", agents, len(d.Nodes))
	}
}
