// Package gitcmd runs the git program for people at a laptop: with their own
// configuration, keys and identity, as they would by hand. Every run is bounded.
//
// It must not know what is in a repository. Agents do not use it: they read git
// by themselves, with what their own file names and nothing else.
package gitcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Bound is how long one run of git may take.
const Bound = 60 * time.Second

// Repo is a folder to run git in.
type Repo struct {
	Dir string
	// Env are further variables, such as credentials.
	Env []string
}

// Error is a run of git that did not end well.
type Error struct {
	Args []string
	// Said is what git wrote to standard error.
	Said string
	Err  error
}

// Error returns what was run and what git said.
func (e *Error) Error() string {
	said := brief(e.Said)
	if said == "" {
		said = e.Err.Error()
	}
	return "git " + e.Args[0] + ": " + said
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Run runs git and returns what it wrote to standard output, as it is.
func (r Repo) Run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	return r.start(ctx, nil, args)
}

// Feed is Run with something on standard input.
func (r Repo) Feed(ctx context.Context, in []byte, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	out, err := r.start(ctx, in, args)
	return strings.TrimSpace(string(out)), err
}

func (r Repo) start(ctx context.Context, in []byte, args []string) ([]byte, error) {
	c := exec.CommandContext(ctx, "git", args...)
	c.Stdin = bytes.NewReader(in)
	c.Dir, c.Env, c.WaitDelay = r.Dir, append(environment(), r.Env...), time.Second
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("the git program is needed here: %w", err)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.Bytes(), &Error{Args: command(args), Said: strings.TrimSpace(said.String()), Err: err}
}

// Text is Run for a short answer: without the white space around it.
func (r Repo) Text(ctx context.Context, args ...string) (string, error) {
	out, err := r.Run(ctx, args...)
	return strings.TrimSpace(string(out)), err
}

// command leaves out the options in front of the command.
func command(args []string) []string {
	for i := 0; i+1 < len(args) && args[i] == "-c"; i += 2 {
		args = args[2:]
		i = -2
	}
	return args
}

// environment makes what git says the same everywhere, and keeps a hook's or
// another repository's variables out.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}, name)
	})
	return append(env, "LC_ALL=C")
}

// Checkout reports whether the repository has files lying in a folder.
func (r Repo) Checkout(ctx context.Context) bool {
	text, err := r.Text(ctx, "rev-parse", "--is-inside-work-tree")
	return err == nil && text == "true"
}

// Top returns the checkout that dir is in, or an error outside of one.
func Top(ctx context.Context, dir string) (Repo, error) {
	top, err := Repo{Dir: dir}.Text(ctx, "rev-parse", "--show-toplevel")
	return Repo{Dir: top}, err
}
