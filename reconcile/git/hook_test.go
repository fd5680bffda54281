package git_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// guarded is a repository with the update hook of the examples, and its nodes.
func guarded(t *testing.T, as string) *work {
	t.Helper()
	w := newWork(t)
	script, err := os.ReadFile("../../examples/hooks/update")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.bare, "hooks", as), script, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"xivo-main paris/xivo-main xivo main", "xivo-standby paris/xivo-standby xivo standby",
		"cc-main paris/cc-main cc main", "edge paris/edge",
	} {
		gitserver.Git(t, w.bare, "config", "--add", "mainstay.node", row)
	}
	gitserver.Git(t, w.bare, "config", "receive.fsckObjects", "true")
	return w
}

// guardedClaim is a repository whose claim main took, and standby seized and
// gave back, all through the hook.
func guardedClaim(t *testing.T, as string) *work {
	t.Helper()
	w := guarded(t, as)
	w.commit("one")
	w.push()
	for _, c := range []plan.Claim{
		claim(1, plan.Take, spec.Main, "xivo-main"), claim(2, plan.Seize, spec.Standby, "xivo-standby"),
		claim(3, plan.Release, "", "xivo-standby"), claim(4, plan.Take, spec.Main, "xivo-main"),
	} {
		t.Setenv("MAINSTAY_KEY", c.Node)
		change(t, open(t, git.Options{URL: w.bare}), c)
	}
	return w
}

// pushAs pushes with the git program and the key of a node or of a person.
func (w *work) pushAs(key string, args ...string) (string, error) {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"push", "--quiet", "origin"}, args...)...)
	cmd.Dir, cmd.Env = w.dir, append(gitserver.Env(), "MAINSTAY_KEY="+key)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// made makes a commit of one file and returns its hash.
func (w *work) made(name, content string, parents ...string) string {
	w.t.Helper()
	w.write("x/"+name, content)
	blob := w.git("hash-object", "-w", "x/"+name)
	cmd := exec.Command("git", "mktree")
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, gitserver.Env(), strings.NewReader("100644 blob "+blob+"\t"+name+"\n")
	tree, err := cmd.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	args := []string{"commit-tree", "-m", "made", strings.TrimSpace(string(tree))}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	return w.git(args...)
}

func TestTheHookLetsNodesDoWhatTheyNeed(t *testing.T) {
	for _, as := range []string{"update", "pre-receive"} {
		w := guardedClaim(t, as)
		for range 2 { // created, and replaced
			for _, node := range []string{"xivo-main", "edge"} {
				t.Setenv("MAINSTAY_KEY", node)
				r := open(t, git.Options{URL: w.bare})
				ref := git.ReportRef("paris", node)
				rep := report(node, plan.Active)
				rep.Reason = strings.Repeat("a reason\n\"node\": \"edge\"\x1b", 1000)
				rep.Seq = uint64(len(w.ref(ref)))
				if _, err := r.PublishReport(ctx(t), ref, rep, w.ref(ref)); err != nil {
					t.Errorf("%s: report of %s: %v", as, node, err)
				}
				if kept, err := r.TryPush(ctx(t), git.DoctorRef("paris", node), rep.At); kept != nil || err != nil {
					t.Errorf("%s: doctor of %s: %v, %v", as, node, kept, err)
				}
			}
		}
		if out, err := w.pushAs("anna", "HEAD:refs/heads/topic"); err != nil {
			t.Errorf("%s: a person: %s", as, out)
		}
		for _, content := range []string{"one", "another"} { // of no history, in place of the older one
			if out, err := w.pushAs("anna", "+"+w.made("accept.json", content)+":refs/mainstay/paris/accept"); err != nil {
				t.Errorf("%s: a person's note: %s", as, out)
			}
		}
		if out, err := w.pushAs("anna", ":refs/mainstay/paris/accept"); err != nil {
			t.Errorf("%s: a person's note, taken away: %s", as, out)
		}
	}
}

// What is written into a claim does not make it another's, whatever its text is.
func TestTheHookReadsAClaimAsItIsWritten(t *testing.T) {
	w := guarded(t, "update")
	t.Setenv("MAINSTAY_KEY", "xivo-main")
	c := claim(1, plan.Take, spec.Main, "xivo-main")
	c.Reason = "line\n  \"node\": \"edge\",\n\\\"{[é\u2028<&>"
	c.Phases = []plan.Phase{{Name: "declared", At: c.At}, {Name: "accepted", At: c.At}}
	c.Before = &plan.Served{Seq: 7, Phases: c.Phases}
	change(t, open(t, git.Options{URL: w.bare}), c)
}

// A restored backup is behind the claim; putting it back is a person's decision.
func TestTheHookLetsAClaimBePutBackWhenAPersonSaysSo(t *testing.T) {
	attack.Row(t, "git server", "a node's key pushes the changes of another node again after a restored backup", "refused, unless mainstay.restore is set")
	w := guardedClaim(t, "update")
	tip := w.ref(claimRef)
	w.git("fetch", "--quiet", "origin", claimRef)
	gitserver.Git(t, w.bare, "update-ref", claimRef, tip+"~2")
	if out, err := w.pushAs("xivo-main", tip+":"+claimRef); err == nil || !strings.Contains(out, "in the name of") {
		t.Errorf("without mainstay.restore: %v %s", err, out)
	}
	gitserver.Git(t, w.bare, "config", "mainstay.restore", "true")
	if out, err := w.pushAs("xivo-main", tip+":"+claimRef); err != nil {
		t.Errorf("with mainstay.restore: %s", out)
	}
}

