//go:build e2e

package hosts

import (
	"fmt"
	"strings"
	"testing"
)

// MailServer is Debian's Exim on a host: it takes mail over TLS, from those who log in,
// and puts it into a mailbox.
type MailServer struct {
	host *Host
	// Certificate is what its clients have to trust.
	Certificate string
	// User and Password are the login that it knows.
	User, Password string
}

// mailbox is where the mail of its one person lies.
const mailbox = "/var/mail/oncall"

// serveMail sets the server up. Its arguments are its own address, the user and the password.
const serveMail = `
useradd --create-home oncall
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=IP:$1" \
	-keyout /etc/mail.key -out /etc/mail.crt 2>/dev/null
chown root:Debian-exim /etc/mail.key
chmod 640 /etc/mail.key
cat >/etc/exim4/exim4.conf <<END
primary_hostname = mail.example.org
daemon_smtp_ports = 587
local_interfaces = $1
tls_advertise_hosts = *
tls_certificate = /etc/mail.crt
tls_privatekey = /etc/mail.key
auth_advertise_hosts = \${if eq{\$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept encrypted = *
         authenticated = *
         domains = example.org
  deny message = TLS and a login are wanted here
begin routers
box:
  driver = accept
  local_parts = oncall
  transport = box
begin transports
box:
  driver = appendfile
  file = /var/mail/oncall
  user = oncall
  group = mail
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{$2}}{eq{\$auth3}{$3}}}}
  server_set_id = \$auth2
END
exim4 -bV >/dev/null
install -d -o Debian-exim -g Debian-exim /var/spool/exim4 /var/log/exim4
systemctl restart exim4
for n in $(seq 100); do
	ss -Hltn 'sport = :587' | grep -q . && exit 0
	sleep 0.1
done
systemctl status exim4 --no-pager -l
exit 1
`

// ServeMail makes a host of the kind Mail the server of mail.
func ServeMail(t testing.TB, h *Host) *MailServer {
	t.Helper()
	s := &MailServer{host: h, User: "mainstay", Password: "a-p4ss:w/rd"}
	h.Must(t, "bash", "-euc", serveMail, "serve-mail", h.IP(), s.User, s.Password)
	s.Certificate = h.Must(t, "cat", "/etc/mail.crt")
	return s
}

// Address is where it listens.
func (s *MailServer) Address() string { return fmt.Sprintf("%s:587", s.host.IP()) }

// Mails are those in the mailbox, oldest first, each with its headers.
func (s *MailServer) Mails(t testing.TB) []string {
	t.Helper()
	text := s.host.Must(t, "sh", "-c", "cat "+mailbox+" 2>/dev/null || true")
	var out []string
	for m := range strings.SplitSeq("\n"+text, "\nFrom ") {
		if m = strings.TrimSpace(m); m != "" {
			out = append(out, m)
		}
	}
	return out
}
