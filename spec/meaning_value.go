package spec

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"mainstay/schema"
	"mainstay/spec/endpoint"
	"mainstay/spec/pattern"
)

// values checks text fields that must be of a certain form. What still holds
// {{ }} is left for when it is expanded.
type values struct{ *loader }

func (v *values) role(p schema.Path, r Role) {
	v.probe(p.Key("witness"), r.Witness)
	for i, s := range r.Services {
		v.service(p.Key("services").Index(i), s)
	}
	for i, f := range r.Files {
		at := p.Key("files").Index(i)
		v.absolute(at.Key("path"), f.Path)
		v.action(at.Key("check"), f.Check)
		v.action(at.Key("reload"), f.Reload)
	}
	for i, j := range r.Jobs {
		v.program(p.Key("jobs").Index(i).Key("command"), j.Command)
	}
	for i, c := range r.Checks {
		v.program(p.Key("checks").Index(i).Key("command"), c.Command)
	}
	for i, c := range r.Leaves {
		v.program(p.Key("leaves").Index(i).Key("command"), c.Command)
	}
}

func (v *values) service(p schema.Path, s Service) {
	v.unit(p.Key("systemd"), s.Systemd)
	v.compose(p.Key("compose"), s.Compose)
	if s.Command != nil {
		v.program(p.Keys("command", "start"), s.Command.Start)
		v.program(p.Keys("command", "stop"), s.Command.Stop)
		v.program(p.Keys("command", "status"), s.Command.Status)
	}
	if s.Process != nil {
		v.program(p.Keys("process", "command"), s.Process.Command)
		v.absolute(p.Keys("process", "directory"), s.Process.Directory)
	}
	v.floating(p.Key("address"), s.Address)
	if s.Run != nil {
		v.program(p.Keys("run", "onStart"), s.Run.OnStart)
		v.program(p.Keys("run", "onStop"), s.Run.OnStop)
	}
	if s.Drain != nil {
		v.program(p.Keys("drain", "command"), s.Drain.Command)
	}
	v.probe(p.Key("ready"), s.Ready)
}

func (v *values) action(p schema.Path, a *Action) {
	if a != nil {
		v.unit(p.Key("systemd"), a.Systemd)
		v.program(p.Key("command"), a.Command)
	}
}

func (v *values) probe(p schema.Path, probe *Probe) {
	if probe == nil {
		return
	}
	v.hostPort(p.Key("sip"), probe.SIP)
	v.hostPort(p.Key("tcp"), probe.TCP)
	v.http(p.Key("http"), probe.HTTP)
	v.program(p.Key("command"), probe.Command)
}

func (v *values) unit(p schema.Path, unit string) {
	if unit == "" || hasTemplate(unit) {
		return
	}
	message := unitProblem(unit)
	if message == "" && strings.Contains(unit, pattern.Anything) {
		message = fmt.Sprintf("%q holds *: a document names one unit", unit)
	}
	if message != "" {
		v.say(RuleUnit, p, message, "name the unit with its suffix, such as asterisk.service")
	}
}

// unitProblem says why a text is not the name of a systemd unit, or "".
func unitProblem(unit string) string {
	suffixes := []string{".service", ".target", ".socket", ".timer", ".path", ".mount", ".automount", ".scope", ".slice"}
	dot := strings.LastIndexByte(unit, '.')
	if dot <= 0 || !slices.Contains(suffixes, unit[dot:]) {
		return fmt.Sprintf("%q is not the name of a systemd unit", unit)
	}
	for _, r := range unit {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`:-_.\@*`, r)
		if !plain {
			return fmt.Sprintf("%q holds %q, which no systemd unit does", unit, r)
		}
	}
	return ""
}

func (v *values) hostPort(p schema.Path, text string) {
	if text == "" || hasTemplate(text) {
		return
	}
	host, port, err := net.SplitHostPort(text)
	number, convErr := strconv.Atoi(port)
	if endpoint.LinkLocal(host) {
		v.say(RuleHostPort, p, fmt.Sprintf("%q is a link-local address, or one where a cloud answers its machines", host), "probe an address of the node, or a name")
		return
	}
	if err == nil && host != "" && convErr == nil && number > 0 && number < 65536 && !strings.ContainsAny(host, " \t\n/") {
		return
	}
	v.say(RuleHostPort, p, fmt.Sprintf("%q is not host:port", text), "such as 10.20.0.11:5060, or [2001:db8::1]:5060")
}

func (v *values) http(p schema.Path, text string) {
	if text == "" || hasTemplate(text) {
		return
	}
	u, err := url.Parse(text)
	if err == nil && endpoint.LinkLocal(u.Hostname()) {
		v.say(RuleURL, p, fmt.Sprintf("%q is a link-local address, or one where a cloud answers its machines", u.Hostname()), "probe an address of the node, or a name")
		return
	}
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" {
		return
	}
	v.say(RuleURL, p, fmt.Sprintf("%q is not an http or https URL", text), "such as http://127.0.0.1:8090/")
}

func (v *values) absolute(p schema.Path, text string) {
	if text == "" || hasTemplate(text) {
		return
	}
	if !strings.HasPrefix(text, "/") || path.Clean(text) != text || text == "/" {
		v.say(RuleAbsolutePath, p, fmt.Sprintf("%q is not an absolute, clean path", text), "begin with /, without .., // or a / at the end")
	}
}

// program wants the first word of a command to be a program.
func (v *values) program(p schema.Path, argv []string) {
	if len(argv) == 0 || hasTemplate(argv[0]) {
		return
	}
	if message := programProblem(argv[0]); message != "" {
		v.say(RuleProgram, p.Index(0), message, `one item for each argument: ["program", "argument"]`)
	}
}

func programProblem(name string) string {
	switch {
	case name == "":
		return "the program is empty"
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return fmt.Sprintf("%q depends on the current folder: write the program's whole path, or its bare name", name)
	case strings.ContainsAny(name, " \t\n"):
		return fmt.Sprintf("%q is not one program: there is no shell to split it", name)
	}
	return ""
}
