package spec

import (
	"encoding/json"
	"maps"
	"net"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/schema"
	"mainstay/spec/endpoint"
)

// decided says of every field below the top of a document what keeps it from
// making a node do what its own file does not allow.
func decided() map[string]string {
	const names, inert = "only names", "bounds or words: makes nothing happen"
	return map[string]string{
		"role.exclusive": inert, "role.follows": names, "role.witness": "probe", "role.detect": "probe", "role.services": "service",
		"role.files": "file", "role.jobs": "job", "role.checks": "check", "role.leaves": "leaf",
		"service.name": names, "service.systemd": "allow.systemd", "service.compose": "composeService", "service.command": "commandService",
		"service.process": "processService", "service.address": "addressService", "addressService.interface": "allow.addresses", "addressService.ip": "allow.addresses",
		"service.run": "runService", "runService.onStart": "allow.commands", "runService.onStop": "allow.commands", "runService.required": inert, "service.ready": "probe", "service.startTimeout": inert, "service.stopTimeout": inert, "service.restart": inert,
		"service.drain":          "allow.commands",
		"composeService.project": "allow.compose", "composeService.service": "allow.compose, by its project", "composeService.directory": "allow.compose",
		"commandService.start": "allow.commands", "commandService.stop": "allow.commands", "commandService.status": "allow.commands",
		"commandService.running": inert, "commandService.stopped": inert, "commandService.failed": inert, "commandService.partial": inert,
		"processService.command": "allow.commands", "processService.directory": "allow.paths", "processService.environment": "allow.environment",
		"probe.sip": "allow.probes", "probe.http": "allow.probes", "probe.tcp": "allow.probes", "probe.command": "allow.commands",
		"probe.transport": inert, "probe.status": inert, "probe.body": inert, "probe.insecure": inert, "probe.timeout": inert,
		"probe.every": inert, "probe.fail": inert, "probe.within": inert,
		"file.path": "allow.paths", "file.template": "stays below the document", "file.mode": "never writable for everybody", "file.check": "action", "file.reload": "action",
		"action.command": "allow.commands", "action.systemd": "allow.systemd", "action.timeout": inert,
		"job.name": names, "job.when": inert, "job.schedule": inert, "job.command": "allow.commands", "job.timeout": inert,
		"agent.poll": "from 100ms to 5m", "agent.timeout": "from 100ms to 1m", "agent.heartbeat": "at least 1s",
		"handover.wait": inert, "handover.unconfirmed": inert, "handover.absent": inert, "handover.lease": inert, "handover.objective": inert,
		"node.role": names, "node.side": names, "node.address": "widens allow.probes by this host", "node.url": "widens allow.probes by this host",
		"node.paused": inert, "node.reason": inert, "node.until": inert,
		"check.name": names, "check.command": "allow.commands", "check.every": inert, "check.timeout": inert,
		"leaf.name": names, "leaf.command": "allow.commands", "leaf.every": inert, "leaf.timeout": inert,
	}
}

// TestEveryFieldOfADocumentIsDecided fails for a field that was added to the
// schema without a decision on what a repository may do with it.
func TestEveryFieldOfADocumentIsDecided(t *testing.T) {
	b, err := schema.JSON(schema.Deployment)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	left := decided()
	for def, part := range s.Defs {
		for field := range part.Properties {
			if left[def+"."+field] == "" {
				t.Errorf("nobody decided what a repository may do with %s.%s: decide in Allow.Refusals, and say so here", def, field)
			}
			delete(left, def+"."+field)
		}
	}
	for field := range maps.Keys(left) {
		t.Errorf("%s is no field of the schema", field)
	}
}

func TestWhatADocumentMayNeverAsk(t *testing.T) {
	for service, want := range map[string]string{
		`systemd: "xivo-*.service"`:                                      "a document names one unit",
		`process: { command: [./run] }`:                                  "depends on the current folder",
		`systemd: x.service, ready: { http: "http://169.254.169.254/" }`: "link-local",
		`systemd: x.service, ready: { tcp: "[fe80::1]:80" }`:             "link-local",
	} {
		_, problems := Load("d", []byte(head+"nodes: { a: { role: r } }\nroles: { r: { services: [{ name: x, "+service+" }] } }\n"), nil)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: want %q, got %s", service, want, printed(problems))
		}
	}
}

