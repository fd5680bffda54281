package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mainstay/cmd/mainstay/board"
	"mainstay/cmd/mainstay/gitcmd"
	"mainstay/cmd/mainstay/view"
	"mainstay/reconcile/git"
)

// laptop is how a person's machine finds a deployment.
type laptop struct {
	place      view.Place
	config     string
	deployment string
}

// flags adds what finds a deployment to a command. branch is what the flag for the
// branch that the nodes read is called.
func (l *laptop) flags(c *cobra.Command, branch string) {
	f := c.Flags()
	f.StringVar(&l.place.URL, "repo", "", "the repository, as git takes it (default: origin of this checkout)")
	f.StringVar(&l.place.Branch, branch, "", "the branch that the nodes read (default: main)")
	f.StringVar(&l.place.Path, "path", "", "the document (default: every one of the branch)")
	f.StringVar(&l.deployment, "deployment", "", "the name of one deployment of many")
	f.StringVar(&l.place.Coordination, "coordination", "", "where claims and reports live, if elsewhere; off if nowhere")
	f.StringVar(&l.place.SSHKey, "ssh-key", "", "a private key file (default: as git does)")
	f.StringVar(&l.place.KnownHosts, "known-hosts", "", "pinned host keys, with --ssh-key")
	f.StringVar(&l.place.TokenFile, "token-file", "", "a file with token or user:token (default: as git does)")
	f.StringVar(&l.place.CAFile, "ca-file", "", "a certificate authority, with --token-file")
	f.StringVar(&l.config, "config", "", "take all of this from an agent's own file")
}

// find completes the place: flags first, then the agent's own file, then the
// checkout around the current folder.
func (l *laptop) find(ctx context.Context) error {
	if l.config != "" {
		if err := l.fromConfig(); err != nil {
			return err
		}
	}
	if l.place.URL == "" {
		url, err := originURL(ctx)
		if err != nil {
			return err
		}
		l.place.URL = url
		l.place.Config = accessConfig(ctx)
	}
	if l.place.Branch == "" {
		l.place.Branch = "main"
	}
	return l.absolute()
}

// absolute names folders from the root, because git runs in other ones.
func (l *laptop) absolute() error {
	for _, p := range []*string{&l.place.URL, &l.place.Coordination} {
		if _, err := os.Stat(*p); *p == "" || err != nil {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("find the repository: %w", err)
		}
		*p = abs
	}
	return nil
}

func (l *laptop) fromConfig() error {
	f, err := loadAgentFile(l.config)
	if err != nil {
		return err
	}
	p := view.OfAgent(f)
	for _, c := range []struct{ flag, file *string }{
		{&l.place.URL, &p.URL}, {&l.place.Branch, &p.Branch}, {&l.place.Path, &p.Path},
		{&l.place.Coordination, &p.Coordination}, {&l.place.SSHKey, &p.SSHKey}, {&l.place.TokenFile, &p.TokenFile},
		{&l.place.KnownHosts, &p.KnownHosts}, {&l.place.CAFile, &p.CAFile},
	} {
		if *c.flag == "" {
			*c.flag = *c.file
		}
	}
	return nil
}

// originURL is where the checkout around the current folder was cloned from.
func originURL(ctx context.Context) (string, error) {
	const hint = "run this in a checkout of the deployment's repository, or name it with --repo"
	top, err := gitcmd.Top(ctx, ".")
	if err != nil {
		return "", failf(exitUsage, "which deployment? This folder is no git checkout").hintf(hint)
	}
	url, err := top.Text(ctx, "remote", "get-url", "origin")
	if err != nil {
		return "", failf(exitUsage, "which deployment? This checkout has no remote called origin").hintf(hint)
	}
	return url, nil
}

// accessConfig are the settings of this checkout alone that let git in, such as
// the header that a CI system puts there.
func accessConfig(ctx context.Context) [][2]string {
	top, err := gitcmd.Top(ctx, ".")
	if err != nil {
		return nil
	}
	out, err := top.Run(ctx, "config", "--local", "-z", "--get-regexp", `^(http\.|credential\.|url\.|core\.sshcommand$)`)
	if err != nil {
		return nil
	}
	var config [][2]string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if name, value, ok := strings.Cut(entry, "\n"); ok {
			config = append(config, [2]string{name, value})
		}
	}
	return config
}

// read finds and reads the repository, and narrows it to --deployment.
func (l *laptop) read(ctx context.Context, s *view.Source) (*view.View, error) {
	v, err := s.Read(ctx)
	if err != nil {
		return nil, readFault(err)
	}
	if l.deployment == "" {
		return v, nil
	}
	var names []string
	for _, d := range v.Deployments {
		if d.Name == l.deployment {
			one := *v
			one.Deployments, one.OK = []view.Deployment{d}, d.OK
			return &one, nil
		}
		names = append(names, d.Name)
	}
	return nil, failf(exitUsage, "no deployment %q in %s", l.deployment, l.place.URL).hintf("it has %s", strings.Join(names, ", "))
}

// readFault adds what to do to an error of reading.
func readFault(err error) error {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return err
	}
	var g *gitcmd.Error
	if errors.As(err, &g) {
		return failf(exitFailed, "%w", err).hintf("does `git ls-remote` work with this address?")
	}
	if errors.Is(err, git.ErrNotFound) {
		return failf(exitFailed, "%w", err).hintf("name the document with --path")
	}
	return err
}

// open finds the place and opens it.
func (l *laptop) open(ctx context.Context) (*view.Source, error) {
	if err := l.find(ctx); err != nil {
		return nil, err
	}
	s, err := view.Open(l.place)
	if err != nil {
		return nil, readFault(err)
	}
	return s, nil
}

// one reads the repository and returns its only deployment, or the one that was
// named.
func (l *laptop) one(ctx context.Context, s *view.Source) (*view.View, *view.Deployment, error) {
	v, err := l.read(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	if len(v.Deployments) != 1 {
		var names []string
		for _, d := range v.Deployments {
			names = append(names, d.Name)
		}
		return nil, nil, failf(exitUsage, "which deployment? The repository has %d", len(names)).
			hintf("name one with --deployment: %s", strings.Join(names, ", "))
	}
	return v, &v.Deployments[0], nil
}

// screen is where tables are drawn: as wide as the terminal, or else as COLUMNS
// says or 100 characters, and coloured on a terminal only.
func (a *app) screen() board.Screen {
	s := board.Screen{Out: a.out, Width: 100}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		s.Width = n
	}
	if f, ok := a.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			s.Width = w
		}
	}
	return s
}

// height is the terminal's, in lines, or 0.
func (a *app) height() int {
	f, ok := a.out.(*os.File)
	if !ok {
		return 0
	}
	_, h, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return h
}

// answer reads one line of what a person types, until ctx ends.
func (a *app) answer(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		// One byte at a time, so that nothing of the next answer is taken along.
		var line []byte
		var b [1]byte
		for {
			n, err := a.in.Read(b[:])
			if n > 0 && b[0] == '\n' || err != nil {
				got <- answer{strings.TrimSpace(string(line)), err}
				return
			}
			line = append(line, b[:n]...)
		}
	}()
	select {
	case g := <-got:
		return g.line, g.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// say prints a line of progress, which is no result.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