// forged is a claim's text with parts of it replaced.
func forged(node, holder string, more ...string) string {
	text := `{
  "seq": 5,
  "holder": "` + holder + `",
  "node": "` + node + `",
  "instance": "evil",
  "action": "seize",
  "commit": "` + strings.Repeat("ab", 20) + `",
  "lease": "0s",
  "stopBound": "0s",
  "debt": "0s",
  "at": "2026-01-01T00:00:00Z"` + strings.Join(more, "") + `
}
`
	return text
}

// tip is where the attacker's clone has the claim.
const tip = "refs/tip"

func reportOf(node string) string { return git.ReportRef("paris", node) }

// stolen is something that a stolen key tries, and what the refusal says.
type stolen struct {
	what, key string
	want      string
	push      func(w *work) []string
}

func claimsByStolenKeys() []stolen {
	return []stolen{
		{"edge's key seizes the claim", "edge", "not a ref of edge", func(w *work) []string {
			return []string{w.made("claim.json", forged("edge", "standby"), tip) + ":" + claimRef}
		}},
		{"edge's key seizes the claim in standby's name", "edge", "not a ref of edge", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby"), tip) + ":" + claimRef}
		}},
		{"standby's key releases the claim in main's name", "xivo-standby", "in the name of", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-main", "none"), tip) + ":" + claimRef}
		}},
		{"main's key gives the claim to standby", "xivo-main", "gives the claim to", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-main", "standby"), tip) + ":" + claimRef}
		}},
		{"a second node key in the claim, in other letters", "xivo-standby", "a key is there twice", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby", ",\n  \"NODE\": \"xivo-main\""), tip) + ":" + claimRef}
		}},
		{"a second node key in the claim, written with an escape", "xivo-standby", "not of the form", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby", ",\n  \"\\u006eode\": \"xivo-main\""), tip) + ":" + claimRef}
		}},
		{"a second node key on the line of another", "xivo-standby", "not of the form", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby", ",\n  \"x\": 1, \"node\": \"xivo-main\""), tip) + ":" + claimRef}
		}},
		{"a second node key indented as if it were inside another value", "xivo-standby", "not of the form", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby", ",\n  \"x\": {\n  },\n    \"node\": \"xivo-main\""), tip) + ":" + claimRef}
		}},
		{"a second claim after the claim", "xivo-standby", "something follows", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-standby", "standby")+forged("xivo-main", "none"), tip) + ":" + claimRef}
		}},
		{"the claim is taken back to an older one", "xivo-main", "never taken back", func(w *work) []string {
			return []string{"+" + tip + "~1:" + claimRef}
		}},
		{"the claim is begun anew", "xivo-main", "never taken back", func(w *work) []string {
			return []string{"+" + w.made("claim.json", forged("xivo-main", "main")) + ":" + claimRef}
		}},
		{"the claim is deleted", "xivo-main", "never deleted", func(*work) []string { return []string{":" + claimRef} }},
		{"the claim of another role is taken", "cc-main", "not a ref of cc-main", func(w *work) []string {
			return []string{w.made("claim.json", forged("cc-main", "main"), tip) + ":" + claimRef}
		}},
		{"a hidden change of another node lies below one's own", "xivo-main", "in the name of", func(w *work) []string {
			below := w.made("claim.json", forged("xivo-standby", "none"), tip)
			return []string{w.made("claim.json", forged("xivo-main", "main"), below) + ":" + claimRef}
		}},
	}
}

func refsByStolenKeys() []stolen {
	return []stolen{
		{"another node's report is replaced", "edge", "not a ref of edge", func(w *work) []string {
			return []string{"+" + w.made("report.json", "{}") + ":" + reportOf("xivo-main")}
		}},
		{"one's own report is deleted", "xivo-main", "never deleted", func(*work) []string { return []string{":" + reportOf("xivo-main")} }},
		{"a node's key pushes main", "xivo-main", "is a node", func(w *work) []string {
			return []string{w.made("deployment.yaml", "active: standby", "main") + ":refs/heads/main"}
		}},
		{"a node's key pushes a review branch", "edge", "is a node", func(*work) []string { return []string{"HEAD:refs/heads/drill"} }},
		{"a node's key pushes a tag", "edge", "is a node", func(*work) []string { return []string{"HEAD:refs/tags/v1"} }},
		{"a node's key deletes a branch", "edge", "is a node", func(*work) []string { return []string{":refs/heads/topic"} }},
		{"a person's key pushes a claim", "anna", "not a ref of anna", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-main", "main"), tip) + ":" + claimRef}
		}},
		{"a key without a name pushes a claim", "", "a key without a name", func(w *work) []string {
			return []string{w.made("claim.json", forged("xivo-main", "main"), tip) + ":" + claimRef}
		}},
		{"a node's key pushes a person's note", "edge", "only a person accepts", func(w *work) []string {
			return []string{w.made("accept.json", "{}") + ":refs/mainstay/paris/accept"}
		}},
		{"a note that is something else", "anna", "not made of accept.json alone", func(w *work) []string {
			return []string{w.made("report.json", "{}") + ":refs/mainstay/paris/accept"}
		}},
		{"a ref of its own kind under refs/mainstay", "edge", "not a ref of edge", func(w *work) []string {
			return []string{w.made("report.json", "{}") + ":refs/mainstay/paris/report/edge/more"}
		}},
	}
}

