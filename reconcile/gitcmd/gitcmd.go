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
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/run"
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

// Call is one run of git. What the program itself says to git and what came from
// somewhere else have places of their own, so that git never reads the latter as
// an option.
type Call struct {
	command, names, paths []string
	in                    []byte
}

// Git is a call of a git command with options that are written in the program.
// No part of it may come from a repository.
func Git(command string, options ...string) Call {
	return Call{command: append([]string{command}, options...)}
}

// On adds what git takes after its options: revisions, refs and addresses,
// wherever they come from.
func (c Call) On(names ...string) Call {
	c.names = append(slices.Clone(c.names), names...)
	return c
}

// Paths adds paths of files, as they are: none of their letters has a meaning.
func (c Call) Paths(paths ...string) Call {
	c.paths = append(append([]string{}, c.paths...), paths...)
	return c
}

// Reading adds something on standard input.
func (c Call) Reading(in []byte) Call {
	c.in = in
	return c
}

// args is the call as git takes it.
func (c Call) args() []string {
	args := slices.Clone(c.command)
	if len(c.names) > 0 {
		args = append(append(args, "--end-of-options"), c.names...)
	}
	if c.paths != nil {
		args = append(append(args, "--"), c.paths...)
	}
	return args
}

// Run runs git and returns what it wrote to standard output, as it is.
func (r Repo) Run(ctx context.Context, call Call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	out, said := &run.Head{Most: maxOutput}, &run.Head{Most: maxSaid}
	err := r.run(ctx, call, out, said)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("the git program is needed here: %w", err)
	case out.Over():
		return nil, fmt.Errorf("git %s: it answered with more than %d MB", call.command[0], maxOutput>>20)
	case err == nil:
		return out.Bytes(), nil
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return out.Bytes(), &Error{Args: call.command, Said: said.String(), Err: err}
}

// run is the one place of the program that starts git.
func (r Repo) run(ctx context.Context, call Call, out, said io.Writer) error {
	// A program that watches files is one that a checkout from elsewhere could bring.
	args := append([]string{"-c", "core.fsmonitor=false"}, call.args()...)
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir, c.Env, c.WaitDelay = r.Dir, append(environment(), r.Env...), time.Second
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(call.in), out, said
	return c.Run()
}

// Text is Run for a short answer: without the white space around it.
func (r Repo) Text(ctx context.Context, call Call) (string, error) {
	out, err := r.Run(ctx, call)
	return strings.TrimSpace(string(out)), err
}

const (
	// maxOutput and maxSaid bound what one run may answer, in bytes.
	maxOutput = 64 << 20
	maxSaid   = 64 << 10
)

// environment makes what git says the same everywhere, and keeps a hook's or
// another repository's variables out.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}, name)
	})
	return append(env, "LC_ALL=C", "GIT_LITERAL_PATHSPECS=1")
}

// Checkout reports whether the repository has files lying in a folder.
func (r Repo) Checkout(ctx context.Context) bool {
	text, err := r.Text(ctx, Git("rev-parse", "--is-inside-work-tree"))
	return err == nil && text == "true"
}

// Top returns the checkout that dir is in, or an error outside of one.
func Top(ctx context.Context, dir string) (Repo, error) {
	top, err := Repo{Dir: dir}.Text(ctx, Git("rev-parse", "--show-toplevel"))
	return Repo{Dir: top}, err
}
