//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"mainstay/e2e/hosts"
)

// voice is a document of two XiVO, two contact centres that follow them, a
// media server and an edge proxy.
const voice = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
agent: { poll: 1s, timeout: 10s }
handover: { wait: 30s }
nodes:
  xivo-main:    { role: xivo, side: main,    address: %[1]s }
  xivo-standby: { role: xivo, side: standby, address: %[2]s }
  cc-main:      { role: cc, side: main,    address: %[3]s }
  cc-standby:   { role: cc, side: standby, address: %[4]s }
  mds1:         { role: mds, address: %[5]s }
  edge:         { role: edge, address: %[6]s }
roles:
  xivo:
    exclusive: true
    witness: { sip: "{{ .peer.address }}:5060" }
    services:
      - name: asterisk
        systemd: asterisk.service
        ready: { sip: "{{ .node.address }}:5060", within: 60s }
        stopTimeout: 20s
      - { name: monit, systemd: monit.service }
  cc:
    exclusive: true
    follows: xivo
    services:
      - name: xuc
        compose:
          project: '{{ if eq .node.side "main" }}%[7]s{{ else }}%[8]s{{ end }}'
          service: xuc
          directory: /srv/xivocc
        ready: { http: "http://127.0.0.1:8090/" }
  mds:
    follows: xivo
    files:
      - path: /etc/asterisk/pjsip.d/10-serving.conf
        template: templates/mds-serving.conf
        reload: { command: [asterisk, -rx, "pjsip reload"] }
  edge:
    follows: cc
    files:
      - path: /etc/nginx/conf.d/upstream.conf
        template: templates/edge-upstream.conf
        check: { command: [nginx, -t] }
        reload: { systemd: nginx.service }
`

const (
	servingTemplate  = "[xivo]\ntype = aor\ncontact = sip:{{ .on.xivo.address }}:5060\n"
	upstreamTemplate = "upstream xivocc {\n\tserver {{ .on.cc.address }}:8090;\n}\n"
	edgeSite         = "server {\n\tlisten 80 default_server;\n\tlocation / {\n\t\tproxy_pass http://xivocc;\n\t}\n}\n"
	// standIn is a unit without anything that could fail.
	standIn = "[Service]\nExecStart=/bin/sleep infinity\n"
)

// voiceNodes lists the nodes of the document, the order of its addresses.
var voiceNodes = [...]string{"xivo-main", "xivo-standby", "cc-main", "cc-standby", "mds1", "edge"}

// newVoice makes the site of the document, its agents not yet running.
func newVoice(t *testing.T) *site {
	t.Helper()
	var specs []hosts.Spec
	for _, name := range voiceNodes {
		specs = append(specs, hosts.Spec{Name: name, Image: hosts.Node, Docker: strings.HasPrefix(name, "cc-")})
	}
	s := newSite(t, specs...)
	var fill []any
	for _, name := range voiceNodes {
		fill = append(fill, s.nodes[name].IP())
	}
	for _, side := range []string{"main", "standby"} {
		cc := s.nodes["cc-"+side]
		project := cc.NewProject(t, "xivocc", hosts.Service{Name: "xuc", Port: 8090, Text: "xuc on " + side})
		s.projects["cc-"+side] = project
		fill = append(fill, project.Name)
		s.nodes["xivo-"+side].Put(t, "/etc/asterisk/pjsip.conf", transport)
		s.nodes["xivo-"+side].Put(t, "/etc/systemd/system/monit.service", standIn)
	}
	s.prepareShared(t)
	s.commit("The deployment", map[string]string{
		"deployment.yaml":              fmt.Sprintf(voice, fill...),
		"templates/mds-serving.conf":   servingTemplate,
		"templates/edge-upstream.conf": upstreamTemplate,
	})
	return s
}

// prepareShared lets Asterisk run on the media server and nginx on the edge, as
// they do on nodes that serve all the time.
func (s *site) prepareShared(t *testing.T) {
	t.Helper()
	mds, edge := s.nodes["mds1"], s.nodes["edge"]
	mds.Put(t, "/etc/asterisk/pjsip.conf", transport+"#tryinclude \"pjsip.d/*.conf\"\n")
	mds.Must(t, "mkdir", "-p", "/etc/asterisk/pjsip.d")
	mds.Must(t, "systemctl", "start", "asterisk")
	edge.Put(t, "/etc/nginx/sites-available/default", edgeSite)
	edge.Put(t, "/etc/nginx/conf.d/upstream.conf", "upstream xivocc {\n\tserver 127.0.0.1:9;\n}\n")
	edge.Must(t, "systemctl", "start", "nginx")
}

// startAgents installs the agents of all nodes, each with its own limits.
func (s *site) startAgents() {
	s.t.Helper()
	for name, allow := range map[string]string{
		"xivo-main":    "{ systemd: [asterisk.service, monit.service] }",
		"xivo-standby": "{ systemd: [asterisk.service, monit.service] }",
		"cc-main":      "{ compose: [" + s.projects["cc-main"].Name + "=/srv/xivocc] }",
		"cc-standby":   "{ compose: [" + s.projects["cc-standby"].Name + "=/srv/xivocc] }",
		"mds1":         `{ commands: [[asterisk, -rx, "pjsip reload"]], paths: [/etc/asterisk/pjsip.d/] }`,
		"edge":         "{ systemd: [nginx.service], commands: [[nginx, -t]], paths: [/etc/nginx/conf.d/] }",
	} {
		s.install(name, allow)
	}
}
