package spec

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/e2e/attack"
)

func TestAllowListsMatch(t *testing.T) {
	a := Allow{
		Systemd:     []string{"asterisk.service", "xivo-*.service", "a*b*c.service"},
		Compose:     []string{"xivocc", "edge=/etc/docker/edge"},
		Commands:    [][]string{{"replicate", "*"}, {"systemctl", "*", "x.service"}, {"/bin/true"}},
		Paths:       []string{"/etc/nginx/conf.d/", "/etc/asterisk/pjsip.conf"},
		Environment: []string{"LANG"},
	}
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"unit by name", a.CheckSystemd("asterisk.service"), true},
		{"unit by pattern", a.CheckSystemd("xivo-agid.service"), true},
		{"unit by two patterns", a.CheckSystemd("a-b-c.service"), true},
		{"unit that only begins like a pattern", a.CheckSystemd("xivo-agid.service.d"), false},
		{"unit whose pattern parts overlap", a.CheckSystemd("ac.service"), false},
		{"another unit", a.CheckSystemd("sshd.service"), false},
		{"project", a.CheckCompose("xivocc", ""), true},
		{"project with a folder of the repository's choice", a.CheckCompose("xivocc", "/tmp"), false},
		{"project with its folder", a.CheckCompose("edge", "/etc/docker/edge"), true},
		{"project without its folder", a.CheckCompose("edge", ""), true},
		{"project with another folder", a.CheckCompose("edge", "/etc/docker"), false},
		{"command with any rest", a.CheckCommand([]string{"replicate", "10.0.0.1", "-v"}), true},
		{"command with no rest", a.CheckCommand([]string{"replicate"}), true},
		{"command with one free argument", a.CheckCommand([]string{"systemctl", "reload", "x.service"}), true},
		{"command with two in its place", a.CheckCommand([]string{"systemctl", "a", "b", "x.service"}), false},
		{"command with more than is listed", a.CheckCommand([]string{"/bin/true", "x"}), false},
		{"program of the same name elsewhere", a.CheckCommand([]string{"/tmp/replicate"}), false},
		{"no command", a.CheckCommand(nil), false},
		{"file", a.CheckPath("/etc/asterisk/pjsip.conf"), true},
		{"file in a folder", a.CheckPath("/etc/nginx/conf.d/a/b.conf"), true},
		{"folder itself", a.CheckPath("/etc/nginx/conf.d"), false},
		{"way out of a folder", a.CheckPath("/etc/nginx/conf.d/../nginx.conf"), false},
		{"file below a file", a.CheckPath("/etc/asterisk/pjsip.conf/x"), false},
		{"variable", a.CheckEnvironment("LANG"), true},
		{"another variable", a.CheckEnvironment("LD_PRELOAD"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.want {
				attack.Row(t, "allow", "a commit asks for what is not listed: "+c.name, "refused, with the line to add")
			}
			if got := c.err == nil; got != c.want {
				t.Errorf("allowed %v, want %v", got, c.want)
			}
			if c.err != nil && !errors.Is(c.err, ErrNotAllowed) {
				t.Errorf("%v is not ErrNotAllowed", c.err)
			}
		})
	}
}

func TestRefusalsSayWhatToAdd(t *testing.T) {
	d := mustLoad(t, design, designTemplates())
	a := Allow{Systemd: []string{"asterisk.service"}}
	var got []string
	for _, node := range []string{"xivo-main", "cc-main", "edge"} {
		for _, r := range a.Refusals(want(t, d, node)) {
			got = append(got, r.Error())
		}
	}
	if diff := cmp.Diff([]string{
		`services[0].drain.command: agent.yaml does not allow it; add under allow.commands: - ["/usr/share/mainstay/no-active-calls"]`,
		`services[1].systemd: agent.yaml does not allow it; add under allow.systemd: - "monit.service"`,
		`jobs[0].command: agent.yaml does not allow it; add under allow.commands: - ["xivo-master-slave-db-replication","10.20.0.12"]`,
		`checks[0].command: agent.yaml does not allow it; add under allow.commands: - ["/usr/share/mainstay/replication-age","--max","2h"]`,
		`services[0].compose: agent.yaml does not allow it; add under allow.compose: - "xivocc"`,
		`files[0].path: agent.yaml does not allow it; add under allow.paths: - "/etc/nginx/conf.d/upstream.conf"`,
		`files[0].check: agent.yaml does not allow it; add under allow.commands: - ["nginx","-t"]`,
		`files[0].reload: agent.yaml does not allow it; add under allow.systemd: - "nginx.service"`,
	}, got); diff != "" {
		t.Error(diff)
	}
}

