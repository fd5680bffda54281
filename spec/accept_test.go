package spec

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mainstay/spec/timing"
)

const head = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
`

const pair = `nodes:
  a: { role: xivo, side: main, address: 10.0.0.1 }
  b: { role: xivo, side: standby, address: 10.0.0.2 }
`

func TestGoodDocumentsAreAccepted(t *testing.T) {
	templates := fstest.MapFS{"t.conf": {Data: []byte("{{ .node.name }} {{ with index .node \"url\" }}{{ . }}{{ end }}\n")}}
	for name, text := range map[string]string{
		"smallest":           head + "nodes: { a: { role: r } }\nroles: { r: {} }\n",
		"one side only":      head + "nodes: { a: { role: r, side: main } }\nroles: { r: { exclusive: true } }\n",
		"byte order mark":    "\ufeff" + head + "nodes: { a: { role: r } }\nroles: { r: {} }\n",
		"CRLF":               strings.ReplaceAll(head+"nodes: { a: { role: r } }\nroles: { r: {} }\n", "\n", "\r\n"),
		"leading ---":        "---\n" + head + "nodes: { a: { role: r } }\nroles: { r: {} }\n",
		"JSON":               `{"apiVersion":"mainstay/v1","kind":"Deployment","name":"x","active":"main","nodes":{"a":{"role":"r"}},"roles":{"r":{}}}`,
		"tagged scalar":      head + "nodes: { a: { role: !!str r } }\nroles: { r: {} }\n",
		"quoted switch":      head + "nodes: { a: { role: \"on\" } }\nroles: { \"on\": {} }\n",
		"fenced other side":  head + "fenced: standby\n" + pair + "roles: { xivo: { exclusive: true } }\n",
		"lease long enough":  head + "handover: { lease: 25s }\n" + pair + "roles: { xivo: { exclusive: true } }\n",
		"lease, cron poll":   head + "agent: { poll: '* * * * *', timeout: 5s }\nhandover: { lease: 70s }\n" + pair + "roles: { xivo: { exclusive: true } }\n",
		"fast":               head + "agent: { poll: 100ms, timeout: 100ms, heartbeat: 1s }\nhandover: { wait: 100ms }\n" + pair + "roles: { xivo: { exclusive: true } }\n",
		"unused role":        head + pair + "roles: { xivo: { exclusive: true }, spare: { services: [{ name: x, systemd: x.service }] } }\n",
		"empty process argv": head + pair + "roles: { xivo: { exclusive: true, services: [{ name: x, process: { command: [x, ''] } }] } }\n",
		"IPv6":               head + pair + "roles: { xivo: { exclusive: true, witness: { sip: '[2001:db8::1]:5060', transport: tcp } } }\n",
		"template unit":      head + pair + "roles: { xivo: { exclusive: true, services: [{ name: x, systemd: 'x@{{ .node.side }}.service' }] } }\n",
		"optional value":     head + pair + "roles: { xivo: { exclusive: true, files: [{ path: '/etc/{{ .node.name }}', template: t.conf, check: { command: [x, '{{ .candidate }}'] } }] } }\n",
		"alias of a whole":   head + pair + "roles: { xivo: { exclusive: true, witness: &p { tcp: '10.0.0.1:80' }, services: [{ name: x, systemd: x.service, ready: *p }] } }\n",
		"follower on one side": head + "nodes:\n  a: { role: r, side: main }\n  b: { role: r, side: standby }\n  c: { role: s, side: main }\n" +
			"roles: { r: { exclusive: true }, s: { exclusive: true, follows: r } }\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := mustLoad(t, text, templates)
			for _, node := range d.NodeNames() {
				if _, err := d.Want(node); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	d := mustLoad(t, head+pair+`roles:
  xivo:
    exclusive: true
    witness: { tcp: "{{ .peer.address }}:1" }
    services:
      - { name: a, command: { start: [x], stop: [x], status: [x] }, drain: { command: [x] } }
    jobs: [{ name: j, schedule: 1m, command: [x] }]
    checks: [{ name: c, command: [x] }]
