package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"mainstay/cmd/mainstay/notice"
	"mainstay/reconcile/gitcmd"
)

// gitTime bounds one git command.
const gitTime = 20 * time.Second

// git runs git in the checkout, without the user's own configuration.
func (p *layout) git(ctx context.Context, call gitcmd.Call) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	repo := gitcmd.Repo{Dir: p.work(), Env: []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=demo", "GIT_AUTHOR_EMAIL=demo@localhost", "GIT_COMMITTER_NAME=demo", "GIT_COMMITTER_EMAIL=demo@localhost"}}
	return repo.Text(ctx, call)
}

// makeRepo makes the bare repository, its post-receive hook and the first
// commit.
func (p *layout) makeRepo(ctx context.Context) (string, error) {
	for _, call := range []gitcmd.Call{
		gitcmd.Git("init", "--quiet", "--bare", "--initial-branch=main").On(p.repo()),
		gitcmd.Git("init", "--quiet", "--initial-branch=main"),
		gitcmd.Git("remote", "add").On("origin", p.repo()),
		// For commits by hand, on a machine where git knows nobody.
		gitcmd.Git("config", "user.name", "demo"), gitcmd.Git("config", "user.email", "demo@localhost"),
	} {
		if _, err := p.git(ctx, call); err != nil {
			return "", err
		}
	}
	if p.Notify {
		if err := errors.Join(p.writeHook(), p.passOn(ctx)); err != nil {
			return "", err
		}
	}
	return p.commit(ctx, "demo: main is active")
}

// writeHook makes every push say so in a pipe, which costs no process; the demo
// passes it on to the agents. Opened both ways, the pipe holds up no push when the
// demo is gone.
func (p *layout) writeHook() error {
	if err := os.WriteFile(p.secret(), []byte("demo-only\n"), 0o600); err != nil {
		return err
	}
	if err := syscall.Mkfifo(p.pipe(), 0o600); err != nil {
		return fmt.Errorf("make the pipe: %w", err)
	}
	hook := fmt.Sprintf("#!/bin/sh\n[ -p '%[1]s' ] && echo 1<>'%[1]s'\n", p.pipe())
	return os.WriteFile(filepath.Join(p.repo(), "hooks", "post-receive"), []byte(hook), 0o755)
}

func (p *layout) pipe() string { return filepath.Join(p.Dir, "pushed") }

// passOn tells the agents of every push until ctx ends.
func (p *layout) passOn(ctx context.Context) error {
	pipe, err := os.OpenFile(p.pipe(), os.O_RDWR, 0) // both ways, so that it has no end
	if err != nil {
		return fmt.Errorf("open the pipe: %w", err)
	}
	context.AfterFunc(ctx, func() { pipe.Close() })
	var urls []string
	for _, n := range p.nodes() {
		urls = append(urls, "http://"+p.Address(n.Host)+":9477/v1/notify")
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			if _, err := pipe.Read(buf); err != nil {
				return
			}
			_ = notice.Send(ctx, urls, []byte("demo-only"))
		}
	}()
	return nil
}

// commit commits the checkout, pushes it and returns the commit.
func (p *layout) commit(ctx context.Context, message string) (string, error) {
	for _, call := range []gitcmd.Call{
		gitcmd.Git("add", "--all"), gitcmd.Git("commit", "--quiet", "--message="+message),
		// A commit by hand is pushed to where the first one was.
		gitcmd.Git("push", "--quiet", "--set-upstream").On("origin", "main"),
	} {
		if _, err := p.git(ctx, call); err != nil {
			return "", err
		}
	}
	return p.git(ctx, gitcmd.Git("rev-parse", "HEAD"))
}

// activeWord is the one word that a failover changes.
var activeWord = regexp.MustCompile(`(?m)^(active: *)(main|standby)`)

// flip declares a side: it changes one word and commits.
func (p *layout) flip(ctx context.Context, side, message string) (string, error) {
	file := filepath.Join(p.work(), "deployment.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, activeWord.ReplaceAll(b, []byte("${1}"+side)), 0o644); err != nil {
		return "", err
	}
	return p.commit(ctx, message)
}
