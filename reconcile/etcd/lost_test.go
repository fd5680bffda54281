//go:build e2e

package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/e2e/etcdserver"
	"mainstay/reconcile/etcd"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
)

// A member is lost with its disk, and a new machine comes in its place: the deployment
// switches before, meanwhile and after, and then without another one of the old members.
func TestAgentsSwitchWhileAMemberOfEtcdIsLostAndReplaced(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3), "300ms")
	s.begin()
	lost := s.cluster.Members[0]
	s.cluster.Kill(lost)
	s.handsOver("standby")
	s.cluster.Replace(lost)
	s.handsOver("main")
	s.cluster.Kill(s.cluster.Members[1]) // the new one is one of the two that are left
	s.handsOver("standby")
	s.cluster.Start(s.cluster.Members[1])
	s.cluster.Ready()
	s.handsOver("main")
}

// A disk of which every write takes a third of a second makes a switch slow, and no more: be
// it that of one member, which the two others do not wait for, or of two of them.
func TestAgentsSwitchWhileDisksOfEtcdAreSlow(t *testing.T) {
	s := newSite(t, etcdserver.New(t, 3, "--election-timeout", "5000"), "300ms")
	s.begin()
	for i, side := range []string{"standby", "main"} {
		s.cluster.Slow(s.cluster.Members[i], 300*time.Millisecond)
		began := time.Now()
		s.handsOver(side)
		t.Logf("with %d slow disks %s serves %s after the commit", i+1, side, time.Since(began).Round(time.Millisecond))
	}
}

// line is a way to a member that can be cut.
type line struct {
	at   string
	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
}

func lineTo(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &line{at: l.Addr().String(), open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		out.set(true)
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go out.carry(c, to)
		}
	}()
	return out
}

func (l *line) carry(c net.Conn, to string) {
	far, err := net.Dial("tcp", to)
	if err != nil || !l.keep(c, far) {
		_ = c.Close()
		return
	}
	go func() { _, _ = io.Copy(far, c); _ = far.Close() }()
	_, _ = io.Copy(c, far)
	_ = c.Close()
}

func (l *line) keep(all ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range all {
		if l.cut {
			_ = c.Close()
		}
		l.open[c] = true
	}
	return !l.cut
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut = cut; cut {
		for c := range l.open {
			_ = c.Close()
		}
		clear(l.open)
	}
}

// R5: a node that is cut off from every member serves on as it did, also when its agent is
// started again, and the other side, which has the majority, does not start while it waits
// for a release (handover.unconfirmed: hold). When the node is back it hands over.
func TestANodeThatIsCutOffFromEtcdServesOnAndIsNotTakenForDead(t *testing.T) {
	c := etcdserver.New(t, 3)
	s := newSite(t, c, "300ms")
	var lines []*line
	var at []string
	for _, m := range c.Members {
		l := lineTo(t, m.At)
		lines, at = append(lines, l), append(at, l.at)
	}
	direct := s.url
	s.url = "etcd://" + strings.Join(at, ",") + "/voice"
	s.main = s.agentOf("xivo-main")
	s.url = direct
	s.standby = s.agentOf("xivo-standby")
	s.main.until("serving", func() bool { return s.main.serves() > 0 })
	pid := s.main.serves()
	s.standby.until("at rest", func() bool { return strings.Contains(s.standby.says(), "Inactive") })
	for _, l := range lines {
		l.set(true)
	}
	s.declare("standby")
	s.watchedUntil("told that claims cannot be read", func() bool { return strings.Contains(s.main.says(), "CoordinationUnreachable") })
	s.staysAs(s.main, pid, "while main is cut off")
	s.main.stop()
	s.main.start()
	s.staysAs(s.main, pid, "when its agent was started again")
	for _, l := range lines {
		l.set(false)
	}
	s.watchedUntil("serving as standby", func() bool { return s.standby.serves() > 0 && s.main.serves() == 0 })
}

