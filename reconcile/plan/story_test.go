package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected output of the stories")

// TestStories plays every story of testdata: commands that change what a node
// knows, and what Decide makes of it. A block of commands ends with a line of
// four dashes; what follows, up to an empty line, is the output.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(string(content))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(content), got); diff != "" {
				t.Errorf("run with -update to accept (-want +got):\n%s", diff)
			}
		})
	}
}

// play runs a story and returns it with the output it really gives.
func play(content string) (string, error) {
	var out strings.Builder
	var node *storyNode
	var shown strings.Builder
	inOutput := false
	for n, line := range strings.Split(strings.TrimSuffix(content, "\n"), "\n") {
		switch {
		case inOutput && line != "":
			continue
		case line == "----":
			inOutput = true
			out.WriteString("----\n" + shown.String())
			shown.Reset()
			continue
		}
		inOutput = false
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "node ") {
			node = newStoryNode()
		}
		if node == nil {
			return "", fmt.Errorf("line %d: a story begins with a node", n+1)
		}
		if err := node.tell(line, &shown); err != nil {
			return "", fmt.Errorf("line %d: %q: %w", n+1, line, err)
		}
	}
	return out.String(), nil
}

// show prints a decision the way a person would tell it.
func show(in *Input, d Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", d.Status, d.Rule, d.Reason)
	if d.Until > 0 {
		fmt.Fprintf(&b, "  until %s\n", after(in.Now, d.Until))
	}
	for _, s := range d.Steps {
		fmt.Fprintf(&b, "  %s %s (%s)\n", s.Do, target(in, s), s.Rule)
	}
	if p := d.Push; p != nil {
		fmt.Fprintf(&b, "  push %s\n", p.story())
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{{d.Restore, "restore the claim"}, {d.Ready, "ready"}, {d.Done, "the order is done"}, {d.Converged, "converged"}} {
		if flag.on {
			fmt.Fprintf(&b, "  %s\n", flag.name)
		}
	}
	for _, c := range d.Conditions {
		fmt.Fprintf(&b, "  ! %s: %s\n", c.Type, c.Message)
	}
	return b.String()
}

func after(now, t Time) string {
	if t < now {
		return "now"
	}
	return "+" + (t - now).Round(time.Millisecond).String()
}

func target(in *Input, s Step) string {
	switch s.Do {
	case DoSelfFence:
		return "node"
	case DoRender:
		return in.Files[s.Index].Path
	}
	return in.Doc.Services[s.Index].Name
}

// story tells a push: action, what comes out of it, guarantee, terms.
func (p *Push) story() string {
	c := p.Claim
	words := []string{fmt.Sprintf("%s on %q: seq %d %s", c.Action, p.Parent, c.Seq, c.Holder)}
	if c.Guarantee != "" {
		words = append(words, string(c.Guarantee))
	}
	if c.Start > 0 {
		words = append(words, fmt.Sprintf("start %d", c.Start))
	}
	for _, term := range []struct {
		name string
		d    time.Duration
	}{{"lease", c.Lease.D()}, {"debt", c.Debt.D()}} {
		if term.d > 0 {
			words = append(words, term.name+" "+term.d.Round(time.Millisecond).String())
		}
	}
	return strings.Join(words, ", ") + " (" + string(p.Rule) + ")"
}
