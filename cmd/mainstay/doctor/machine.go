package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/compose"
	"mainstay/reconcile/service/systemd"
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
	s, err := reconcile.NewClient(e.file.Socket).Status(ctx)
	if err != nil {
		e.warn("agent", fmt.Sprintf("no agent answers at %s: %v", e.file.Socket, err), "systemctl enable --now mainstay")
		return
	}
	e.ok("agent", "it runs, and %s is %s", s.Node.Node, s.Node.Status)
	e.peerClocks(s)
}

// clockSlack is how far two clocks may be apart before people are misled.
const clockSlack = 5 * time.Second

// peerClocks finds reports from the future: clocks that differ. No decision
// depends on them, but what people read does.
func (e *examiner) peerClocks(s reconcile.View) {
	for name, r := range s.Others {
		if ahead := time.Until(r.At); !r.At.IsZero() && ahead > clockSlack {
			e.warn("clock", fmt.Sprintf("the clock of %s is at least %s ahead of this one", name, ahead.Round(time.Second)),
				"run a time service on both; ages in status are wrong until then")
		}
	}
}

// serverClock compares this clock with the one of a web server's answer, which
// ssh has not.
func (e *examiner) serverClock(ctx context.Context) {
	u, err := url.Parse(e.file.Repository.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	u.User = nil
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	date, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return
	}
	if off := e.now().Sub(date); off.Abs() > clockSlack {
		e.warn("clock", fmt.Sprintf("this clock is %s away from the git server's", off.Abs().Round(time.Second)), "run a time service")
		return
	}
	e.ok("clock", "it agrees with the git server's")
}

// secrets looks at who can read what only the agent should.
func (e *examiner) secrets() {
	f := e.file
	for _, s := range [][2]string{
		{"repository.sshKey", f.Repository.SSHKey}, {"repository.tokenFile", f.Repository.TokenFile},
		{"coordination.sshKey", f.Coordination.SSHKey}, {"coordination.tokenFile", f.Coordination.TokenFile},
		{"notifySecretFile", f.NotifySecretFile},
	} {
		if s[1] != "" {
			e.secret(s[0], s[1])
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

func (e *examiner) knownHosts() {
	file := e.file.Repository.KnownHosts
	if e.file.Repository.SSHKey == "" {
		return
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		e.fail("files", "no host key is pinned: "+err.Error(), "ssh-keyscan the git server, compare the key with its owner's, and write it to "+file)
	case info.Mode().Perm()&0o022 != 0:
		e.fail("files", fmt.Sprintf("others may change the pinned host keys in %s (%s)", file, info.Mode().Perm()), "chmod 644 "+file)
	}
}

// services looks at every service as the agent does.
func (e *examiner) services(ctx context.Context, w *spec.Wanted) {
	bus := systemd.NewBus(e.log)
	defer bus.Close()
	var engine *compose.Engine
	for _, s := range w.Services {
		switch {
		case s.Systemd != "":
			e.service(ctx, s.Name, bus.Unit(s.Systemd), "systemctl disable "+s.Systemd)
		case s.Compose != nil:
			if engine == nil {
				engine = compose.NewEngine(e.log, filepath.Join(os.TempDir(), "mainstay-doctor-compose.json"))
				defer engine.Close()
			}
			e.service(ctx, s.Name, engine.Service(*s.Compose), "set restart: \"no\" for it in the compose file")
		}
	}
}

// observer is what a driver tells without touching its service.
type observer interface {
	Observe(context.Context) (service.State, error)
}

func (e *examiner) service(ctx context.Context, name string, o observer, disable string) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	s, err := o.Observe(ctx)
	switch {
	case err != nil:
		e.fail("services", name+": "+err.Error(), "does it exist on this node, and may the agent see it?")
	case s.Run == plan.RunUnsure:
		e.fail("services", name+" cannot be observed: "+s.Detail, "does it exist on this node?")
	case s.Enabled != "":
		e.fail("services", fmt.Sprintf("%s is started at boot by something else (%s)", name, s.Enabled), disable+"; the agent starts it")
	default:
		e.ok("services", "%s is there (%s), and only the agent starts it", name, s.Run)
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
