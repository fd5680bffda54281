//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/hosts"
	"mainstay/e2e/note"
)

const (
	// etcdPrefix is what the keys of all deployments begin with.
	etcdPrefix = "voice"
	etcdReader = "mainstay-paris-reader"
)

func memberName(i int) string { return fmt.Sprintf("etcd%d", i+1) }

// serveEtcd makes a cluster of the hosts that are for it, with a user for each node as
// examples/etcd says.
func (p *wholePage) serveEtcd(t *testing.T, members int) {
	t.Helper()
	var made []*hosts.Host
	var addresses []string
	for i := range members {
		host := p.nodes[memberName(i)]
		delete(p.nodes, memberName(i))
		made, addresses = append(made, host), append(addresses, host.IP())
	}
	tls := newCertificate(t, "etcd", addresses...)
	p.etcd = hosts.ServeEtcd(t, made, tls.key, tls.chain)
	args := []string{etcdPrefix, "paris"}
	for name := range p.nodes {
		if role, _, exclusive := strings.Cut(name, "-"); exclusive {
			name += "=" + role
		}
		args = append(args, name)
	}
	p.users = p.etcd.LetIn(t, "../examples/etcd/roles.sh", etcdReader, args...)
}

// keepOnEtcd adds to a node's files what it needs to keep its claims on etcd.
func (p *wholePage) keepOnEtcd(name string, files map[string][]byte) {
	files["agent.yaml"] = fmt.Appendf(files["agent.yaml"], "\ncoordination:\n  url: %s\n  caFile: /etc/mainstay/etcd-ca.pem\n  userFile: /etc/mainstay/etcd-user\n",
		p.etcd.URL(etcdPrefix))
	files["etcd-ca.pem"] = []byte(p.etcd.CA)
	files["etcd-user"] = []byte(p.users["mainstay-paris-"+name])
}

// changesOnEtcd are the files of all changes of a claim, oldest first.
func (s *site) changesOnEtcd(ctx context.Context, deployment, role string) (files []string, err error) {
	values, err := s.etcd.Values(ctx, etcdPrefix+"/note/"+deployment+"/claim/"+role+"/")
	for _, value := range values {
		file, is := note.File(value)
		if !is {
			return nil, fmt.Errorf("a change of the claim of %s is %q", role, value)
		}
		files = append(files, file)
	}
	return files, err
}

// holderOnEtcd is what the newest change of a claim says, or what it said last while no
// member answers.
func (p *wholePage) holderOnEtcd(role string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	files, err := p.changesOnEtcd(ctx, "paris", role)
	h := &p.holders
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil {
		h.known = map[string][2]string{}
	}
	if err == nil && len(files) > 0 {
		h.known[role] = [2]string{"", holderIn(files[len(files)-1])}
	}
	return h.known[role][1]
}

// leader is the member that leads now.
func (p *wholePage) leader(t *testing.T) (leader *hosts.Host) {
	t.Helper()
	eventually(t, "etcd has a leader", func() bool { leader = p.etcd.Leader(t.Context()); return leader != nil })
	return leader
}

// bootMembers switches on whatever member has no power.
func (p *wholePage) bootMembers(t *testing.T) {
	t.Helper()
	for _, member := range p.etcd.Members {
		if !member.Up() {
			member.Boot(t)
		}
	}
}

// awaitStop waits until Asterisk of a side is down: its claim is about to be released.
func (p *wholePage) awaitStop(t *testing.T, side string) {
	t.Helper()
	bound, tick := time.After(siteBound), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for p.nodes["xivo-"+side].Runs("asterisk.service") {
		select {
		case <-tick.C:
		case <-bound:
			t.Fatalf("Asterisk of %s never stopped", side)
		}
	}
}

// The leader loses its power while main stops. Standby comes up all the same, and the way
// back needs two members only. Meanwhile every surface says which member is missing, and
// afterwards that it is there again.
func losesAMemberInTheSwitch(t *testing.T, p *wholePage) {
	var lost *hosts.Host
	p.failOverAndBack(t, "Story 8: a member of etcd loses its power in the switch", func(w *witness, to string) {
		if to != "standby" {
			return
		}
		leader := p.leader(t)
		p.awaitStop(t, other(to))
		w.Mark(leader.Name() + ", which leads, loses its power")
		leader.Kill(t)
		lost = leader
	}, func(w *witness, to string) {
		if to == "standby" {
			p.wantMember(t, lost, false)
			return
		}
		w.Mark(lost.Name() + " is switched on again")
		lost.Boot(t)
		p.wantMember(t, lost, true)
		p.converged(to, p.head())
	})
	p.wantNoAdvice(t)
}

// The process of the leader is killed in both switches, each time while a side stops, and
// systemd starts it again: whoever leads then is another one, or the same with a new term.
func losesTheLeaderInTheSwitch(t *testing.T, p *wholePage) {
	p.failOverAndBack(t, "Story 8: the leader of etcd is killed in the switch", func(w *witness, to string) {
		leader := p.leader(t)
		p.awaitStop(t, other(to))
		w.Mark(leader.Name() + ", which leads, is killed")
		killUnit(t, leader, hosts.EtcdUnit)
	}, func(_ *witness, to string) {
		for _, member := range p.etcd.Members {
			p.wantMember(t, member, true)
		}
	})
	p.wantNoAdvice(t)
}

// wantMember waits until status, doctor and the metrics of a node say whether a member is
// there.
func (p *wholePage) wantMember(t *testing.T, member *hosts.Host, there bool) {
	t.Helper()
	node, at := p.nodes["xivo-standby"], member.IP()+":2379"
	missing := at + " does not answer"
	said := func(words string, argv ...string) func() bool {
		return func() bool {
			out, _ := node.Exec(t.Context(), argv...) // what it finds is its exit status too
			return strings.Contains(out, words) && (!there || !strings.Contains(out, missing))
		}
	}
	line, doctor, up := "3 of 3 members answer", "member "+at+" answers in", "1"
	if !there {
		line, doctor, up = "2 of 3 members answer", "member "+missing, "0"
	}
	eventually(t, "status says "+line, said(line, "mainstay", "status", "--config", "/etc/mainstay/agent.yaml"))
	eventually(t, "the doctor says "+doctor, said(doctor, "mainstay", "doctor"))
	sample := fmt.Sprintf("mainstay_coordination_member_up{member=%q} %s\n", at, up)
	eventually(t, "the metrics say "+sample, said(sample, "bash", "-c",
		`exec 3<>/dev/tcp/127.0.0.1/9477; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3`))
}
