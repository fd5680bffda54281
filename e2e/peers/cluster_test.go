//go:build e2e

package peers

import (
	"fmt"
	"strings"
)

// corosync makes a cluster of both sides.
const corosync = `totem {
	version: 2
	cluster_name: peers
	transport: knet
}
nodelist {
	node {
		ring0_addr: %s
		name: main
		nodeid: 1
	}
	node {
		ring0_addr: %s
		name: standby
		nodeid: 2
	}
}
quorum {
	provider: corosync_votequorum
	two_node: 1
}
logging {
	to_syslog: yes
}
system {
	move_to_root_cgroup: no
}
`

// ocf is the least agent that a cluster of OCF takes; what it does is believed.
const ocf = `#!/bin/sh
case $1 in
start) exec systemctl start "$OCF_RESKEY_unit" ;;
stop) exec systemctl stop "$OCF_RESKEY_unit" ;;
monitor) systemctl --quiet is-active "$OCF_RESKEY_unit" || exit 7 ;;
meta-data) cat <<'XML'
<?xml version="1.0"?>
<resource-agent name="unit" version="1"><version>1</version><longdesc lang="en">A unit</longdesc><shortdesc lang="en">A unit</shortdesc>
<parameters><parameter name="unit" required="1"><longdesc lang="en">Its name</longdesc><shortdesc lang="en">Its name</shortdesc><content type="string"/></parameter></parameters>
<actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="1s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>
XML
;;
esac
`

// pacemaker makes the cluster, without fencing: what is measured is a move.
func (p *pair) pacemaker() {
	p.t.Helper()
	config := fmt.Sprintf(corosync, p.hosts["main"].IP(), p.hosts["standby"].IP())
	for _, h := range p.hosts {
		h.Put(p.t, "/etc/corosync/corosync.conf", config)
		if err := h.Write(p.t.Context(), "/usr/lib/ocf/resource.d/peers/unit", []byte(ocf), 0o755); err != nil {
			p.t.Fatal(err)
		}
		h.Must(p.t, "chmod", "755", "/usr/lib/ocf/resource.d/peers") // the cluster reads there as a user of its own
	}
	for _, h := range p.hosts {
		h.Must(p.t, "systemctl", "start", "corosync.service", "pacemaker.service")
	}
	p.eventually("both sides are in the cluster", func() bool {
		said, err := p.hosts["main"].Exec(p.t.Context(), "timeout", "5", "crm_node", "--partition")
		return err == nil && len(strings.Fields(said)) == 2
	})
	p.eventually("the cluster has a coordinator", func() bool {
		said, err := p.hosts["main"].Exec(p.t.Context(), "timeout", "5", "crm_mon", "--one-shot")
		return err == nil && strings.Contains(said, "Current DC: ") && !strings.Contains(said, "Current DC: NONE")
	})
	for _, set := range []string{"crm_config stonith-enabled false", "rsc_defaults resource-stickiness 100"} {
		f := strings.Fields(set)
		p.hosts["main"].Must(p.t, "crm_attribute", "--type", f[0], "--name", f[1], "--update", f[2])
	}
}

// resource gives the cluster a unit, and returns what moves it.
func (p *pair) resource(unit, class, monitor string) func(to string) {
	p.t.Helper()
	id := strings.TrimSuffix(unit, ".service")
	what := fmt.Sprintf(`class="systemd" type=%q>`, id)
	if class == "ocf" {
		what = fmt.Sprintf(`class="ocf" provider="peers" type="unit"><instance_attributes id="%s-a"><nvpair id="%[1]s-u" name="unit" value=%[2]q/></instance_attributes>`, id, unit)
	}
	p.hosts["main"].Must(p.t, "cibadmin", "--create", "--scope", "resources", "--xml-text", fmt.Sprintf(
		`<primitive id=%q %s<operations><op id="%[1]s-m" name="monitor" interval=%[3]q timeout="20s"/></operations></primitive>`, id, what, monitor))
	return func(to string) {
		p.hosts["main"].Must(p.t, "crm_resource", "--resource", id, "--move", "--node", to)
	}
}

// stays takes back that a resource may not be where it was, once it moved.
func (p *pair) stays(unit string) {
	p.t.Helper()
	p.hosts["main"].Must(p.t, "crm_resource", "--resource", strings.TrimSuffix(unit, ".service"), "--clear")
}

const keepalived = `global_defs {
	script_user root
	enable_script_security
}
vrrp_track_file wanted {
	file /etc/keepalived/wanted
	weight 1
}
vrrp_instance peers {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority 100
	advert_int 1
	unicast_src_ip %s
	unicast_peer { %s }
	track_file { wanted }
	notify_master "/usr/bin/systemctl start %[3]s"
	notify_backup "/usr/bin/systemctl stop %[3]s"
}
`

// vrrp makes both sides a virtual router, and returns what makes one of them its master:
// a higher priority.
func (p *pair) vrrp(unit string) func(to string) {
	p.t.Helper()
	prefer := func(to string) {
		for side, value := range map[string]string{to: "50", other(to): "0"} {
			p.hosts[side].Must(p.t, "sh", "-c", "echo "+value+" >/etc/keepalived/wanted")
		}
	}
	for side, h := range p.hosts {
		h.Put(p.t, "/etc/keepalived/keepalived.conf", fmt.Sprintf(keepalived, h.IP(), p.hosts[other(side)].IP(), unit))
	}
	prefer("main")
	for _, h := range p.hosts {
		h.Must(p.t, "systemctl", "start", "keepalived.service")
	}
	return prefer
}

// loop is what people write first.
const loop = `#!/bin/sh
cd /srv/loop || exit 1
while :; do
	git pull --quiet --ff-only
	if grep -q "^active: $(hostname)$" deployment.yaml; then systemctl start %[1]s; else systemctl stop %[1]s; fi
	sleep 5
done
`

// shell makes both sides follow a repository by a loop.
func (p *pair) shell(unit string) func(to string) {
	p.t.Helper()
	r := p.repository("loop", "")
	for _, h := range p.hosts {
		h.Must(p.t, "git", "clone", "--quiet", r.url, "/srv/loop")
		if err := h.Write(p.t.Context(), "/usr/local/bin/loop", fmt.Appendf(nil, loop, unit), 0o755); err != nil {
			p.t.Fatal(err)
		}
		h.Put(p.t, "/etc/systemd/system/loop.service", "[Service]\nExecStart=/usr/local/bin/loop\n")
		h.Must(p.t, "systemctl", "daemon-reload")
		h.Must(p.t, "systemctl", "start", "loop.service")
	}
	return r.declare
}
