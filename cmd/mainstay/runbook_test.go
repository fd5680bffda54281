package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mainstay/examples"
	"mainstay/reconcile/plan/conditions"
)

// A condition that a person reads at night is one that the runbook explains.
func TestTheRunbookExplainsEveryConditionThatNeedsAPerson(t *testing.T) {
	text, err := fs.ReadFile(examples.FS(), "RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Every condition")
	for _, c := range conditions.All() {
		if !c.Passing && !strings.Contains(table, "\n| "+c.Type+" | ") {
			t.Errorf("the runbook does not explain %s", c.Type)
		}
	}
}

// A runbook is read at night: every command in it is one that a story runs.
func TestEveryCommandOfTheRunbookIsRun(t *testing.T) {
	text, err := fs.ReadFile(examples.FS(), "RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	run := storyCommands(t)
	said := runbookCommands(string(text))
	if len(said) < 20 {
		t.Fatalf("only %d commands were found in the runbook", len(said))
	}
	for _, c := range said {
		if !run[c] {
			t.Errorf("no story runs %q", c)
		}
	}
}

// A story that plays a page of the runbook takes the page's steps, in their order.
func TestStoriesOfAPageTakeItsSteps(t *testing.T) {
	text, err := fs.ReadFile(examples.FS(), "RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	played := map[string]bool{}
	for _, file := range storyFiles(t) {
		story, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cited := pageCited.FindStringSubmatch(strings.ReplaceAll(string(story), "\n# ", " "))
		if cited == nil {
			continue
		}
		_, page, ok := strings.Cut(string(text), "\n## "+cited[1]+"\n")
		if !ok {
			t.Errorf("%s plays %q, which the runbook does not have", file, cited[1])
		}
		page, _, _ = strings.Cut(page, "\n## ")
		played[cited[1]] = true
		steps := runbookCommands(page)
		for _, m := range storyLine.FindAllStringSubmatch(string(story), -1) {
			if len(steps) > 0 && plainCommand(m[1]) == steps[0] {
				steps = steps[1:]
			}
		}
		if len(steps) > 0 && !strings.HasPrefix(steps[0], "mainstay accept ") { // what to do when a step did not help
			t.Errorf("%s does not come to %q of the page %q", file, steps[0], cited[1])
		}
	}
	for _, page := range []string{"The git server is lost and rebuilt", "Main and git were restored from a backup", "A machine was replaced or cloned", "One note for every node", "The deployment gets another name", "Claims go to another place"} {
		if !played[page] {
			t.Errorf("no story plays the page %q", page)
		}
	}
}

var pageCited = regexp.MustCompile(`the page "([^"]+)" of the runbook`)

// The README's way of a newcomer is the story of the same name.
func TestTheNewcomersWayIsRun(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "## Two nodes in ten commands")
	if !ok {
		t.Fatal("the README has no such part")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	run := storyCommands(t)
	commands := runbookCommands(part)
	if len(commands) < 5 || len(commands) > 10 {
		t.Errorf("%d commands", len(commands))
	}
	for _, c := range commands {
		if !run[c] {
			t.Errorf("no story runs %q", c)
		}
	}
}

var commandLine = regexp.MustCompile(`(?m)^ *((?:mainstay|git) .*)$`)

// runbookCommands are those in blocks of shell.
func runbookCommands(text string) []string {
	var out []string
	for i, block := range strings.Split(text, "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "sh\n") {
			continue
		}
		for _, m := range commandLine.FindAllStringSubmatch(block, -1) {
			out = append(out, plainCommand(m[1]))
		}
	}
	return out
}

var (
	storyLine = regexp.MustCompile(`(?m)^(?:!? ?exec|exits \d) (?:sh -c 'exec )?((?:mainstay|git) [^>\n]*)`)
	// where a test finds its agent is its own business, and so is that nobody can
	// be asked there and how long it waits
	aside = regexp.MustCompile(` (--(config|socket|wait|name|from) \S+|--yes)| 2>\S+|^cd \S+$| +# .*$| &\w*&?$`)
)

func plainCommand(c string) string {
	c = strings.ReplaceAll(aside.ReplaceAllString(c, ""), "$HEAD", "COMMIT")
	return strings.TrimSpace(strings.ReplaceAll(c, "  ", " "))
}

// storyCommands are all that the stories run.
func storyCommands(t *testing.T) map[string]bool {
	t.Helper()
	run := map[string]bool{}
	for _, f := range storyFiles(t) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range storyLine.FindAllStringSubmatch(string(text), -1) {
			run[plainCommand(m[1])] = true
		}
	}
	return run
}

func storyFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}