// What counts what stays behind is a command like any other: it is bounded by allow.commands.
func TestACommandThatCountsIsRefusedUnlessItIsListed(t *testing.T) {
	text := strings.Replace(design, "    checks:", "    leaves: [{ name: voicemails, command: [left-voicemail, \"{{ .node.name }}\"] }]\n    checks:", 1)
	d := mustLoad(t, text, designTemplates())
	w := want(t, d, "xivo-main")
	if len(w.Leaves) != 1 || w.Leaves[0].Every.D() != 5*time.Minute || w.Leaves[0].Command[1] != "xivo-main" {
		t.Fatalf("%+v", w.Leaves)
	}
	refused := func(a Allow) bool {
		for _, r := range a.Refusals(w) {
			if strings.HasPrefix(r.Error(), "leaves[0].command: ") {
				return true
			}
		}
		return false
	}
	if !refused(Allow{}) || refused(Allow{Commands: [][]string{{"left-voicemail", "*"}}}) {
		t.Error("a command that is not listed is run, or one that is is not")
	}
}

func TestAddingWhatRefusalsSayAllowsIt(t *testing.T) {
	d := mustLoad(t, design, designTemplates())
	text := "repository: { url: /srv/paris.git }\nallow:\n"
	lists := map[string]string{}
	for _, node := range d.NodeNames() {
		for _, r := range (Allow{}).Refusals(want(t, d, node)) {
			lists[r.List] += "    " + r.Line + "\n"
		}
	}
	for list, lines := range lists {
		text += "  " + list + ":\n" + lines
	}
	a, problems := LoadAgentFile("agent.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems, text)
	}
	for _, node := range d.NodeNames() {
		if left := a.Allow.Refusals(want(t, d, node)); len(left) > 0 {
			t.Error(left)
		}
	}
}

func TestAnAddressIsRefusedUnlessItIsListed(t *testing.T) {
	text := strings.Replace(design, "    services:", "    services:\n      - { name: vip, address: { interface: \"{{ .node.side }}0\", ip: 10.20.0.10/24 } }", 1)
	w := want(t, mustLoad(t, text, designTemplates()), "xivo-main")
	refused := func(list ...string) string {
		for _, r := range (Allow{Addresses: list}).Refusals(w) {
			if r.Where == "services[0].address" {
				return r.Line
			}
		}
		return ""
	}
	if line := refused("main0=10.20.0.11/24"); line != `- "main0=10.20.0.10/24"` {
		t.Errorf("an address that is not listed: %q", line)
	}
	if line := refused("main0=10.20.0.10/24"); line != "" {
		t.Errorf("an address that is listed: %q", line)
	}
}

func TestACommandAroundASwitchIsRefusedUnlessItIsListed(t *testing.T) {
	attack.Row(t, "allow", "a commit runs a command around a switch that is not listed", "refused, with the line to add")
	text := strings.Replace(design, "    services:", "    services:\n      - { name: again, run: { onStart: [log-in, \"{{ .node.side }}\"], onStop: [log-out] } }", 1)
	w := want(t, mustLoad(t, text, designTemplates()), "xivo-main")
	refused := func(list ...[]string) (lines []string) {
		for _, r := range (Allow{Commands: list}).Refusals(w) {
			if strings.HasPrefix(r.Where, "services[0].run.") {
				lines = append(lines, r.Where+" "+r.Line)
			}
		}
		return lines
	}
	if diff := cmp.Diff([]string{`services[0].run.onStart - ["log-in","main"]`, `services[0].run.onStop - ["log-out"]`}, refused([]string{"log-in", "standby"})); diff != "" {
		t.Error(diff)
	}
	if left := refused([]string{"log-in", "*"}, []string{"log-out"}); len(left) > 0 {
		t.Error(left)
	}
}
