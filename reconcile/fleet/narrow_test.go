package fleet_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/made"
	"mainstay/reconcile/fleet"
)

// read reads a place once.
func read(t *testing.T, where fleet.Location) (*fleet.View, []string) {
	t.Helper()
	s, err := fleet.Open(where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, err := s.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v, names
}

// told is a deployment as programs are told of it, at no moment in particular.
func told(t *testing.T, d fleet.Deployment) string {
	t.Helper()
	d.Nodes = slices.Clone(d.Nodes)
	for i := range d.Nodes {
		d.Nodes[i].Age = 0
	}
	data, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Who asks about one deployment is told of it what who asks about all is told, and every
// other document that bears its name, however the name is written.
func TestOneDeploymentIsReadAsAllAre(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "voice.git")
	if _, err := made.New(dir, time.Now(), made.Site{Name: "paris", State: made.Over}, made.Site{Name: "paris-2", State: made.Fine}, made.Site{Name: "nobody", State: made.Nobody}); err != nil {
		t.Fatal(err)
	}
	all, names := read(t, fleet.Location{URL: dir, Branch: "main"})
	if want := []string{"nobody", "paris-2", "paris"}; !slices.Equal(names, want) || !slices.Equal(all.Names(), want) {
		t.Fatalf("there is %v, %v", names, all.Names())
	}
	for _, d := range all.Deployments {
		v, names := read(t, fleet.Location{URL: dir, Branch: "main", Deployment: d.Name})
		if len(v.Deployments) != 1 || len(names) != 3 {
			t.Fatalf("%s: %v of %v", d.Name, v.Names(), names)
		}
		if diff := cmp.Diff(told(t, d), told(t, v.Deployments[0])); diff != "" {
			t.Errorf("%s is another one alone (-all +alone):\n%s", d.Name, diff)
		}
	}
	if v, _ := read(t, fleet.Location{URL: dir, Branch: "main", Deployment: "rome"}); len(v.Deployments) != 0 {
		t.Errorf("nobody has that name: %v", v.Names())
	}
	work := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		c := exec.Command("git", args...)
		c.Dir = work
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("clone", "--quiet", dir, ".")
	for file, text := range map[string]string{
		"escaped.yaml": "apiVersion: mainstay/v1\nkind: Deployment\n\"name\": \"par\\x69s\"\nactive: main\n",
		"flow.yaml":    "{apiVersion: mainstay/v1, kind: Deployment, name: paris, active: main}\n",
		"broken.yaml":  "apiVersion: mainstay/v1\nkind: Deployment\nname: paris\nactive: [\n",
		"other.yaml":   "apiVersion: mainstay/v1\nkind: Deployment\nname: rome # paris\nactive: main\n",
	} {
		if err := os.WriteFile(filepath.Join(work, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("add", "--all")
	git("commit", "--quiet", "-m", "more")
	git("push", "--quiet", "origin", "HEAD:main")
	count := func(v *fleet.View) (n int) {
		for _, d := range v.Deployments {
			if d.Path != "other.yaml" && d.Path != "paris-2.yaml" && d.Path != "nobody.yaml" {
				n++
			}
		}
		return n
	}
	all, _ = read(t, fleet.Location{URL: dir, Branch: "main"})
	v, _ := read(t, fleet.Location{URL: dir, Branch: "main", Deployment: "paris"})
	if count(v) != count(all) || count(v) < 3 {
		t.Errorf("alone it has %d documents, among all %d", count(v), count(all))
	}
	for _, d := range v.Deployments {
		if d.Path == "other.yaml" || d.Path == "paris-2.yaml" {
			t.Errorf("it has %s", d.Path)
		}
	}
}
