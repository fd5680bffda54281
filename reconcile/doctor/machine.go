package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"mainstay/reconcile/control"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/conditions"
	"mainstay/reconcile/service"
	"mainstay/spec"
)

func errorAs[T any](err error) (T, bool) {
	var t T
	ok := errors.As(err, &t)
	return t, ok
}

// agent asks the agent of this node how it is.
func (e *examiner) agent(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	s, err := control.NewClient(e.file.Socket, service.SystemClock{}.Boot).Status(ctx)
	if err != nil {
		e.warn("agent", fmt.Sprintf("%v (%s)", err, e.file.Socket), "systemctl enable --now mainstay")
		return
	}
	e.ok("agent", "it runs, and %s is %s", s.Node.Node, s.Node.Status)
	e.accepted = s.Node.Accepted
	e.conditions(s.Node.Conditions)
	e.peerClocks(s)
}

// conditions tells what the agent itself says is not as it should be.
func (e *examiner) conditions(told []plan.Condition) {
	for _, c := range told {
		kind, text := conditions.Of(c.Type), c.Type+": "+c.Message
		if strings.Contains(kind.Do, "mainstay doctor") {
			kind.Do = "see the other findings here"
		}
		switch {
		case kind.Passing:
		case kind.Blocks || kind.AtOnce:
			e.fail("agent", text, kind.Do)
		default:
			e.warn("agent", text, kind.Do)
		}
	}
}

// secrets looks at who can read what only the agent should.
func (e *examiner) secrets() {
	f := e.file
	for _, s := range [][2]string{
		{"repository.sshKey", f.Repository.SSHKey}, {"repository.tokenFile", f.Repository.TokenFile},
		{"coordination.sshKey", f.Coordination.SSHKey}, {"coordination.tokenFile", f.Coordination.TokenFile},
		{"coordination.keyFile", f.Coordination.KeyFile}, {"coordination.userFile", f.Coordination.UserFile},
		{"notifySecretFile", f.NotifySecretFile},
	} {
		if s[1] != "" {
			e.secret(s[0], s[1])
		}
	}
	for i, a := range f.Alerts {
		for field, file := range a.Secrets() {
			e.secret(fmt.Sprintf("alerts[%d].%s", i, field), file)
		}
	}
	e.state()
	e.knownHosts()
}

func (e *examiner) secret(what, file string) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		e.fail("files", fmt.Sprintf("%s: %v", what, err), "put it there, or correct "+what+" in the agent's file")
	case info.Mode().Perm()&0o077 != 0:
		e.fail("files", fmt.Sprintf("%s: %s can be read by others (%s)", what, file, info.Mode().Perm()), "chmod 600 "+file)
	default:
		e.ok("files", "%s: only its owner can read %s", what, file)
	}
}

func (e *examiner) state() {
	dir := e.file.State
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		e.warn("files", "the state folder "+dir+" is not there yet", "the agent makes it; mkdir -m 700 "+dir+" tells now whether it can")
		return
	}
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".doctor-"); err == nil {
			_ = probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	switch {
	case err != nil:
		e.fail("files", "the state folder cannot be written: "+err.Error(), "without it a restart of the agent forgets what it accepted")
	case info.Mode().Perm()&0o022 != 0:
		e.fail("files", fmt.Sprintf("others may write the state folder %s (%s)", dir, info.Mode().Perm()), "chmod 700 "+dir)
	default:
		e.ok("files", "the state folder %s can be written", dir)
	}
}

// knownHosts looks at who can change which servers are believed.
func (e *examiner) knownHosts() {
	f := e.file
	if f.Repository.SSHKey != "" {
		e.pinned(f.Repository.KnownHosts)
	}
	if f.Coordination.SSHKey != "" && f.Coordination.KnownHosts != f.Repository.KnownHosts {
		e.pinned(f.Coordination.KnownHosts)
	}
}

func (e *examiner) pinned(file string) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		e.fail("files", "no host key is pinned: "+err.Error(), "ssh-keyscan the git server, compare the key with its owner's, and write it to "+file)
	case info.Mode().Perm()&0o022 != 0:
		e.fail("files", fmt.Sprintf("others may change the pinned host keys in %s (%s)", file, info.Mode().Perm()), "chmod 644 "+file)
	default:
		e.ok("files", "host keys are pinned in %s", file)
	}
}

// programs looks for every program that the document names.
func (e *examiner) programs(w *spec.Wanted) {
	missing := map[string][]string{}
	look := func(what string, argv []string) {
		if len(argv) == 0 {
			return
		}
		if _, err := exec.LookPath(argv[0]); err != nil && !slices.Contains(missing[argv[0]], what) {
			missing[argv[0]] = append(missing[argv[0]], what)
		}
	}
	n := each(w, look)
	for _, program := range sortedKeys(missing) {
		e.fail("services", fmt.Sprintf("%s is not there (for %s)", program, missing[program][0]), "install it, or correct the document")
	}
	if n > 0 && len(missing) == 0 {
		e.ok("services", "every program that the document names is there")
	}
	if len(e.file.SelfFence) > 0 && w.Handover.Lease > 0 {
		if _, err := exec.LookPath(e.file.SelfFence[0]); err != nil {
			e.fail("handover", "selfFence: "+err.Error(), "under a lease a stop that fails must end in a reboot")
		}
	}
}

// each names every command of a node, and returns how many there are.
func each(w *spec.Wanted, look func(what string, argv []string)) int {
	n := 0
	count := func(what string, argv []string) {
		if len(argv) > 0 {
			n++
		}
		look(what, argv)
	}
	for _, s := range w.Services {
		if s.Command != nil {
			count("service "+s.Name, s.Command.Start)
			count("service "+s.Name, s.Command.Stop)
			count("service "+s.Name, s.Command.Status)
		}
		if s.Run != nil {
			count("service "+s.Name, s.Run.OnStart)
			count("service "+s.Name, s.Run.OnStop)
		}
		if s.Process != nil {
			count("service "+s.Name, s.Process.Command)
		}
		if s.Ready != nil {
			count("service "+s.Name, s.Ready.Command)
		}
		if s.Drain != nil {
			count("drain of "+s.Name, s.Drain.Command)
		}
	}
	for _, j := range w.Jobs {
		count("job "+j.Name, j.Command)
	}
	for _, c := range w.Checks {
		count("check "+c.Name, c.Command)
	}
	for _, c := range w.Leaves {
		count("leaves "+c.Name, c.Command)
	}
	for _, f := range w.Files {
		for _, a := range []*spec.Action{f.Check, f.Reload} {
			if a != nil {
				count("file "+f.Path, a.Command)
			}
		}
	}
	return n
}

// folders looks at where files are rendered.
func (e *examiner) folders(w *spec.Wanted) {
	for _, f := range w.Files {
		dir := filepath.Dir(f.Path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			e.fail("files", fmt.Sprintf("%s has no folder to be in: %s", f.Path, dir), "is what reads it installed?")
		}
	}
}
