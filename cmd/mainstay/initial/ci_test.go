package initial

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"mainstay/e2e/attack"
	"mainstay/examples"
)

// workflow is what a workflow file says, as far as it matters here.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		Permissions map[string]string `json:"permissions"`
		Steps       []map[string]any  `json:"steps"`
	} `json:"jobs"`
}

func readCI(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(examples.FS(), "ci/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A drill is on a schedule and never of a pull request, one at a time, within a window, by
// a program whose checksum was compared.
func TestADrillIsScheduledAndOneAtATime(t *testing.T) {
	for name, alone := range map[string]string{"github": "group: mainstay-drill, cancel-in-progress: false", "forgejo": "group: mainstay-drill, cancel-in-progress: false", "gitlab": "resource_group: mainstay-drill"} {
		text := readCI(t, "drill/"+name)
		var any map[string]any
		if err := yaml.Unmarshal([]byte(text), &any); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, word := range []string{"schedule", alone, "sha256sum -c -", "mainstay drill --yes ", "--window 02:00-05:00", "--record drill.json"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s lacks %q", name, word)
			}
		}
		if strings.Contains(text, "pull_request") || strings.Contains(text, "merge_request") {
			t.Errorf("%s runs for a request of anybody", name)
		}
	}
}

// Whoever may open a pull request may write the code that is in it: none of that runs
// where a token is.
func TestNoJobThatHasATokenRunsAnythingOfAPullRequest(t *testing.T) {
	attack.Row(t, "CI", "a pull request brings a plan.sh of its own", "the base branch's one runs, in a job without a token")
	for _, name := range []string{"github", "forgejo"} {
		var w workflow
		if err := yaml.Unmarshal([]byte(readCI(t, name)), &w); err != nil {
			t.Fatal(err)
		}
		tokens := 0
		for job, j := range w.Jobs {
			text, err := yaml.Marshal(j.Steps)
			if err != nil {
				t.Fatal(err)
			}
			has := func(word string) bool { return strings.Contains(string(text), word) }
			if has("github.token") || has("secrets.") {
				tokens++
				if has("uses:") || has("checkout") || has("plan.sh") || has("git ") {
					t.Errorf("%s: the job %s has a token and runs foreign files:\n%s", name, job, text)
				}
				continue
			}
			if !has("persist-credentials: false") || has("sh ci/plan.sh") || has("run: ci/plan.sh") || !has("git show") || j.Permissions["pull-requests"] != "" {
				t.Errorf("%s: the job %s:\n%s", name, job, text)
			}
		}
		if tokens != 1 || len(w.Permissions) > 0 {
			t.Errorf("%s: %d jobs have a token, and all have %v", name, tokens, w.Permissions)
		}
	}
	if lab := readCI(t, "gitlab"); regexp.MustCompile(`(?i)token:|_token|private-`).MatchString(lab) || !strings.Contains(lab, `git show "FETCH_HEAD:ci/plan.sh"`) {
		t.Error("the workflow of GitLab uses a token, or a merge request's own plan.sh")
	}
}

// What a name points at may change; what a digest points at may not.
func TestWhatTheWorkflowsUseIsPinned(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*-?\s*(?:uses|image): (\S+)`)
	pinned := regexp.MustCompile(`@(?:[0-9a-f]{40}|sha256:[0-9a-f]{64})$`)
	for _, name := range []string{"github", "forgejo", "gitlab"} {
		found := uses.FindAllStringSubmatch(readCI(t, name), -1)
		for _, m := range found {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s", name, m[1])
			}
		}
		if len(found) == 0 {
			t.Errorf("%s uses nothing", name)
		}
	}
}

// A change may bring any file, so also links of the names that plan.sh writes to.
func TestThePlanIsWrittenThroughNoLink(t *testing.T) {
	attack.Row(t, "CI", "a pull request brings plan.md and plan.err as links to other files", "they are replaced, not written through")
	b, err := fs.ReadFile(examples.FS(), "ci/plan.sh")
	if err != nil {
		t.Fatal(err)
	}
	folder, bin := t.TempDir(), t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	for _, fails := range []string{"0", "3"} {
		write := func(file, text string, mode os.FileMode) {
			if err := os.WriteFile(file, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
		write(victim, "precious", 0o600)
		write(filepath.Join(bin, "mainstay"), "#!/bin/sh\necho said; exit "+fails+"\n", 0o700)
		write(filepath.Join(bin, "plan.sh"), string(b), 0o600)
		for _, name := range []string{"plan.md", "plan.err"} {
			_ = os.Remove(filepath.Join(folder, name))
			if err := os.Symlink(victim, filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command("sh", filepath.Join(bin, "plan.sh"), "main")
		c.Dir, c.Env = folder, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, _ := c.CombinedOutput()
		if got, err := os.ReadFile(victim); err != nil || string(got) != "precious" {
			t.Errorf("it holds %q (%v)", got, err)
		}
		if got, err := os.ReadFile(filepath.Join(folder, "plan.md")); err != nil || !strings.Contains(string(got), "said") {
			t.Errorf("plan.md is %q (%v): %s", got, err, out)
		}
	}
}
