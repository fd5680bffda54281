package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"mainstay/examples"
)

// job is all of a workflow: its steps in order, whoever the host is.
type job struct {
	steps []step
}

// step is what a runner carries out: a shell text, or the checkout of the commit
// that is to be checked.
type step struct {
	run string
	env map[string]string
	// checkout says that the runner itself brings the repository.
	checkout bool
	// always says that the step runs after a failed one too.
	always bool
	// posts says that the step belongs to the job that has the token: it has no checkout,
	// and runs when there is something to post.
	posts bool
}

// githubJob reads a workflow of GitHub or Forgejo. Every key must be one that
// these hosts know.
type githubJob struct {
	Name string `yaml:"name"`
	On   struct {
		PullRequest map[string]any `yaml:"pull_request"`
	} `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		RunsOn      string            `yaml:"runs-on"`
		Timeout     int               `yaml:"timeout-minutes"`
		Permissions map[string]string `yaml:"permissions"`
		Outputs     map[string]string `yaml:"outputs"`
		Needs       string            `yaml:"needs"`
		If          string            `yaml:"if"`
		Steps       []githubStep      `yaml:"steps"`
	} `yaml:"jobs"`
}

type githubStep struct {
	ID   string            `yaml:"id"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
	If   string            `yaml:"if"`
	Env  map[string]string `yaml:"env"`
}

// gitlabJob reads a workflow of GitLab, likewise.
type gitlabJob struct {
	Plan struct {
		Image        string              `yaml:"image"`
		Timeout      string              `yaml:"timeout"`
		Rules        []map[string]string `yaml:"rules"`
		Variables    map[string]string   `yaml:"variables"`
		BeforeScript []string            `yaml:"before_script"`
		Script       []string            `yaml:"script"`
		Artifacts    struct {
			ExposeAs string   `yaml:"expose_as"`
			Paths    []string `yaml:"paths"`
			When     string   `yaml:"when"`
		} `yaml:"artifacts"`
	} `yaml:"plan"`
}

// readWorkflow reads the workflow for a host, as strictly as the host would.
func readWorkflow(host string) (job, error) {
	text, err := fs.ReadFile(examples.FS(), "ci/"+host+".yaml")
	if err != nil {
		return job{}, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if host == "gitlab" {
		var w gitlabJob
		if err := decoder.Decode(&w); err != nil {
			return job{}, err
		}
		return w.job()
	}
	var w githubJob
	if err := decoder.Decode(&w); err != nil {
		return job{}, err
	}
	return w.job()
}

func (w gitlabJob) job() (job, error) {
	p := w.Plan
	if p.Image == "" || p.Timeout == "" || len(p.Rules) != 1 || p.Rules[0]["if"] == "" || p.Variables["GIT_DEPTH"] != "0" || len(p.Script) == 0 {
		return job{}, fmt.Errorf("incomplete: %+v", p)
	}
	if !slices.Contains(p.Artifacts.Paths, "plan.md") || p.Artifacts.When != "always" || p.Artifacts.ExposeAs == "" {
		return job{}, fmt.Errorf("the plan is not shown: %+v", p.Artifacts)
	}
	main := strings.Join(slices.Concat(p.BeforeScript, p.Script), "\n") // one shell
	return job{steps: []step{{checkout: true}, {run: main}}}, nil
}

func (w githubJob) job() (job, error) {
	first, second := w.Jobs["plan"], w.Jobs["comment"]
	if len(w.Jobs) != 2 || w.On.PullRequest == nil || first.RunsOn == "" || first.Timeout == 0 || second.RunsOn == "" || second.Timeout == 0 {
		return job{}, fmt.Errorf("incomplete: %+v", w)
	}
	if first.Outputs["text"] != "${{ steps.plan.outputs.text }}" || second.Needs != "plan" || !strings.Contains(second.If, "needs.plan.outputs.text != ''") {
		return job{}, fmt.Errorf("the text does not get from one job to the other: %+v", w)
	}
	var j job
	var posts []step
	for _, s := range second.Steps {
		if s.Run == "" || s.Uses != "" || s.If != "" {
			return job{}, fmt.Errorf("the job with the token does more than to post: %+v", s)
		}
		posts = append(posts, step{run: s.Run, env: s.Env, always: true, posts: true})
	}
	for _, s := range first.Steps {
		one := step{run: s.Run, env: s.Env, always: strings.Contains(s.If, "!cancelled()")}
		switch {
		case s.Run != "" && s.Uses == "" && (s.If == "" || one.always):
		case pinned.MatchString(s.Uses) && s.Run == "" && s.With["fetch-depth"] == "0" && strings.Contains(s.With["ref"], "head.sha"):
			one.checkout = true
		default:
			return job{}, fmt.Errorf("a step that is neither a checkout of the change nor a shell: %+v", s)
		}
		j.steps = append(j.steps, one)
	}
	j.steps = append(j.steps, posts...)
	return j, nil
}

// pinned is an action that nobody can move under a workflow.
var pinned = regexp.MustCompile(`^actions/checkout@[0-9a-f]{40}$`)

var expression = regexp.MustCompile(`\$\{\{ *([a-zA-Z0-9_.]+) *\}\}`)

// filled puts in what the host knows. A name that it does not know is an error,
// and not empty as it would be there.
func filled(text string, known map[string]string) (string, error) {
	var unknown []string
	out := expression.ReplaceAllStringFunc(text, func(e string) string {
		name := expression.FindStringSubmatch(e)[1]
		value, ok := known[name]
		if !ok {
			unknown = append(unknown, name)
		}
		return value
	})
	if len(unknown) > 0 || strings.Contains(out, "${{") {
		return "", fmt.Errorf("%q: the host knows nothing of %v", text, unknown)
	}
	return out, nil
}

// Whoever hosts the repository: the workflow is one that its host accepts, and
// every line of shell in it is one that the story ci runs.
func TestEveryWorkflowIsWhole(t *testing.T) {
	found, err := fs.Glob(examples.FS(), "ci/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		host := strings.TrimSuffix(filepath.Base(file), ".yaml")
		j, err := readWorkflow(host)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if len(j.steps) < 2 || !j.steps[0].checkout || host != "gitlab" && !j.steps[len(j.steps)-1].posts {
			t.Errorf("%s: a checkout first, and a comment last that is written whatever happened: %+v", host, j.steps)
		}
	}
	if len(found) != 3 {
		t.Errorf("workflows: %v", found)
	}
}