`, nil)
	const s, m = Duration(time.Second), Duration(time.Minute)
	opts := cmp.Options{cmpopts.IgnoreFields(Schedule{}, "Text")}
	wantAgent := AgentSettings{Poll: Schedule{Every: 5 * time.Second}, Timeout: 10 * s, Heartbeat: 5 * m}
	if diff := cmp.Diff(wantAgent, d.Agent, opts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Handover{Wait: 30 * s, Unconfirmed: UnconfirmedStart, Absent: AbsentKeep}, d.Handover); diff != "" {
		t.Error(diff)
	}
	x := []string{"x"}
	want := Role{
		Exclusive: true,
		Witness:   &Probe{TCP: "{{ .peer.address }}:1", Timeout: 2 * s, Every: s, Fail: 3, Within: 60 * s},
		Services: []Service{{
			Name:         "a",
			Command:      &CommandService{Start: x, Stop: x, Status: x, Running: []int{0}, Stopped: []int{3}, Failed: []int{1, 2}},
			StartTimeout: 90 * s, StopTimeout: 30 * s, Drain: &Drain{Command: x},
		}},
		Jobs:   []Job{{Name: "j", When: WhenActive, Schedule: Schedule{Every: time.Minute}, Command: x, Timeout: 30 * m}},
		Checks: []Check{{Name: "c", Command: x, Every: m, Timeout: 30 * s}},
	}
	if diff := cmp.Diff(want, d.Roles["xivo"], opts); diff != "" {
		t.Error(diff)
	}
}

func TestAgentFileDefaults(t *testing.T) {
	a, problems := LoadAgentFile("agent.yaml", []byte("repository: { url: /srv/paris.git }\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &AgentFile{
		Repository: Repository{URL: "/srv/paris.git", Branch: "main", Path: "deployment.yaml", KnownHosts: "/etc/mainstay/known_hosts"},
		Verify:     Verify{Skew: Duration(15 * time.Minute)},
		Listen:     "127.0.0.1:9477",
		SelfFence:  []string{"systemctl", "reboot", "--force", "--force"},
		State:      "/var/lib/mainstay", Socket: "/run/mainstay/agent.sock",
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
}

func TestCoordinationIsAnObjectOrOff(t *testing.T) {
	for text, want := range map[string]Coordination{
		"off":                                 Coordination{URL: CoordinationOff},
		"{ url: off }":                        Coordination{URL: CoordinationOff},
		"{ url: '' }":                         Coordination{},
		"{ url: /srv/c.git, sshKey: /etc/k }": Coordination{URL: "/srv/c.git", SSHKey: "/etc/k"},
	} {
		a, problems := LoadAgentFile("agent.yaml", []byte("repository: { url: /srv/paris.git }\ncoordination: "+text+"\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if diff := cmp.Diff(want, a.Coordination); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDigestTellsDocumentsApart(t *testing.T) {
	base := mustLoad(t, design, designTemplates()).Digest()
	reordered := strings.Replace(design, "kind: Deployment\nname: paris\n", "name: \"paris\" # the same\nkind: Deployment\n", 1)
	if got := mustLoad(t, reordered, designTemplates()).Digest(); got != base {
		t.Error("order, quotes and comments must not count")
	}
	flipped := strings.Replace(design, "active: main", "active: standby", 1)
	if got := mustLoad(t, flipped, designTemplates()).Digest(); got == base {
		t.Error("the declared side must count")
	}
	templates := designTemplates()
	templates["templates/edge-upstream.conf"].Data = []byte("other\n")
	if got := mustLoad(t, design, templates).Digest(); got == base {
		t.Error("the templates must count")
	}
}

func TestWantOfAnUnknownNode(t *testing.T) {
	if _, err := mustLoad(t, design, designTemplates()).Want("nobody"); !cmp.Equal(err, ErrUnknownNode, cmpopts.EquateErrors()) {
		t.Error(err)
	}
}

func TestCandidateSurvivesTheExpansion(t *testing.T) {
	d := mustLoad(t, head+pair+"roles: { xivo: { exclusive: true, files: [{ path: /etc/x, template: t.conf, check: { command: [x, '{{ .candidate }}'] } }] } }\n",
		fstest.MapFS{"t.conf": {}})
	if diff := cmp.Diff([]string{"x", CandidateArg}, want(t, d, "a").Files[0].Check.Command); diff != "" {
		t.Error(diff)
	}
}

func TestLongestGapOfASchedule(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5s":               5 * time.Second,
		"@every 1m":        time.Minute,
		"* * * * *":        time.Minute,
		"0 9-17 * * *":     16 * time.Hour,
		"*/5 9-16 * * 1-5": 64*time.Hour + 5*time.Minute,
		"0 0 1 * *":        31 * 24 * time.Hour,
		"0 0 30 2 *":       366 * 24 * time.Hour,
		"@yearly":          365 * 24 * time.Hour,
		"* * 29 2 *":       366 * 24 * time.Hour,
	} {
		s, err := timing.ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Longest(referenceTime()); got != want {
			t.Errorf("%s: longest gap %s, want %s", text, got, want)
		}
	}
}
