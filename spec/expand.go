package spec

import (
	"errors"

	"mainstay/schema"
)

// expansion is a text field that could not be expanded.
type expansion struct {
	path schema.Path
	text string
	err  *TemplateError
}

// expander replaces {{ }} in the text fields of a role by the data of one node.
type expander struct {
	set    *dataset
	data   map[string]any
	failed []expansion
	// overworked tells that the document's work was used up.
	overworked bool
}

func (x *expander) text(p schema.Path, text string) string {
	if text == "" || x.overworked {
		return text
	}
	x.set.work.done++
	if !hasTemplate(text) {
		return text
	}
	out, err := x.set.expand(text, x.data)
	if errors.Is(err, errOverworked) {
		x.overworked = true
		return ""
	}
	if err != nil {
		var te *TemplateError
		if !errors.As(err, &te) {
			te = &TemplateError{Reason: err.Error()}
		}
		x.failed = append(x.failed, expansion{path: p, text: text, err: te})
		return ""
	}
	return out
}

func (x *expander) argv(p schema.Path, argv []string) []string {
	if argv == nil {
		return nil
	}
	out := make([]string, len(argv))
	for i, arg := range argv {
		out[i] = x.text(p.Index(i), arg)
	}
	return out
}

func (x *expander) role(p schema.Path, r Role) Role {
	r.Witness = x.probe(p.Key("witness"), r.Witness)
	r.Services = each(p.Key("services"), r.Services, x.service)
	r.Files = each(p.Key("files"), r.Files, x.file)
	r.Jobs = each(p.Key("jobs"), r.Jobs, x.job)
	r.Checks = each(p.Key("checks"), r.Checks, x.check)
	r.Leaves = each(p.Key("leaves"), r.Leaves, x.check)
	return r
}

func each[T any](p schema.Path, items []T, f func(schema.Path, T) T) []T {
	if items == nil {
		return nil
	}
	out := make([]T, len(items))
	for i, item := range items {
		out[i] = f(p.Index(i), item)
	}
	return out
}

func (x *expander) service(p schema.Path, s Service) Service {
	s.Systemd = x.text(p.Key("systemd"), s.Systemd)
	if s.Compose != nil {
		c, at := *s.Compose, p.Key("compose")
		c.Project = x.text(at.Key("project"), c.Project)
		c.Service = x.text(at.Key("service"), c.Service)
		c.Directory = x.text(at.Key("directory"), c.Directory)
		s.Compose = &c
	}
	if s.Command != nil {
		c, at := *s.Command, p.Key("command")
		c.Start = x.argv(at.Key("start"), c.Start)
		c.Stop = x.argv(at.Key("stop"), c.Stop)
		c.Status = x.argv(at.Key("status"), c.Status)
		s.Command = &c
	}
	s.Process = x.process(p.Key("process"), s.Process)
	if s.Address != nil {
		a, at := *s.Address, p.Key("address")
		a.Interface, a.IP = x.text(at.Key("interface"), a.Interface), x.text(at.Key("ip"), a.IP)
		s.Address = &a
	}
	if s.Run != nil {
		r, at := *s.Run, p.Key("run")
		r.OnStart, r.OnStop = x.argv(at.Key("onStart"), r.OnStart), x.argv(at.Key("onStop"), r.OnStop)
		s.Run = &r
	}
	s.Ready = x.probe(p.Key("ready"), s.Ready)
	if s.Drain != nil {
		d := *s.Drain
		d.Command = x.argv(p.Keys("drain", "command"), d.Command)
		s.Drain = &d
	}
	return s
}

func (x *expander) process(p schema.Path, s *ProcessService) *ProcessService {
	if s == nil {
		return nil
	}
	out := *s
	out.Command = x.argv(p.Key("command"), s.Command)
	out.Directory = x.text(p.Key("directory"), s.Directory)
	if s.Environment != nil {
		out.Environment = make(map[string]string, len(s.Environment))
		for name, value := range s.Environment {
			out.Environment[name] = x.text(p.Keys("environment", name), value)
		}
	}
	return &out
}

func (x *expander) probe(p schema.Path, probe *Probe) *Probe {
	if probe == nil {
		return nil
	}
	out := *probe
	out.SIP = x.text(p.Key("sip"), probe.SIP)
	out.HTTP = x.text(p.Key("http"), probe.HTTP)
	out.Body = x.text(p.Key("body"), probe.Body)
	out.TCP = x.text(p.Key("tcp"), probe.TCP)
	out.Command = x.argv(p.Key("command"), probe.Command)
	return &out
}

func (x *expander) file(p schema.Path, f File) File {
	f.Path = x.text(p.Key("path"), f.Path)
	candidate := *x
	candidate.data = map[string]any{"candidate": CandidateArg}
	for key, value := range x.data {
		candidate.data[key] = value
	}
	f.Check = candidate.action(p.Key("check"), f.Check)
	x.failed, x.overworked = candidate.failed, candidate.overworked
	f.Reload = x.action(p.Key("reload"), f.Reload)
	return f
}

func (x *expander) action(p schema.Path, a *Action) *Action {
	if a == nil {
		return nil
	}
	out := *a
	out.Command = x.argv(p.Key("command"), a.Command)
	out.Systemd = x.text(p.Key("systemd"), a.Systemd)
	return &out
}

func (x *expander) job(p schema.Path, j Job) Job {
	j.Command = x.argv(p.Key("command"), j.Command)
	return j
}

func (x *expander) check(p schema.Path, c Check) Check {
	c.Command = x.argv(p.Key("command"), c.Command)
	return c
}