func TestAProbeAsksLoopbackTheDocumentsHostsAndWhatIsListed(t *testing.T) {
	hosts := []string{"10.20.0.11", "CC.example.org", "2001:db8::7"}
	listed := Allow{Probes: []string{"10.30.0.0/16:5060", "*.voice.example.org:443", "monitor:*", "[2001:db8:1::/48]:80"}}
	for _, c := range []struct {
		probe Probe
		want  bool
	}{
		{Probe{HTTP: "http://127.0.0.1:8090/"}, true},
		{Probe{HTTP: "https://[::1]/"}, true},
		{Probe{TCP: "localhost:5038"}, true},
		{Probe{SIP: "10.20.0.11:5060"}, true},
		{Probe{SIP: "10.20.0.11"}, true},
		{Probe{HTTP: "http://[::ffff:10.20.0.11]/"}, true},
		{Probe{HTTP: "https://cc.example.org./"}, true},
		{Probe{SIP: "[2001:db8:0::7]"}, true},
		{Probe{SIP: "10.30.7.7:5060"}, true},
		{Probe{HTTP: "https://a.voice.example.org/"}, true},
		{Probe{TCP: "monitor:1"}, true},
		{Probe{HTTP: "http://[2001:db8:1::1]/"}, true},
		{Probe{}, false},
		{Probe{SIP: "10.30.7.7:5061"}, false},
		{Probe{HTTP: "https://voice.example.org/"}, false},
		{Probe{HTTP: "https://evilvoice.example.org/"}, false},
		{Probe{HTTP: "http://a.voice.example.org/"}, false},
		{Probe{TCP: "10.20.0.12:22"}, false},
		{Probe{HTTP: "http://cc.example.org@10.9.9.9/"}, false},
		{Probe{HTTP: "http://169.254.169.254/latest/meta-data/"}, false},
		{Probe{HTTP: "http://[::ffff:169.254.169.254]/"}, false},
		{Probe{HTTP: "http://[64:ff9b::a9fe:a9fe]/"}, false},
		{Probe{TCP: "[fe80::1%eth0]:80"}, false},
		{Probe{HTTP: "http://2852039166/"}, false},
		{Probe{HTTP: "http://0.0.0.0:80/"}, false},
		{Probe{HTTP: "http://metadata.example.net/"}, false},
	} {
		host, port := c.probe.asks()
		t.Run(host+" "+port, func(t *testing.T) {
			if !c.want {
				attack.Row(t, "allow", "a probe asks "+host+" port "+port, "refused")
			}
			if err := listed.CheckProbe(&c.probe, hosts); (err == nil) != c.want {
				t.Errorf("%v, want allowed %v", err, c.want)
			}
		})
	}
	everywhere := Allow{Probes: []string{"*:*", "0.0.0.0/0:*"}}
	if everywhere.CheckProbe(&Probe{HTTP: "http://169.254.169.254/"}, []string{"169.254.169.254"}) == nil {
		t.Error("a link-local address that is listed, and the document's own, is asked")
	}
	attack.Row(t, "allow", "a node's address is where a cloud tells its machines secrets, in whatever way it is written", "refused")
	for _, host := range []string{
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:0ec2:0:0::254", "fd20:ce::254", "fd00:ec2::254%eth0", "::ffff:100.100.100.200",
		"::169.254.169.254", "64:ff9b::6464:64c8", "64:ff9b:1::a9fe:a9fe", "::ffff:a9fe:a9fe",
	} {
		if everywhere.CheckProbe(&Probe{TCP: net.JoinHostPort(host, "80")}, []string{host}) == nil {
			t.Errorf("%s is asked", host)
		}
	}
	for _, host := range []string{"::1", "127.0.0.1", "10.0.0.1", "fd00:ec2::1", "2001:db8::1", "100.100.100.201", "::"} {
		if endpoint.LinkLocal(host) {
			t.Errorf("%s is never asked", host)
		}
	}
}

func TestAnEntryForProbesIsUnderstoodOrRefused(t *testing.T) {
	for entry, want := range map[string]string{
		"10.20.0.7:80": "", "*:443": "", "*.example.org:*": "", "10.0.0.0/8:1": "", "[2001:db8::/32]:80": "",
		"10.20.0.7": "host:port", ":80": "host:port", "host:": "host:port", "10.20.0.*:80": "star", "10.20.0.0/99:80": "network",
		"169.254.169.254:80": "link-local", "169.254.0.0/16:80": "link-local", "[fe80::1]:80": "link-local",
	} {
		if got := endpoint.Problem(entry); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
}

func TestAProcessRunsInAnAllowedFolderOnly(t *testing.T) {
	attack.Row(t, "allow", "a process is to run in a folder of the repository's choice, or one that it may write into", "refused")
	a := Allow{Paths: []string{"/srv/w/", "/etc/f.conf"}, Directories: []string{"/srv/x"}}
	for folder, want := range map[string]bool{
		"": true, "/srv/x": true, "/srv/x/": false, "/srv/x/y": false, "/srv/xy": false, "/srv": false, "/srv/x/../x": false,
		"/srv/w": false, "/srv/w/y": false, "/etc": false,
	} {
		if got := a.CheckDirectory(folder) == nil; got != want {
			t.Errorf("%q: allowed %v", folder, got)
		}
	}
	w := &Wanted{Services: []Service{{Name: "x", Process: &ProcessService{Command: []string{"x"}, Directory: "/tmp/checkout"}}}}
	refusals := Allow{Commands: [][]string{{"x"}}}.Refusals(w)
	if len(refusals) != 1 || refusals[0].Line != `- "/tmp/checkout"` {
		t.Error(refusals)
	}
}
