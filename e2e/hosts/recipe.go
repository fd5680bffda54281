//go:build e2e

package hosts

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
)

//go:embed entry.sh
var entryScript string

// entryPath is where images keep entry.sh.
const entryPath = "/usr/local/sbin/host-entry"

// Image is one kind of host.
type Image string

const (
	// Node is Debian sid with a systemd that accepts cgroup v2 only (258 or
	// later), Asterisk 22, nginx and Docker's Compose plugin.
	Node Image = "node"
	// Bookworm is Debian 12 with systemd 252, git over HTTP and SSH, nginx, and
	// for telephony the proxy Kamailio and the telephones sipp and baresip.
	Bookworm Image = "bookworm"
	// Database is Debian 12 with its PostgreSQL, whose unit stands in for others.
	Database Image = "database"
	// XiVO is Debian sid with Asterisk, PostgreSQL, monit and OpenSSH, on which a test
	// puts stand-ins for XiVO's own programs.
	XiVO Image = "xivo"
	// Mail is Debian sid with its OpenSMTPD, for a server of mail.
	Mail Image = "mail"
	// Peers is Debian 12 with what else moves a service between two hosts: Pacemaker on
	// Corosync, keepalived, git for a loop in shell; and git's server and etcd.
	Peers Image = "peers"
	// Etcd is Debian 12 with its etcd-server, for a member of a cluster.
	Etcd Image = "etcd"
)

// recipe is all that an image is made from: the same recipe, the same image,
// as far as Debian's suite stands still.
type recipe struct {
	suite    string
	packages []string
	disable  []string // units that Debian enables and a test starts itself
}

// recipes is a function, not a variable, so that nobody can change it.
func recipes(image Image) (recipe, error) {
	base := []string{"systemd", "systemd-sysv", "dbus", "iproute2", "procps", "ca-certificates"}
	switch image {
	case Node:
		return recipe{
			suite:    "sid",
			packages: append(base, "asterisk", "nginx-light", "docker-cli", "docker-compose"),
			disable:  []string{"asterisk.service", "nginx.service"},
		}, nil
	case Bookworm:
		return recipe{
			suite: "bookworm",
			packages: append(base, "git", "openssh-server", "nginx-light", "fcgiwrap",
				"kamailio", "sip-tester", "baresip-core"),
			disable: []string{"ssh.service", "nginx.service", "fcgiwrap.service", "fcgiwrap.socket", "kamailio.service"},
		}, nil
	case Database:
		return recipe{
			suite: "bookworm", packages: append(base, "postgresql"), disable: []string{"postgresql.service"},
		}, nil
	case XiVO:
		return recipe{
			suite:    "sid",
			packages: append(base, "asterisk", "postgresql", "monit", "openssh-server", "openssh-client"),
			disable:  []string{"asterisk.service", "postgresql.service", "monit.service", "ssh.service"},
		}, nil
	case Mail:
		return recipe{
			suite: "sid", packages: append(base, "opensmtpd", "openssl"), disable: []string{"opensmtpd.service"},
		}, nil
	case Peers:
		return recipe{
			suite: "bookworm",
			packages: append(base, "busybox", "git", "openssh-server", "nginx-light", "fcgiwrap", "etcd-server",
				"pacemaker", "pacemaker-cli-utils", "corosync", "keepalived"),
			disable: []string{"ssh.service", "nginx.service", "fcgiwrap.service", "fcgiwrap.socket", "etcd.service",
				"pacemaker.service", "corosync.service", "keepalived.service"},
		}, nil
	case Etcd:
		return recipe{
			suite: "bookworm", packages: append(base, "etcd-server", "etcd-client"), disable: []string{"etcd.service"},
		}, nil
	}
	return recipe{}, fmt.Errorf("no recipe for image %q", image)
}

// revision changes when what finish does to a root file system changes.
const revision = "2"

// hash names the recipe in tags and file names.
func (r recipe) hash() string {
	all := strings.Join([]string{
		revision, r.suite, strings.Join(r.packages, ","), strings.Join(r.disable, ","), entryScript,
	}, "\n")
	sum := sha256.Sum256([]byte(all))
	return hex.EncodeToString(sum[:6])
}
