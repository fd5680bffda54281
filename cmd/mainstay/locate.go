package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plain"
	shell "mainstay/reconcile/run"
	"mainstay/schema"
)

// locator is how a person's machine finds a deployment.
type locator struct {
	location   fleet.Location
	config     string
	deployment string
	// folder is where in the checkout the person stands.
	folder string
}

// flags adds what finds a deployment to a command. also is another name of --base, or
// empty.
func (l *locator) flags(c *cobra.Command, also string) {
	f := c.Flags()
	f.StringVar(&l.location.URL, "repo", "", "the repository, as git takes it (default: origin of this checkout)")
	f.StringVar(&l.location.Branch, "base", "", "the branch that the nodes read (default: that of the remote, or main)")
	if also != "" {
		f.StringVar(&l.location.Branch, also, "", "the same as --base")
		_ = f.MarkHidden(also)
	}
	f.StringVar(&l.location.Path, "path", "", "the document (default: every one of the branch)")
	f.StringVar(&l.deployment, "deployment", "", "the name of one deployment of many")
	l.access(c)
}

// access adds what lets a command in.
func (l *locator) access(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.location.Coordination, "coordination", "", "where claims and reports live, if elsewhere; off if nowhere")
	f.StringVar(&l.location.SSHKey, "ssh-key", "", "a private key file (default: as git does)")
	f.StringVar(&l.location.KnownHosts, "known-hosts", "", "pinned host keys, with --ssh-key (default: ~/.ssh/known_hosts)")
	f.StringVar(&l.location.TokenFile, "token-file", "", "a file with token or user:token (default: as git does)")
	f.StringVar(&l.location.CAFile, "ca-file", "", "the certificate authority of a server with one of its own")
	f.StringVar(&l.config, "config", "", "an agent's own file, which says where the repository is and how to be let in")
}

// find completes the place: flags first, then the agent's own file, then the
// checkout around the current folder.
func (l *locator) find(ctx context.Context) error {
	if l.config != "" {
		if err := l.fromConfig(); err != nil {
			return err
		}
	}
	if l.location.URL == "" {
		url, err := originURL(ctx)
		if err != nil {
			return err
		}
		l.location.URL = url
		if top, err := gitcmd.Top(ctx, "."); err == nil {
			l.location.Config = top.Access(ctx)
		}
		l.checkout(ctx)
	}
	if l.location.Branch == "" {
		l.location.Branch = cmp.Or(l.headOf(ctx), "main")
	}
	if home, err := os.UserHomeDir(); err == nil && l.location.SSHKey != "" && l.location.KnownHosts == "" {
		l.location.KnownHosts = filepath.Join(home, ".ssh", "known_hosts")
	}
	return l.absolute()
}

// checkout takes from the checkout around the current folder which branch the nodes
// read, the remote's own, and where the person stands.
func (l *locator) checkout(ctx context.Context) {
	top, err := gitcmd.Top(ctx, ".")
	if err != nil {
		return
	}
	if here, err := os.Getwd(); err == nil {
		if real, err := filepath.EvalSymlinks(top.Dir); err == nil {
			here, _ = filepath.EvalSymlinks(here)
			l.folder, _ = filepath.Rel(real, here)
		}
	}
	if l.location.Branch != "" {
		return
	}
	if name, err := top.Text(ctx, gitcmd.Git("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")); err == nil {
		l.location.Branch = strings.TrimPrefix(name, "origin/")
		return
	}
	if _, err := top.Text(ctx, gitcmd.Git("rev-parse", "--quiet", "--verify", "refs/remotes/origin/main")); err == nil {
		return
	}
	if name, err := top.Text(ctx, gitcmd.Git("rev-parse", "--abbrev-ref", "@{upstream}")); err == nil {
		if branch, ok := strings.CutPrefix(name, "origin/"); ok {
			l.location.Branch = branch
		}
	}
}

// headOf asks a repository of which there is no checkout here for its own branch. It
// is empty when that is not known.
func (l *locator) headOf(ctx context.Context) string {
	if l.folder != "" {
		return "" // a checkout was asked already
	}
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	repo := gitcmd.Repo{Dir: ".", Env: l.location.Env()}
	text, err := repo.Text(ctx, gitcmd.Git("ls-remote", "--symref").On(l.location.URL, "HEAD"))
	if err != nil {
		return "" // the reading that follows says why
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "ref: refs/heads/"), "\t")
	if !strings.HasPrefix(text, "ref: refs/heads/") {
		return ""
	}
	return name
}

// headTimeout bounds the question for a repository's own branch.
const headTimeout = 10 * time.Second

