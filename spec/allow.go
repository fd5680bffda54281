package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mainstay/schema"
	"mainstay/spec/floating"
	"mainstay/spec/pattern"
)

// ErrNotAllowed means that the node's own file does not allow what the
// repository asks for. Every Refusal is one.
var ErrNotAllowed = errors.New("not allowed on this node")

// Refusal is one thing that the repository asks for and the node's own file
// does not allow.
type Refusal struct {
	// Where is the field that asks for it, such as services[0].systemd. It is
	// empty when a check was asked for without one.
	Where string `json:"where,omitempty"`
	// List is the list under allow that would have to hold it, and Line what to
	// add there.
	List string `json:"list"`
	Line string `json:"line"`
}

// Error says what is refused and which line would allow it.
func (r Refusal) Error() string {
	s := fmt.Sprintf("agent.yaml does not allow it; add under allow.%s: %s", r.List, r.Line)
	if r.Where != "" {
		s = r.Where + ": " + s
	}
	return s
}

// Is makes every refusal ErrNotAllowed.
func (r Refusal) Is(target error) bool { return target == ErrNotAllowed }

func refuse(list, value string) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return Refusal{List: list, Line: "- " + string(line)}
}

// CheckSystemd returns a Refusal unless the unit is allowed.
func (a Allow) CheckSystemd(unit string) error {
	for _, entry := range a.Systemd {
		if pattern.Text(entry, unit) {
			return nil
		}
	}
	return refuse("systemd", unit)
}

// CheckCompose returns a Refusal unless the project is allowed, together with
// the folder of its compose file when that is not empty.
func (a Allow) CheckCompose(project, folder string) error {
	entry := project
	if folder != "" {
		entry += "=" + folder
	}
	for _, allowed := range a.Compose {
		if allowed == entry || folder == "" && strings.HasPrefix(allowed, project+"=") {
			return nil
		}
	}
	return refuse("compose", entry)
}

// CheckCommand returns a Refusal unless the argument vector is allowed.
func (a Allow) CheckCommand(argv []string) error {
	for _, entry := range a.Commands {
		if pattern.Argv(entry, argv) {
			return nil
		}
	}
	line, err := json.Marshal(argv)
	if err != nil {
		return err
	}
	return Refusal{List: "commands", Line: "- " + string(line)}
}

// CheckPath returns a Refusal unless the file is allowed.
func (a Allow) CheckPath(file string) error {
	if cleanAbsolute(file) {
		for _, entry := range a.Paths {
			if entry == file || strings.HasSuffix(entry, "/") && strings.HasPrefix(file, entry) {
				return nil
			}
		}
	}
	return refuse("paths", file)
}

// CheckDirectory returns a Refusal unless a process may run in the folder: who
// chooses the folder chooses which files a program finds there, and loads. A folder of
// paths is none, because the repository may write into it.
func (a Allow) CheckDirectory(folder string) error {
	if folder == "" || slices.Contains(a.Directories, folder) {
		return nil
	}
	return refuse("directories", folder)
}

// CheckEnvironment returns a Refusal unless the variable is allowed.
func (a Allow) CheckEnvironment(name string) error {
	if slices.Contains(a.Environment, name) {
		return nil
	}
	return refuse("environment", name)
}

// CheckAddress returns a Refusal unless the node may have the address on that interface.
func (a Allow) CheckAddress(address floating.Address) error {
	if floating.Allowed(a.Addresses, address) {
		return nil
	}
	return refuse("addresses", address.Entry())
}

// CheckAction returns a Refusal unless the action is allowed.
func (a Allow) CheckAction(action Action) error {
	if action.Systemd != "" {
		return a.CheckSystemd(action.Systemd)
	}
	return a.CheckCommand(action.Command)
}

