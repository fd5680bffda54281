package spec

import (
	"strings"
	"testing"

	"mainstay/schema"
)

const knocked = head + `nodes:
  a: { role: xivo, side: main, address: 10.0.0.1 }
  b: { role: xivo, side: standby, address: 10.0.0.2 }
  edge: { role: edge, address: 10.0.0.3 }
roles:
  xivo:
    exclusive: true
    witness: { sip: "{{ .peer.address }}:5060" }
    services:
      - { name: asterisk, systemd: asterisk.service, ready: { sip: "{{ .node.address }}:5060" } }
    jobs:
      - { name: copy, schedule: 1m, when: active, command: [copy, "{{ .peer.address }}", "{{ .nodes.b.address }}"] }
  edge:
    follows: xivo
    detect: { tcp: "{{ .node.address }}:5060" }
    files:
      - { path: /etc/x.conf, template: t.conf }
`

// TestOneSlipIsOneProblem: what only follows from a slip is not said beside it.
func TestOneSlipIsOneProblem(t *testing.T) {
	template := func(string) ([]byte, error) { return []byte("{{ .on.xivo.address }} {{ .nodes.b.side }}\n"), nil }
	if _, problems := Load("d", []byte(knocked), template); len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"side":        {"side: standby", "side: stanby", "nodes.b.side: must be one of main, standby"},
		"switch":      {"exclusive: true", "exclusive: yes", "roles.xivo.exclusive: must be true or false"},
		"upper case":  {"  b: {", "  B: {", "nodes.B: must be made of lower-case letters"},
		"role":        {"b: { role: xivo", "b: { role: xvio", `nodes.b.role: no role "xvio" is defined`},
		"address":     {"10.0.0.2", "10.0.0.310", `nodes.b.address: "10.0.0.310" is not an IPv4 address`},
		"port":        {"10.0.0.2", "10.0.0.2:5060", `nodes.b.address: "10.0.0.2:5060" holds a port`},
		"same":        {"10.0.0.2", "10.0.0.1", "nodes.b.address: 10.0.0.1 is the address of a already"},
		"no side":     {"role: xivo, side: standby", "role: xivo", "nodes.b.side: is missing"},
		"second side": {"side: standby", "side: main", "nodes.b.side: role xivo has a node on side main already"},
	} {
		_, problems := Load("d", []byte(strings.Replace(knocked, c.from, c.to, 1)), template)
		if len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) {
			t.Errorf("%s: want only %q, got:\n%s", name, c.want, printed(problems))
		}
	}
}

func TestAMissingPeerIsSaidOnce(t *testing.T) {
	text := strings.Replace(knocked, "  b: { role: xivo, side: standby, address: 10.0.0.2 }\n", "", 1)
	text = strings.Replace(text, `, "{{ .nodes.b.address }}"`, `, "{{ .peer.name }}"`, 1)
	_, problems := Load("d", []byte(text), func(string) ([]byte, error) { return []byte("x"), nil })
	if len(problems) != 1 || problems[0].Hint != "role xivo has no node on side standby" {
		t.Error(printed(problems))
	}
}

func TestLiteralBracesHaveAHint(t *testing.T) {
	text := strings.Replace(knocked, `"{{ .nodes.b.address }}"`, `"{{.Names}}"`, 1)
	_, problems := Load("d", []byte(text), func(string) ([]byte, error) { return []byte("x"), nil })
	if len(problems) == 0 || !strings.Contains(problems[0].Hint, `{{ "{{" }}`) {
		t.Error(printed(problems))
	}
}

func TestNodesOfDifferentRolesMayShareAMachine(t *testing.T) {
	text := head + "nodes:\n  a: { role: r, side: main, address: 10.0.0.1 }\n  b: { role: s, side: main, address: 10.0.0.1 }\n" +
		"  c: { role: e, address: 10.0.0.1 }\n  d: { role: r, side: standby, address: 127.0.0.1 }\n  f: { role: s, side: standby, address: 127.0.0.1 }\n" +
		"roles: { r: { exclusive: true }, s: { exclusive: true }, e: {} }\n"
	if _, problems := Load("d", []byte(text), nil); len(problems) > 0 {
		t.Error(printed(problems))
	}
}

func printed(problems []schema.Problem) string {
	return strings.Join(append(schema.Lines(problems, strings.Clone), ""), "\n")
}
