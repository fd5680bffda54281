//go:build e2e

package hosts

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// EtcdUnit is the unit of a member.
const EtcdUnit = "etcd.service"

// EtcdHosts is a cluster of etcd, each member on a host of its own, which lets in over
// TLS whoever has a user. A member that loses its power comes back with its host.
type EtcdHosts struct {
	Members []*Host
	// CA vouches for the members, in PEM.
	CA     string
	client *http.Client
	// reader is the "user:password" with which the test reads.
	reader string
}

// askBound is how long a member may take to answer the test.
const askBound = 2 * time.Second

// ServeEtcd makes hosts of the image Etcd one cluster. The certificate is every
// member's own, and vouches for itself.
func ServeEtcd(t testing.TB, members []*Host, key, chain string) *EtcdHosts {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(chain)) {
		t.Fatal("the certificate of etcd is none")
	}
	e := &EtcdHosts{Members: members, CA: chain, client: &http.Client{
		Timeout: askBound, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}}
	var initial []string
	for _, m := range members {
		initial = append(initial, m.name+"=https://"+m.IP()+":2380")
	}
	for _, m := range members {
		m.Put(t, "/etc/etcd/tls.crt", chain)
		m.Put(t, "/etc/etcd/tls.key", key)
		m.Put(t, "/etc/default/etcd", fmt.Sprintf(memberSettings, m.name, m.IP(), strings.Join(initial, ","), m.spec.Network.name))
		m.Must(t, "chmod", "755", "/etc/etcd")
		m.Must(t, "systemctl", "--quiet", "enable", EtcdUnit)
		m.Must(t, "systemctl", "start", "--no-block", EtcdUnit)
	}
	ctx, cancel := context.WithTimeout(t.Context(), bootBound)
	defer cancel()
	for _, m := range members {
		if err := until(ctx, m.name+" of etcd knows a leader", func() (bool, error) {
			s, err := e.status(ctx, m)
			return err == nil && s.Leader != "" && s.Leader != "0", err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// memberSettings are the name and address of a member, all members, and their word.
const memberSettings = `ETCD_NAME=%[1]s
ETCD_DATA_DIR=/var/lib/etcd/member
ETCD_LISTEN_CLIENT_URLS=https://%[2]s:2379
ETCD_ADVERTISE_CLIENT_URLS=https://%[2]s:2379
ETCD_LISTEN_PEER_URLS=https://%[2]s:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://%[2]s:2380
ETCD_INITIAL_CLUSTER=%[3]s
ETCD_INITIAL_CLUSTER_TOKEN=%[4]s
ETCD_INITIAL_CLUSTER_STATE=new
ETCD_AUTO_COMPACTION_RETENTION=24h
ETCD_CERT_FILE=/etc/etcd/tls.crt
ETCD_KEY_FILE=/etc/etcd/tls.key
ETCD_PEER_CERT_FILE=/etc/etcd/tls.crt
ETCD_PEER_KEY_FILE=/etc/etcd/tls.key
ETCD_PEER_TRUSTED_CA_FILE=/etc/etcd/tls.crt
ETCD_PEER_CLIENT_CERT_AUTH=true
`

// LetIn makes users with a script of the machine, such as that of examples/etcd, whose
// first argument is the folder of their files, and turns authentication on. The test
// reads as the user reader from then on. It returns what each file holds.
func (e *EtcdHosts) LetIn(t testing.TB, script, reader string, args ...string) (users map[string]string) {
	t.Helper()
	const folder = "/root/users"
	at := e.Members[0]
	if err := at.Copy(t.Context(), script, "/root/users.sh"); err != nil {
		t.Fatal(err)
	}
	control := []string{"env", "ETCDCTL_API=3", "ETCDCTL_CACERT=/etc/etcd/tls.crt", "ETCDCTL_ENDPOINTS=https://" + at.IP() + ":2379"}
	at.Must(t, append(append(control, "sh", "/root/users.sh", folder), args...)...)
	for _, args := range [][]string{{"user", "add", "root:root"}, {"user", "grant-role", "root", "root"}, {"auth", "enable"}} {
		at.Must(t, append(append(control, "etcdctl"), args...)...)
	}
	users = map[string]string{}
	for name := range strings.FieldsSeq(at.Must(t, "ls", folder)) {
		users[name] = at.Must(t, "cat", folder+"/"+name)
	}
	if e.reader = users[reader]; e.reader == "" {
		t.Fatalf("the script made no user %s", reader)
	}
	return users
}

// URL lists the members under a prefix.
func (e *EtcdHosts) URL(prefix string) string {
	var at []string
	for _, m := range e.Members {
		at = append(at, m.IP()+":2379")
	}
	return "etcd://" + strings.Join(at, ",") + "/" + prefix
}

// Leader is the member that leads, as it says itself, nil if none does.
func (e *EtcdHosts) Leader(ctx context.Context) *Host {
	for _, m := range e.Members {
		if s, err := e.status(ctx, m); err == nil && s.Leader == s.Header.Member {
			return m
		}
	}
	return nil
}

type memberStatus struct {
	Header struct {
		Member string `json:"member_id"`
	} `json:"header"`
	Leader string `json:"leader"`
}

func (e *EtcdHosts) status(ctx context.Context, m *Host) (s memberStatus, err error) {
	return s, e.ask(ctx, m, question{path: "/v3/maintenance/status", in: struct{}{}}, &s)
}

// Values reads what is kept under a prefix, in the order of the keys, of the first
// member that answers for the majority.
func (e *EtcdHosts) Values(ctx context.Context, prefix string) (values []string, err error) {
	end := prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
	in := map[string][]byte{"key": []byte(prefix), "range_end": []byte(end)}
	for _, m := range e.Members {
		var out struct {
			Pairs []struct{ Value []byte } `json:"kvs"`
		}
		var let struct{ Token string }
		name, password, _ := strings.Cut(e.reader, ":")
		who := question{path: "/v3/auth/authenticate", in: map[string]string{"name": name, "password": password}}
		if err = e.ask(ctx, m, who, &let); err != nil {
			continue
		}
		if err = e.ask(ctx, m, question{"/v3/kv/range", let.Token, in}, &out); err == nil {
			for _, pair := range out.Pairs {
				values = append(values, string(pair.Value))
			}
			return values, nil
		}
	}
	return nil, err
}

// question is what a member is asked, and the token that lets the test in.
type question struct {
	path, token string
	in          any
}

func (e *EtcdHosts) ask(ctx context.Context, m *Host, q question, out any) error {
	if !m.Up() {
		return ErrDown
	}
	body, err := json.Marshal(q.in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+m.IP()+":2379"+q.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", q.token)
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
