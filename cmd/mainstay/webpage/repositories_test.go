package webpage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/cobra"

	"mainstay/reconcile/fleet"
)

// list makes the options of a command line that names a file of repositories.
func list(t *testing.T, text string, more ...string) *Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "repositories")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return parsed(t, append(more, "--repos", file)...)
}

func parsed(t *testing.T, args ...string) *Options {
	t.Helper()
	o, c := &Options{}, &cobra.Command{}
	o.Flags(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAFileListsTheRepositories(t *testing.T) {
	o := list(t, "# ours\n\nssh://git@git.example.org/paris.git\n  /srv/lyon.git\tproduction  # Lyon\r\n", "--repo", "/srv/try.git")
	got, err := o.Asked()
	want := []Asked{{URL: "/srv/try.git"}, {URL: "ssh://git@git.example.org/paris.git"}, {URL: "/srv/lyon.git", Branch: "production"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	if got, err = parsed(t).Asked(); err != nil || len(got) != 1 || got[0] != (Asked{}) {
		t.Errorf("without flags: %v %v", got, err)
	}
}

// A wrong list is said with its line, and nothing of it is taken.
func TestAWrongListOfRepositoriesIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "names no repository",
		"# nothing\n":                           "names no repository",
		"/srv/a.git main x\n":                   "line 1: there are more words",
		"/srv/a.git\n--upload-pack=x\n":         "line 2: \"--upload-pack=x\" is neither",
		"/srv/a.git -x\n":                       "\"-x\" is neither",
		"/srv/\x1b[2J.git\n":                    `"/srv/\x1b[2J.git" is neither`,
		"/srv/a.git\n\n/srv/a.git\n":            "line 3: /srv/a.git stands on line 1 already",
		strings.Repeat("/srv/a.git\n", 100_000): "more than 1048576 bytes",
	} {
		if got, err := list(t, text).Asked(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v %v, want %q", text, got, err, want)
		}
	}
	if _, err := parsed(t, "--repos", "/nonexistent/list").Asked(); err == nil {
		t.Error("a list that is not there was read")
	}
}

// Many servers are asked side by side, and the order is that of the list.
func TestRepositoriesAreFoundSideBySide(t *testing.T) {
	var all []Asked
	for i := range 3 * atATime {
		all = append(all, Asked{URL: fmt.Sprint(i)})
	}
	var inside, most atomic.Int32
	full := make(chan struct{})
	places, err := Find(t.Context(), all, func(ctx context.Context, one Asked) (fleet.Location, error) {
		defer inside.Add(-1)
		if n := inside.Add(1); n == atATime && most.Swap(n) == 0 {
			close(full)
		} else if n > atATime {
			t.Errorf("%d at a time", n)
		}
		select {
		case <-full:
		case <-ctx.Done():
			t.Error("one after the other")
		}
		return fleet.Location{URL: one.URL}, nil
	})
	if err != nil || len(places) != len(all) {
		t.Fatal(len(places), err)
	}
	for i, p := range places {
		if p.URL != all[i].URL {
			t.Errorf("place %d is %s", i, p.URL)
		}
	}
	wrong := errors.New("no such key")
	if _, err := Find(t.Context(), all, func(context.Context, Asked) (fleet.Location, error) { return fleet.Location{}, wrong }); !errors.Is(err, wrong) {
		t.Error(err)
	}
}

// A repository that is named twice, by a flag and in the file, is shown once.
func TestARepositoryThatIsNamedTwiceIsShownOnce(t *testing.T) {
	all := []Asked{{URL: "a"}, {URL: "b"}, {URL: "a/", Branch: "main"}, {URL: "a", Branch: "next"}}
	places, err := Find(t.Context(), all, func(_ context.Context, one Asked) (fleet.Location, error) {
		return fleet.Location{URL: one.URL, Branch: cmp.Or(one.Branch, "main")}, nil
	})
	if err != nil || len(places) != 3 || places[0].URL != "a" || places[1].URL != "b" || places[2].Branch != "next" {
		t.Errorf("%+v %v", places, err)
	}
}

// Two branches of one repository are two places: what is asked for on one is never done
// on the other, which the page tells apart by their names.
func TestTwoBranchesOfARepositoryHaveNamesOfTheirOwn(t *testing.T) {
	got := named([]fleet.Location{{URL: "https://u:p@h/a", Branch: "main"}, {URL: "https://h/a", Branch: "next"}, {URL: "https://v@h/a", Branch: "next"}, {URL: "b", Branch: "main"}})
	if want := []string{"https://h/a", "https://h/a next", "https://h/a next (2)", "b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
