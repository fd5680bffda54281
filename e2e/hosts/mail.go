//go:build e2e

package hosts

import (
	"fmt"
	"strings"
	"testing"
)

// MailServer is Debian's OpenSMTPD on a host: it takes mail over TLS, from those who log in,
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
chmod 600 /etc/mail.key
printf '%s %s\n' "$2" "$(smtpctl encrypt "$3")" >/etc/mail.users
chown root:opensmtpd /etc/mail.users 2>/dev/null || true
chmod 640 /etc/mail.users
cat >/etc/smtpd.conf <<END
pki here cert "/etc/mail.crt"
pki here key "/etc/mail.key"
table users file:/etc/mail.users
listen on $1 port 587 tls-require pki here auth <users>
action inbox mbox
match auth from any for domain "example.org" action inbox
END
echo mail.example.org >/etc/mailname
smtpd -n
systemctl restart opensmtpd
for n in $(seq 50); do
	ss -Hltn 'sport = :587' | grep -q . && exit 0
	sleep 0.1
done
journalctl --no-pager -u opensmtpd
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
