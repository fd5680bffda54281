package fleet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/e2e/made"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

// renamed is a repository in which the newest commit renames paris to lyon.
type renamed struct {
	t           *testing.T
	dir, commit string
}

func rename(t *testing.T) *renamed {
	t.Helper()
	r := &renamed{t: t, dir: filepath.Join(t.TempDir(), "voice.git")}
	if _, err := made.New(r.dir, time.Now(), made.Site{Name: "paris", State: made.Fine}, made.Site{Name: "rome", State: made.Fine}); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	r.git("", "clone", "--quiet", r.dir, work)
	text, err := os.ReadFile(filepath.Join(work, "paris.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "paris.yaml"), []byte(strings.Replace(string(text), "name: paris", "name: lyon", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	r.git("", "-C", work, "commit", "--quiet", "--all", "-m", "Rename paris")
	r.git("", "-C", work, "push", "--quiet", "origin", "HEAD:main")
	r.commit = r.git("", "-C", work, "rev-parse", "HEAD")
	return r
}

func (r *renamed) git(in string, args ...string) string {
	r.t.Helper()
	c := exec.Command("git", args...)
	c.Dir, c.Stdin = filepath.Dir(r.dir), strings.NewReader(in)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
	out, err := c.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// says publishes, on a ref, what xivo-main says below paris: that it refuses the commit.
func (r *renamed) says(ref string, ago time.Duration, change func(told map[string]any)) {
	r.t.Helper()
	told := map[string]any{}
	if err := json.Unmarshal([]byte(r.git("", "-C", r.dir, "cat-file", "blob", "refs/mainstay/paris/report/xivo-main:report.json")), &told); err != nil {
		r.t.Fatal(err)
	}
	told["seen"] = r.commit
	told["conditions"] = []map[string]any{{"type": plan.CondDeploymentRenamed, "message": "it renames the deployment"}}
	if change != nil {
		change(told)
	}
	text, err := json.Marshal(told)
	if err != nil {
		r.t.Fatal(err)
	}
	at := time.Now().Add(-ago).UTC().Format(time.RFC3339Nano)
	tree := r.git("100644 blob "+r.git(string(text), "-C", r.dir, "hash-object", "-w", "--stdin")+"\treport.json\n", "-C", r.dir, "mktree")
	r.git("", "-C", r.dir, "update-ref", ref, r.git(fmt.Sprintf("xivo-main\n\nAt: %s\nLast-Read: %[1]s\n", at), "-C", r.dir, "commit-tree", tree))
}

// look is lyon as it is told to who asks about all deployments, or about that one.
func (r *renamed) look(deployment string) fleet.Deployment {
	r.t.Helper()
	s, err := fleet.Open(fleet.Location{URL: r.dir, Branch: "main", Deployment: deployment})
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	v, err := s.Read(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	at := slices.IndexFunc(v.Deployments, func(d fleet.Deployment) bool { return d.Name == "lyon" })
	for range 2 { // it is looked at again and again
		if err := s.Formerly(r.t.Context(), v, &v.Deployments[at]); err != nil {
			r.t.Fatal(err)
		}
	}
	return v.Deployments[at]
}

// Nodes publish below the name that they go by, whoever asks about the new one (R13).
func TestWhatNodesSayUnderTheNameThatTheyGoByIsFound(t *testing.T) {
	r := rename(t)
	r.says("refs/mainstay/paris/report/xivo-main", time.Second, nil)
	for _, deployment := range []string{"", "lyon"} {
		d := r.look(deployment)
		one, _ := d.Node("xivo-main")
		other, _ := d.Node("xivo-standby")
		if one.Report == nil || one.Report.Deployment != "paris" || one.Stale || other.Report != nil {
			t.Fatalf("got %+v and %+v", one, other)
		}
		if len(d.Former) != 1 || d.Former[0].Name != "paris" || d.Former[0].Claims["xivo"].Node != "xivo-main" || len(d.Former[0].Claims) != 2 {
			t.Errorf("got %+v", d.Former)
		}
	}
	v, _ := read(t, fleet.Location{URL: r.dir, Branch: "main"}) // who asks about all need not ask for it
	at := slices.IndexFunc(v.Deployments, func(d fleet.Deployment) bool { return d.Name == "lyon" })
	d := v.Deployments[at]
	if n, _ := d.Node("xivo-main"); n.Report == nil || n.OK || !strings.Contains(strings.Join(n.Findings, " "), plan.CondDeploymentRenamed) || strings.Count(strings.Join(n.Findings, " "), "older document") != 1 {
		t.Errorf("got %+v", n)
	}
	if !strings.Contains(strings.Join(d.Findings, " "), "its nodes go by the name paris, which the newest commit changes") || v.OK || len(d.Former) != 1 {
		t.Errorf("got %q of %+v", d.Findings, d.Former)
	}
	if rome := v.Deployments[1-at]; len(rome.Former) > 0 {
		t.Errorf("the other deployment: %+v", rome.Former)
	}
	r.says("refs/mainstay/paris/report/xivo-main", time.Hour, nil)
	if d := r.look(""); !d.Nodes[0].Stale || len(d.Former) != 1 {
		t.Errorf("an hour later: %+v", d.Nodes[0])
	}
	// It accepted the commit since.
	r.says("refs/mainstay/lyon/report/xivo-main", time.Minute, func(told map[string]any) {
		told["deployment"], told["accepted"], told["conditions"] = "lyon", r.commit, nil
	})
	if d := r.look(""); d.Nodes[0].Report.Deployment != "lyon" || len(d.Former) != 0 {
		t.Errorf("got %+v of %+v", d.Nodes[0].Report, d.Former)
	}
}

// A note goes below the name that is found here, so a report is believed to be of the
// deployment only if all of it is.
func TestAReportOfAnotherDeploymentIsNotOfARenamedOne(t *testing.T) {
	const paris = "refs/mainstay/paris/report/xivo-main"
	for what, c := range map[string]struct {
		ref    string
		change func(told map[string]any)
	}{
		"a report that sees another commit":                                {paris, func(told map[string]any) { told["seen"] = told["accepted"] }},
		"a report of another document":                                     {paris, func(told map[string]any) { told["path"] = "rome.yaml" }},
		"a report that refuses it for other things":                        {paris, func(told map[string]any) { told["conditions"] = []map[string]any{{"type": plan.CondRewound}} }},
		"a report of another node":                                         {paris, func(told map[string]any) { told["node"] = "xivo-standby" }},
		"a report that calls itself of a deployment whose refs are others": {paris, func(told map[string]any) { told["deployment"] = "rome" }},
		"a report whose deployment has a name that is a refspec": {"refs/mainstay/x%3arefs%2fheads%2fmain/report/xivo-main", func(told map[string]any) {
			told["deployment"] = "x:refs/heads/main"
		}},
	} {
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "notes that accept", what+", shown to who writes a note about a renaming", "not taken for one of its nodes")
			r := rename(t)
			if r.says(c.ref, time.Second, c.change); c.ref != paris {
				r.says(paris, time.Second, func(told map[string]any) { told["conditions"] = nil })
			}
			if d := r.look(""); d.Nodes[0].Report != nil || len(d.Former) != 0 {
				t.Errorf("got %+v of %+v", d.Nodes[0].Report, d.Former)
			}
		})
	}
}

// What a renamed node said last is heard and missed as what every other one says: by this
// program's own clock, whatever the date in it.
func TestANodeThatGoesByTheOldNameIsHeardAndMissedLikeEveryOther(t *testing.T) {
	const paris = "refs/mainstay/paris/report/xivo-main"
	for _, deployment := range []string{"", "lyon"} {
		r := rename(t)
		r.says(paris, -24*time.Hour, nil)
		s, err := fleet.Open(fleet.Location{URL: r.dir, Branch: "main", Deployment: deployment})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		look := func() fleet.Node {
			t.Helper()
			v, err := s.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(v.Deployments, func(d fleet.Deployment) bool { return d.Name == "lyon" })
			if err := s.Formerly(t.Context(), v, &v.Deployments[at]); err != nil {
				t.Fatal(err)
			}
			return v.Deployments[at].Nodes[0]
		}
		if n := look(); !n.Moved.IsZero() || n.Ahead == 0 {
			t.Errorf("at first: %+v", n)
		}
		r.says(paris, -25*time.Hour, nil)
		if n := look(); n.Moved.IsZero() || n.Ahead != 0 {
			t.Errorf("of %q, after it said more: %+v", deployment, n)
		}
	}
}

// A date in a report is by another machine's clock, which may have been wrong: what a node
// said before it accepted the new name never hides what it says under that.
func TestWhatANodeSaidUnderTheOldNameHidesNothingThatItSaysUnderTheNewOne(t *testing.T) {
	r := rename(t)
	r.says("refs/mainstay/paris/report/xivo-main", -24*time.Hour, nil)
	r.says("refs/mainstay/lyon/report/xivo-main", time.Minute, func(told map[string]any) {
		told["deployment"], told["accepted"], told["conditions"] = "lyon", r.commit, nil
	})
	if d := r.look(""); d.Nodes[0].Report.Deployment != "lyon" || len(d.Former) != 0 {
		t.Errorf("got %+v of %+v", d.Nodes[0].Report, d.Former)
	}
}

// Places of claims are shared by repositories: who speaks for a node of any other deployment
// hides nothing of one that sees the commit under the name which it gives.
func TestANodeThatSeesACommitUnderItsNameGoesByNoOther(t *testing.T) {
	attack.Row(t, "notes that accept", "a node of another repository's deployment says that it is one which refuses a rewritten branch", "not taken for it")
	r := rename(t)
	r.says("refs/mainstay/lyon/report/xivo-main", time.Minute, func(told map[string]any) {
		told["deployment"], told["conditions"] = "lyon", []map[string]any{{"type": plan.CondRewound}}
	})
	r.says("refs/mainstay/berlin/report/xivo-main", -time.Hour, func(told map[string]any) { told["deployment"] = "berlin" })
	for _, deployment := range []string{"", "lyon"} {
		if d := r.look(deployment); d.Nodes[0].Report.Deployment != "lyon" || len(d.Former) != 0 {
			t.Errorf("asked for %q: got %+v of %+v", deployment, d.Nodes[0].Report, d.Former)
		}
	}
}

// Each claim has numbers of its own: one of the new name tells nothing of a side that serves
// under the old one.
func TestAClaimOfTheNewNameDoesNotOvertakeWhoServesUnderTheOldOne(t *testing.T) {
	r := rename(t)
	r.says("refs/mainstay/paris/report/xivo-main", time.Second, func(told map[string]any) { told["status"], told["running"] = "Active", true })
	claim, err := json.Marshal(map[string]any{"seq": 90, "holder": "standby", "node": "xivo-standby", "instance": "2", "action": "take", "at": time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	tree := r.git("100644 blob "+r.git(string(claim), "-C", r.dir, "hash-object", "-w", "--stdin")+"\tclaim.json\n", "-C", r.dir, "mktree")
	r.git("", "-C", r.dir, "update-ref", "refs/mainstay/lyon/claim/xivo", r.git("take", "-C", r.dir, "commit-tree", tree))
	d := r.look("")
	if c := d.Claims["xivo"]; c.Seq != 90 || c.Error != "" {
		t.Fatalf("got %+v", c)
	}
	if text := strings.Join(d.Nodes[0].Findings, "; "); d.Nodes[0].Report.Deployment != "paris" || strings.Contains(text, "was Active under claim") {
		t.Errorf("got %s", text)
	}
}

// Who may write the ref of one node can put there what another one said, and speaks for no
// other: not in the look that reads it, and not once it was read.
func TestAReportSpeaksOnlyForTheNodeWhoseRefItIsOn(t *testing.T) {
	attack.Row(t, "notes that accept", "a node's ref is put where another node's report is", "nothing of it is believed")
	r := rename(t)
	const paris, rome = "refs/mainstay/paris/report/xivo-main", "refs/mainstay/rome/report/"
	r.git("", "-C", r.dir, "update-ref", rome+"edge", rome+"xivo-main")
	r.git("", "-C", r.dir, "update-ref", rome+"mds1", paris)
	r.git("", "-C", r.dir, "update-ref", rome+"stranger", rome+"xivo-main")
	s, err := fleet.Open(fleet.Location{URL: r.dir, Branch: "main", Deployment: "rome"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		v, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d := v.Deployments[0]
		for _, n := range d.Nodes {
			if n.Report != nil && (n.Report.Node != n.Name || n.Report.Deployment != "rome") {
				t.Errorf("%s says what %s of %s said", n.Name, n.Report.Node, n.Report.Deployment)
			}
		}
		if n, there := d.Node("edge"); !there || n.Unreadable == "" {
			t.Errorf("got %+v", n)
		}
		if text := strings.Join(d.Findings, "; "); strings.Contains(text, "stranger") {
			t.Errorf("got %s", text)
		}
	}
}

// Nodes of one deployment may have the names that those of another have.
func TestWhoSpeaksForANodeOfOneDeploymentSpeaksForNoneOfARenamedOne(t *testing.T) {
	attack.Row(t, "notes that accept", "a node of another deployment says that it goes by the old name of a renamed one", "not taken for one of its nodes")
	for _, deployment := range []string{"", "lyon"} {
		r := rename(t)
		r.says("refs/mainstay/rome/report/xivo-main", time.Second, func(told map[string]any) { told["deployment"] = "rome" })
		if d := r.look(deployment); d.Nodes[0].Report != nil || len(d.Former) != 0 {
			t.Errorf("asked for %q: got %+v of %+v", deployment, d.Nodes[0].Report, d.Former)
		}
	}
}
