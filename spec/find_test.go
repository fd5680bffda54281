package spec

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"mainstay/schema"
)

func TestFindTellsMainstaysFilesFromOthers(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	found, err := Find(fstest.MapFS{
		"deployment.yaml":           file(head),
		"sites/lyon.yml":            file("kind: Deployment # forgot the rest\n"),
		"sites/broken.yaml":         file("apiVersion: \"mainstay/v1\"\nnodes: [\n"),
		"sites/json.yaml":           file(`{ "apiVersion": "mainstay/v1" }`),
		"k8s.yaml":                  file("apiVersion: apps/v1\nkind: Deployment\n"),
		"values.yaml":               file("active: main\n"),
		"agent.yaml":                file(""),
		"nodes/agent-cc-main.yaml":  file("x: y\n"),
		"nodes/agents.yaml":         file("x: y\n"),
		".github/agent.yaml":        file(""),
		".github/w/deployment.yaml": file(head),
		"README.md":                 file("apiVersion: mainstay/v1\n"),
		"templates/agent.yaml.tmpl": file(""),
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Found{
		{"agent.yaml", schema.Agent},
		{"deployment.yaml", schema.Deployment},
		{"nodes/agent-cc-main.yaml", schema.Agent},
		{"sites/broken.yaml", schema.Deployment},
		{"sites/json.yaml", schema.Deployment},
		{"sites/lyon.yml", schema.Deployment},
	}, found); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatIsNotThereIsAProblem(t *testing.T) {
	_, problems := loadFS(fstest.MapFS{}, "deployment.yaml")
	if diff := cmp.Diff([]schema.Problem{{
		File: "deployment.yaml", Line: 1, Column: 1, Rule: RuleUnreadable, Message: "cannot be read: file does not exist",
	}}, problems); diff != "" {
		t.Error(diff)
	}
}
