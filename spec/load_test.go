package spec

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

const design = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main                  # main | standby. The failover switch.

agent:
  poll: 5s
  timeout: 10s
  heartbeat: 5m

handover:
  wait: 30s
  unconfirmed: start
  absent: keep
  lease: 0s

nodes:
  xivo-main:    { role: xivo, side: main,    address: 10.20.0.11 }
  xivo-standby: { role: xivo, side: standby, address: 10.20.0.12 }
  cc-main:      { role: cc, side: main,    address: 10.20.0.21, url: https://cc.example.org }
  cc-standby:   { role: cc, side: standby, address: 10.20.0.22, url: https://cc2.example.org }
  mds1:         { role: mds, address: 10.20.0.31 }
  edge:         { role: edge, address: 10.20.0.41 }

roles:
  xivo:
    exclusive: true
    witness: { sip: "{{ .peer.address }}:5060" }
    services:
      - name: asterisk
        systemd: asterisk.service
        ready: { sip: "{{ .node.address }}:5060", within: 60s }
        stopTimeout: 20s
        drain: { command: [/usr/share/mainstay/no-active-calls], within: 0s }
      - { name: monit, systemd: monit.service }
    jobs:
      - { name: replicate, when: active, schedule: "0 * * * *", command: [xivo-master-slave-db-replication, "{{ .peer.address }}"] }
    checks:
      - { name: replication-age, command: [/usr/share/mainstay/replication-age, --max, 2h], every: 5m }
  cc:
    exclusive: true
    follows: xivo
    services:
      - name: xuc
        compose: { project: xivocc, service: xuc }
        ready: { http: "http://127.0.0.1:8090/" }
  mds:
    follows: xivo
    files:
      - path: /etc/asterisk/pjsip.d/10-serving.conf
        template: templates/mds-serving.conf
        reload: { command: [asterisk, -rx, "pjsip reload"] }
  edge:
    follows: cc
    detect: { http: "https://{{ .node.address }}/", every: 2s, fail: 3 }
    files:
      - path: /etc/nginx/conf.d/upstream.conf
        template: templates/edge-upstream.conf
        check:  { command: [nginx, -t] }
        reload: { systemd: nginx.service }
`

func designTemplates() fstest.MapFS {
	return fstest.MapFS{
		"templates/mds-serving.conf":   {Data: []byte("contact=sip:{{ .on.xivo.address }}:5060 ; {{ .serving }}\n")},
		"templates/edge-upstream.conf": {Data: []byte("upstream cc { server {{ .on.cc.address }}:443; }\n")},
	}
}

func mustLoad(t *testing.T, text string, templates fs.FS) *Deployment {
	t.Helper()
	d, problems := Load("deployment.yaml", []byte(text), func(name string) ([]byte, error) { return fs.ReadFile(templates, name) })
	if len(problems) > 0 {
		t.Fatal(printed(problems))
	}
	return d
}