func objectsByStolenKeys() []stolen {
	return []stolen{
		{"a report of 25 MiB of zeros, 25 KB on the wire", "edge", "at most 262144", func(w *work) []string {
			return []string{w.made("report.json", strings.Repeat("\x00", 25<<20)) + ":" + reportOf("edge")}
		}},
		{"a claim larger than 64 KiB", "xivo-main", "at most 65536", func(w *work) []string {
			return []string{w.made("claim.json", strings.Repeat(" ", 65537), tip) + ":" + claimRef}
		}},
		{"a report with a history below it", "edge", "has no parent", func(w *work) []string {
			return []string{w.made("report.json", "{}", w.made("report.json", "{ }")) + ":" + reportOf("edge")}
		}},
		{"a report beside 1,000 other files", "edge", "the push has", func(w *work) []string {
			for i := range 1000 {
				w.write("many/"+strings.Repeat("x", i%60+1)+string(rune('a'+i%26))+strings.Repeat("y", i/60), strings.Repeat("z", i))
			}
			w.git("add", "-A")
			w.git("commit", "--quiet", "-m", "many")
			return []string{"HEAD:" + reportOf("edge")}
		}},
		{"a report that is a link", "edge", "not made of report.json alone", func(w *work) []string {
			if err := os.Symlink("/etc/shadow", filepath.Join(w.dir, "report.json")); err != nil {
				w.t.Fatal(err)
			}
			w.git("checkout", "--quiet", "--orphan", "o")
			w.git("rm", "--quiet", "-rf", "--cached", ".")
			w.git("add", "report.json")
			w.git("commit", "--quiet", "-m", "link")
			return []string{"HEAD:" + reportOf("edge")}
		}},
		{"a report that is a tag", "edge", "is a tag, not a commit", func(w *work) []string {
			w.git("tag", "-a", "-m", "x", "t", w.made("report.json", "{}"))
			return []string{"refs/tags/t:" + reportOf("edge")}
		}},
	}
}

func TestTheHookRefusesWhatAStolenKeyTries(t *testing.T) {
	rows := slices.Concat(claimsByStolenKeys(), refsByStolenKeys(), objectsByStolenKeys())
	w := guardedClaim(t, "pre-receive")
	w.git("fetch", "--quiet", "origin", claimRef+":"+tip)
	gitserver.Git(t, w.bare, "update-ref", reportOf("xivo-main"), w.ref("refs/heads/main"))
	gitserver.Git(t, w.bare, "update-ref", "refs/heads/topic", w.ref("refs/heads/main"))
	before := gitserver.Git(t, w.bare, "for-each-ref")
	for _, row := range rows {
		t.Run(row.what, func(t *testing.T) {
			attack.Row(t, "git server", row.what, "the hook refuses it")
			out, err := w.pushAs(row.key, row.push(w)...)
			if err == nil || !strings.Contains(out, row.want) {
				t.Errorf("got %v, %s; want %q", err, out, row.want)
			}
			if after := gitserver.Git(t, w.bare, "for-each-ref"); after != before {
				t.Errorf("the refs changed:\n%s%s", before, after)
			}
		})
	}
}

func TestTheHookKnowsPersonsWhenTheyAreNamed(t *testing.T) {
	attack.Row(t, "git server", "a key that is no person's pushes main", "refused once mainstay.person names the persons")
	w := guarded(t, "update")
	w.commit("one")
	gitserver.Git(t, w.bare, "config", "--add", "mainstay.person", "anna")
	if out, err := w.pushAs("ci", "HEAD:refs/heads/main"); err == nil || !strings.Contains(out, "not among mainstay.person") {
		t.Errorf("got %v, %s", err, out)
	}
	if out, err := w.pushAs("anna", "HEAD:refs/heads/main"); err != nil {
		t.Errorf("anna: %s", out)
	}
}

// The refusal reaches the agent as one, with the server's words.
func TestARefusalOfTheHookIsARefusal(t *testing.T) {
	w := guardedClaim(t, "update")
	t.Setenv("MAINSTAY_KEY", "edge")
	_, err := open(t, git.Options{URL: w.bare}).PushClaim(ctx(t), claimRef,
		plan.Push{Parent: w.ref(claimRef), Claim: claim(5, plan.Seize, spec.Standby, "edge")})
	if !errors.Is(err, failure.ErrRefused) || errors.Is(err, failure.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}
