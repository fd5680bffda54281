//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"mainstay/e2e/hosts"
)

// certificate is a key and a certificate that vouches for itself, as PEM.
type certificate struct{ key, chain string }

// newCertificate is for a name, and for the addresses of those who present it.
func newCertificate(t *testing.T, name string, addresses ...string) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(a))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{
		key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	}
}

// exchangeFile is the pjsip.conf of every Asterisk: what mainstay renders is
// included, and the telephone may register and call, also through the edge.
const exchangeFile = transport + `
[phone]
type=endpoint
context=default
disallow=all
allow=ulaw,alaw
aors=phone
[phone]
type=aor
max_contacts=5
remove_existing=yes
[phone]
type=identify
endpoint=phone
match=%s
#tryinclude "pjsip.d/*.conf"
`

const (
	// A call to "service" leaves a XiVO through its trunk to the media server;
	// one to "here" ends on the XiVO itself.
	xivoDialplan = "[default]\n" +
		"exten => service,1,Dial(PJSIP/600@mds1,10)\n" +
		"exten => here,1,Answer()\n same => n,Wait(600)\n"
	// A call to "xivo" leaves the media server for the side that serves.
	mdsDialplan = "[default]\n" +
		"exten => 600,1,Answer()\n same => n,Wait(600)\n" +
		"exten => xivo,1,Dial(PJSIP/here@xivo,10)\n"
	tlsSite = "server {\n\tlisten 443 ssl default_server;\n\tssl_certificate /etc/nginx/tls.crt;\n" +
		"\tssl_certificate_key /etc/nginx/tls.key;\n\tlocation / {\n\t\tproxy_pass %s;\n\t\tproxy_connect_timeout 1s;\n\t}\n}\n"
)

// prepare makes the hosts what they were before anybody thought of mainstay.
func (p *wholePage) prepare(t *testing.T) {
	t.Helper()
	for _, side := range []string{"main", "standby"} {
		p.prepareXivo(t, p.nodes["xivo-"+side])
		p.prepareCC(t, side)
	}
	mds, edge := p.nodes["mds1"], p.nodes["edge"]
	p.prepareExchange(t, mds, mdsDialplan)
	mds.Must(t, "systemctl", "--quiet", "enable", "--now", "asterisk")
	p.prepareWeb(t, edge, "https://xivocc")
	edge.Put(t, "/etc/nginx/conf.d/upstream.conf", "upstream xivocc {\n\tserver 127.0.0.1:9;\n}\n")
	edge.Must(t, "systemctl", "--quiet", "enable", "--now", "nginx")
	edge.Must(t, "systemctl", "--quiet", "enable", "kamailio")
	p.preparePhone(t)
}

func (p *wholePage) prepareExchange(t *testing.T, host *hosts.Host, dialplan string) {
	t.Helper()
	callers := p.phone.IP()
	if edge := p.nodes["edge"]; edge != nil {
		callers += "," + edge.IP()
	}
	host.Put(t, "/etc/asterisk/pjsip.conf", fmt.Sprintf(exchangeFile, callers))
	host.Put(t, "/etc/asterisk/extensions.conf", dialplan)
	host.Must(t, "mkdir", "-p", "/etc/asterisk/pjsip.d")
}

// prepareXivo makes a XiVO with a stand-in for its database and for the job that
// copies it, which overwrites whatever the peer has, as the real one does.
func (p *wholePage) prepareXivo(t *testing.T, host *hosts.Host) {
	t.Helper()
	p.prepareExchange(t, host, xivoDialplan)
	host.Put(t, "/etc/systemd/system/monit.service", standIn)
	host.Put(t, "/etc/systemd/system/replica.socket", "[Socket]\nListenStream=5432\nAccept=yes\n[Install]\nWantedBy=sockets.target\n")
	host.Put(t, "/etc/systemd/system/replica@.service", "[Service]\nStandardInput=socket\nExecStart=/usr/local/sbin/receive-replica\n")
	for path, text := range map[string]string{
		"/usr/local/sbin/receive-replica":                  receiveReplica,
		"/usr/local/sbin/xivo-master-slave-db-replication": sendReplica,
		"/usr/local/sbin/ssh":                              "#!/bin/sh\nexit 0\n",
	} {
		if err := host.Write(t.Context(), path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host.Put(t, "/var/lib/xivo/database", "data of "+host.Name()+"\n")
	host.Must(t, "systemctl", "--quiet", "enable", "--now", "replica.socket")
}

const (
	// receiveReplica overwrites the database, and notes whether this side served and
	// when it was: no machine here lets another one in by SSH, which would note the time.
	receiveReplica = "#!/bin/sh\ncat >/var/lib/xivo/database.new\nmv /var/lib/xivo/database.new /var/lib/xivo/database\n" +
		"state=$(systemctl is-active asterisk.service)\necho \"$state\" >>/var/lib/xivo/overwritten\n" +
		"mkdir -p /var/lib/mainstay-replication\ndate +%s >/var/lib/mainstay-replication/at\n"
	sendReplica = "#!/bin/bash\nset -eu\nexec 3<>\"/dev/tcp/$1/5432\"\ncat /var/lib/xivo/database >&3\nexec 3>&-\n" +
		"echo \"$1\" >>/var/lib/xivo/sent\n"
)

// prepareCC makes a contact centre whose containers exist and do not run.
func (p *wholePage) prepareCC(t *testing.T, side string) {
	t.Helper()
	cc := p.nodes["cc-"+side]
	project := cc.NewProject(t, "xivocc",
		hosts.Service{Name: "xuc", Port: 8090, Text: "xuc on " + side},
		hosts.Service{Name: "xucmgt", Port: 8070, Text: "xucmgt on " + side})
	p.projects["cc-"+side] = project
	cc.Must(t, "docker", "compose", "-p", project.Name, "-f", project.File, "create")
	p.prepareWeb(t, cc, "http://127.0.0.1:8090")
	cc.Must(t, "systemctl", "--quiet", "enable", "--now", "nginx")
}

// prepareWeb lets nginx answer HTTPS from somewhere else.
func (p *wholePage) prepareWeb(t *testing.T, host *hosts.Host, from string) {
	t.Helper()
	host.Put(t, "/etc/nginx/tls.crt", p.tls.chain)
	host.Put(t, "/etc/nginx/tls.key", p.tls.key)
	host.Put(t, "/etc/nginx/sites-available/default", fmt.Sprintf(tlsSite, from))
}