// Refusals is the one place that decides what a repository may make this node
// do, over every field of the document that can do anything: it lists everything
// that a node should have and its own file does not allow, in the document's order.
func (a Allow) Refusals(w *Wanted) []Refusal {
	c := &allowance{allow: a}
	c.hosts = w.Hosts
	c.probe(schema.Path{"witness"}, w.Witness)
	for _, side := range []Side{Main, Standby} {
		c.probe(schema.Path{"detect"}, w.DetectOn[side])
	}
	for i, s := range w.Services {
		c.service(schema.Path{"services"}.Index(i), s)
	}
	for i, f := range w.Files {
		at := schema.Path{"files"}.Index(i)
		c.add(at.Key("path"), a.CheckPath(f.Path))
		c.action(at.Key("check"), f.Check)
		c.action(at.Key("reload"), f.Reload)
	}
	for i, j := range w.Jobs {
		c.add(schema.Path{"jobs"}.Index(i).Key("command"), a.CheckCommand(j.Command))
	}
	for i, k := range w.Checks {
		c.add(schema.Path{"checks"}.Index(i).Key("command"), a.CheckCommand(k.Command))
	}
	for i, k := range w.Leaves {
		c.add(schema.Path{"leaves"}.Index(i).Key("command"), a.CheckCommand(k.Command))
	}
	return c.refusals
}

// allowance collects refusals, each line to add once.
type allowance struct {
	allow    Allow
	hosts    []string // of the document
	refusals []Refusal
}

func (c *allowance) add(p schema.Path, err error) {
	var r Refusal
	if !errors.As(err, &r) {
		return
	}
	for _, known := range c.refusals {
		if known.List == r.List && known.Line == r.Line {
			return
		}
	}
	r.Where = p.String()
	c.refusals = append(c.refusals, r)
}

func (c *allowance) service(p schema.Path, s Service) {
	switch {
	case s.Systemd != "":
		c.add(p.Key("systemd"), c.allow.CheckSystemd(s.Systemd))
	case s.Compose != nil:
		c.add(p.Key("compose"), c.allow.CheckCompose(s.Compose.Project, s.Compose.Directory))
	case s.Command != nil:
		c.add(p.Keys("command", "start"), c.allow.CheckCommand(s.Command.Start))
		c.add(p.Keys("command", "stop"), c.allow.CheckCommand(s.Command.Stop))
		c.add(p.Keys("command", "status"), c.allow.CheckCommand(s.Command.Status))
	case s.Process != nil:
		c.add(p.Keys("process", "command"), c.allow.CheckCommand(s.Process.Command))
		c.add(p.Keys("process", "directory"), c.allow.CheckDirectory(s.Process.Directory))
		for _, name := range slices.Sorted(maps.Keys(s.Process.Environment)) {
			c.add(p.Keys("process", "environment", name), c.allow.CheckEnvironment(name))
		}
	case s.Run != nil:
		c.argv(p.Keys("run", "onStart"), s.Run.OnStart)
		c.argv(p.Keys("run", "onStop"), s.Run.OnStop)
	case s.Address != nil:
		c.add(p.Key("address"), c.allow.CheckAddress(*s.Address))
	}
	c.probe(p.Key("ready"), s.Ready)
	if s.Drain != nil {
		c.add(p.Keys("drain", "command"), c.allow.CheckCommand(s.Drain.Command))
	}
}

func (c *allowance) probe(p schema.Path, probe *Probe) {
	switch {
	case probe == nil:
		return
	case probe.HTTP != "":
		p = p.Key("http")
	case probe.TCP != "":
		p = p.Key("tcp")
	case probe.SIP != "":
		p = p.Key("sip")
	default:
		p = p.Key("command")
	}
	c.add(p, c.allow.CheckProbe(probe, c.hosts))
}

func (c *allowance) argv(p schema.Path, argv []string) {
	if len(argv) > 0 {
		c.add(p, c.allow.CheckCommand(argv))
	}
}

func (c *allowance) action(p schema.Path, a *Action) {
	if a != nil {
		c.add(p, c.allow.CheckAction(*a))
	}
}