// here is the deployment in whose folder the person stands, empty at the top of a
// checkout and where there is none.
func (l *locator) here(v *fleet.View) string {
	found, longest := "", 0
	for _, d := range v.Deployments {
		dir := path.Dir(d.Path)
		inside := l.folder == dir || strings.HasPrefix(l.folder, dir+"/")
		switch {
		case dir == "." || !inside || len(dir) < longest:
		case len(dir) == longest:
			found = "" // two documents in one folder
		default:
			found, longest = d.Name, len(dir)
		}
	}
	return found
}

// absolute names files and folders from the root, because git runs in other ones.
func (l *locator) absolute() error {
	p := &l.location
	for _, p := range []*string{&p.URL, &p.Coordination, &p.SSHKey, &p.KnownHosts, &p.TokenFile, &p.CAFile} {
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

func (l *locator) fromConfig() error {
	f, err := loadAgentFile(l.config)
	if err != nil {
		return err
	}
	p := fleet.OfAgent(f)
	l.location.Cluster = p.Cluster
	for _, c := range []struct{ flag, file *string }{
		{&l.location.URL, &p.URL}, {&l.location.Branch, &p.Branch}, {&l.location.Path, &p.Path},
		{&l.location.Coordination, &p.Coordination}, {&l.location.SSHKey, &p.SSHKey}, {&l.location.TokenFile, &p.TokenFile},
		{&l.location.KnownHosts, &p.KnownHosts}, {&l.location.CAFile, &p.CAFile},
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
	url, err := top.Text(ctx, gitcmd.Git("remote", "get-url", "origin"))
	if err != nil {
		return "", failf(exitUsage, "which deployment? This checkout has no remote called origin").hintf(hint)
	}
	return url, nil
}

// read finds and reads the repository, and narrows it to --deployment.
func (l *locator) read(ctx context.Context, s *fleet.Source) (*fleet.View, error) {
	v, err := s.Read(ctx)
	if err != nil {
		return nil, l.fault(err)
	}
	name := cmp.Or(l.deployment, l.here(v))
	if name == "" {
		return v, nil
	}
	for _, d := range v.Deployments {
		if d.Name == name {
			one := *v
			one.Deployments, one.OK = []fleet.Deployment{d}, d.OK
			return &one, nil
		}
	}
	names, err := s.Names(ctx)
	if err != nil {
		return nil, l.fault(err)
	}
	return nil, failf(exitUsage, "no deployment %q in %s", l.deployment, fleet.Shown(l.location.URL)).hintf("it has %s", ui.Some(names))
}

// fault adds what to do to an error of reading.
func (l *locator) fault(err error) error {
	f := &fault{code: exitFailed, err: err, hint: l.hintOf(err)}
	var g *gitcmd.Error
	switch {
	case f.hint != "":
	case errors.Is(err, fleet.ErrNoBranch):
		f.hint = "name the branch that the nodes read with --base"
	case errors.As(err, &g):
		f.hint = "does `" + shell.Quote("git", "ls-remote", "--", fleet.Shown(l.location.URL)) + "` work?"
	case errors.Is(err, failure.ErrNotFound):
		f.hint = "leave --path out to see every document of " + l.location.Branch
	}
	return f
}

// open finds the place and opens it.
func (l *locator) open(ctx context.Context) (*fleet.Source, error) {
	if err := l.find(ctx); err != nil {
		return nil, err
	}
	l.location.Deployment = l.deployment // one among a thousand need not read them all
	s, err := fleet.Open(l.location)
	if err != nil {
		return nil, l.fault(err)
	}
	return s, nil
}

// one reads the repository and returns its only deployment, or the one that was
// named.
func (l *locator) one(ctx context.Context, s *fleet.Source) (*fleet.View, *fleet.Deployment, error) {
	v, err := l.read(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	if len(v.Deployments) != 1 {
		return nil, nil, failf(exitUsage, "which deployment? The repository has %d", len(v.Deployments)).
			hintf("name one with --deployment: %s", ui.Some(v.Names()))
	}
	return v, &v.Deployments[0], nil
}

// say prints a line of progress, which is no result.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.err, plain.Line(fmt.Sprintf(format, args...)))
}

// tell prints a result of several lines, as far as it is fit to be shown.
func (a *app) tell(format string, args ...any) error {
	_, err := io.WriteString(a.out, plain.Text(fmt.Sprintf(format, args...)))
	return err
}

// printProblems lists what is wrong with a file. What a line quotes of the file
// stays in its line.
func (a *app) printProblems(w io.Writer, problems []schema.Problem) {
	for _, line := range schema.Lines(problems, plain.Line) {
		fmt.Fprintln(w, line)
	}
}