// R10: a person may take old changes of a claim away, as long as every node knows a newer
// one. Nodes that do go on, and so does one that knows nothing; one that knew only what was
// taken away does not believe the claim.
func TestOldChangesOfAClaimOnEtcdMayBeTakenAway(t *testing.T) {
	c := etcdserver.New(t, 3)
	client := opened(t, c.URL("voice"))
	var tips []plan.Tip
	for i := range uint64(100) {
		tip := plan.Tip{Claim: claimOf("xivo-main", i+1)}
		parent := ""
		if i > 0 {
			parent = tips[i-1].ID
		}
		id, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: parent, Claim: tip.Claim})
		if err != nil {
			t.Fatal(err)
		}
		tip.ID = id
		tips = append(tips, tip)
	}
	notes := "voice/note/paris/claim/xivo/"
	c.Control("del", notes, fmt.Sprintf("%s%016x", notes, 51)) // 1 to 50
	newest := tips[99]
	for name, one := range map[string]struct {
		known    plan.Tip
		descends bool
	}{"the newest": {newest, true}, "one that is there": {tips[60], true}, "nothing": {plan.Tip{}, true}, "one that is gone": {tips[20], false}} {
		read, err := client.Claim(t.Context(), claimRef, newest.ID, one.known)
		if err != nil || read.Tip.ID != newest.ID || read.Descends != one.descends {
			t.Errorf("who knows %s: %+v, %v", name, read.ClaimRead, err)
		}
	}
	if changes, err := client.Chain(t.Context(), claimRef, newest.ID, 0); len(changes) != 50 || err != nil {
		t.Errorf("%d changes, %v", len(changes), err)
	}
	if _, err := client.PushClaim(t.Context(), claimRef, plan.Push{Parent: newest.ID, Claim: claimOf("xivo-main", 101)}); err != nil {
		t.Error(err)
	}
}

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.file, _ = a.sign("authority", true)
	return a
}

// sign makes a certificate, and files of it and of its key.
func (a *authority) sign(name string, ca bool) (*x509.Certificate, *ecdsa.PrivateKey, string, string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	by, with := of, key
	if a.cert != nil {
		by, with = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, secret := filepath.Join(a.t.TempDir(), name+".pem"), filepath.Join(a.t.TempDir(), name+".key")
	a.write(cert, "CERTIFICATE", der)
	a.write(secret, "EC PRIVATE KEY", raw)
	return made, key, cert, secret
}

func (a *authority) write(file, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// Members that want a certificate let in who has one of their authority, and nobody else: not
// who has none, nor one of another authority. One that is renewed counts without a restart.
func TestOnlyAClientCertificateOfTheAuthorityIsLetInByEtcd(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	_, _, cert, key := ca.sign("member", false)
	c := etcdserver.NewSecure(t, 3, etcdserver.Secure{CA: ca.file, Cert: cert, Key: key})
	_, _, ownCert, ownKey := ca.sign("xivo-main", false)
	_, _, falseCert, falseKey := other.sign("xivo-main", false)
	with := func(cert, key, authority string) *etcd.Client {
		client, err := etcd.Open(etcd.Options{URL: c.URL("voice"), CAFile: authority, CertFile: cert, KeyFile: key})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	own := with(ownCert, ownKey, ca.file)
	first, err := own.PushClaim(t.Context(), claimRef, plan.Push{Claim: claimOf("xivo-main", 1)})
	if err != nil || claimAt(t, own) != first {
		t.Fatalf("with its own: %v", err)
	}
	for name, one := range map[string]struct {
		client *etcd.Client
		want   error
	}{
		"without one":                   {with("", "", ca.file), failure.ErrAuth},
		"with one of another authority": {with(falseCert, falseKey, ca.file), failure.ErrAuth},
		"whose members are not known":   {with(ownCert, ownKey, other.file), failure.ErrHostKey},
	} {
		if l, err := one.client.ListPrimary(t.Context()); !errors.Is(err, one.want) || len(l.Refs) > 0 {
			t.Errorf("%s: %+v, %v", name, l.Refs, err)
		}
		if id, err := one.client.PushClaim(t.Context(), claimRef, plan.Push{Parent: first, Claim: claimOf("xivo-main", 2)}); err == nil {
			t.Errorf("%s: made %s", name, id)
		}
	}
	renewed := with(falseCert, falseKey, ca.file)
	for from, to := range map[string]string{ownCert: falseCert, ownKey: falseKey} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if claimAt(t, renewed) != first {
		t.Error("a renewed certificate is not used")
	}
}
