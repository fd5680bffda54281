package transport

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/run"
)

// sshDialer makes SSH connections and uses one again for the next session while it
// is young, the files of key and pinned hosts are as they were, and every session on
// it ended well: a new connection costs a server more than all that git does on it.
type sshDialer struct {
	endpoint
	keyFile    string
	knownHosts string
	log        *slog.Logger
	// skipped are the lines of knownHosts that were said to be unreadable.
	skipped *atomic.Pointer[string]
	idle    chan *sshConn
}

func newSSHDialer(e endpoint, o Options) (Dialer, error) {
	d := sshDialer{endpoint: e, keyFile: o.SSHKey, knownHosts: o.KnownHosts, log: o.Log,
		skipped: new(atomic.Pointer[string]), idle: make(chan *sshConn, sshIdle)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

func (d sshDialer) Shown() string { return d.endpoint.shown }

// sshLink is a service on the far side of an SSH connection.
type sshLink struct {
	*sshConn
	idle    chan *sshConn
	session *ssh.Session
	stdin   io.WriteCloser
	in      *bufio.Reader
	stderr  run.Tail
	stop    func() bool
	failed  bool
}

func (d sshDialer) Dial(ctx context.Context, service string) (Link, error) {
	files := d.files()
	if l := d.reopen(ctx, files, service); l != nil {
		return l, nil
	}
	config, pinned, err := d.config()
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(failure.Plainly(err))}
	}
	c := &sshConn{conn: conn, files: files, config: config, address: d.address, born: time.Now()}
	l, err := d.open(ctx, c, service)
	switch {
	case err == nil:
		return l, nil
	case pinned.refused != nil:
		return nil, pinned.refused
	}
	return nil, handshake(err)
}

// reopen starts a service on a connection that waits, or returns nil. Nothing was asked
// of the service yet, so that a connection that died is replaced without harm.
func (d sshDialer) reopen(ctx context.Context, files [sha256.Size]byte, service string) *sshLink {
	c := d.take(files)
	if c == nil {
		return nil
	}
	late := time.AfterFunc(sshReopen, c.end)
	l, err := d.open(ctx, c, service)
	switch {
	case err != nil:
		late.Stop()
		return nil
	case !late.Stop(): // it ends just now
		l.failed = true
		l.Close()
		return nil
	}
	return l
}

// open starts a service on a connection, which ends with ctx or when that fails.
func (d sshDialer) open(ctx context.Context, c *sshConn, service string) (*sshLink, error) {
	l := &sshLink{sshConn: c, idle: d.idle}
	// The handshake knows no context: the end of the connection is its bound.
	l.stop = context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	if err := l.start(service + " " + run.Word(d.path)); err != nil {
		l.failed = true
		l.Close()
		return nil, err
	}
	return l, nil
}

func (d sshDialer) config() (*ssh.ClientConfig, *hostKeys, error) {
	signer, err := d.signer()
	if err != nil {
		return nil, nil, err
	}
	pinned, err := readHostKeys(d.knownHosts, d.address)
	if err != nil {
		return nil, nil, err
	}
	d.saySkipped(pinned.skipped)
	return &ssh.ClientConfig{
		User:              d.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   pinned.check,
		HostKeyAlgorithms: pinned.algorithms(),
		ClientVersion:     "SSH-2.0-mainstay",
	}, pinned, nil
}

// saySkipped tells once of lines that are no use, and again when they change.
func (d sshDialer) saySkipped(lines []string) {
	text := strings.Join(lines, ", ")
	if before := d.skipped.Swap(&text); text == "" || before != nil && *before == text {
		return
	}
	d.log.Warn("lines of knownHosts cannot be read and are skipped", "lines", text)
}

func (d sshDialer) signer() (ssh.Signer, error) {
	if d.keyFile == "" {
		return nil, &failure.Error{Kind: failure.ErrAuth, Err: errors.New("no key for ssh"), Setting: failure.KeyMissing, Advice: "set sshKey in the agent file"}
	}
	pem, err := os.ReadFile(d.keyFile)
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrAuth, Err: failure.Scrub(err), Setting: failure.KeyUnreadable, Advice: "correct sshKey in the agent file, or its permissions"}
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, &failure.Error{
			Kind: failure.ErrAuth, Err: fmt.Errorf("%s has a passphrase", d.keyFile),
			Setting: failure.KeyLocked, Value: d.keyFile,
			Advice: "make a key for this node alone: ssh-keygen -t ed25519 -N '' -f " + d.keyFile,
		}
	}
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrAuth, Err: fmt.Errorf("%s: not a private key", d.keyFile)}
	}
	return signer, nil
}

func (l *sshLink) start(command string) (err error) {
	if err := l.connect(); err != nil {
		return err
	}
	if l.session, err = l.client.NewSession(); err != nil {
		return err
	}
	if l.stdin, err = l.session.StdinPipe(); err != nil {
		return err
	}
	stdout, err := l.session.StdoutPipe()
	if err != nil {
		return err
	}
	l.session.Stderr = &l.stderr
	l.in = NewMeter(stdout)
	return l.session.Start(command)
}

func handshake(err error) *failure.Error {
	e := &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(err)}
	var none *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &none) && strings.Contains(none.What, "host key"):
		e.Kind, e.Setting, e.Advice = failure.ErrHostKey, failure.HostKind, "the server has no host key of a kind that is pinned in knownHosts"
	case errors.As(err, &none):
		e.Advice = fmt.Sprintf("this program and the server have no %s in common, which is no question of host keys: let the server also allow %s",
			none.What, strings.Join(none.SupportedAlgorithms, " or "))
	case strings.Contains(err.Error(), "unable to authenticate"):
		e.Kind, e.Setting, e.Advice = failure.ErrAuth, failure.KeyUnknown, "give the server the public half of sshKey"
	}
	return e
}

func (l *sshLink) Refs() *bufio.Reader { return l.in }

func (l *sshLink) Send(_ context.Context, request []byte) (*bufio.Reader, error) {
	if _, err := l.stdin.Write(request); err != nil {
		return nil, err
	}
	return l.in, l.stdin.Close()
}

// Explain waits a moment for what the server says about a service that ended.
func (l *sshLink) Explain(err error) *failure.Error {
	l.failed = true
	var e *failure.Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, packet.ErrForeign) {
		return &failure.Error{
			Kind: failure.ErrUnreachable, Err: failure.Scrub(err),
			Advice: "a shell writes this before git speaks: let the account print nothing for a session without a terminal (.bashrc, .profile, a forced command)",
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		l.await()
	}
	if said := packet.OneLine(l.stderr.String()); said != "" {
		return &failure.Error{
			Kind: failure.ErrAuth, Err: errors.New("the server says: " + said),
			Advice: "check the address and what the key may do",
		}
	}
	return &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(failure.Plainly(err))}
}

// await reports whether the service came to its end within a moment.
func (l *sshLink) await() bool {
	done := make(chan struct{})
	go func() {
		_ = l.session.Wait()
		close(done)
	}()
	timer := time.NewTimer(graceful)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// close takes leave the way git does. What still blocks ends with the connection,
// which is kept for the next session when this one ended well.
func (l *sshLink) Close() {
	// A server that reads no more must not hold up the leave-taking.
	_ = l.conn.SetWriteDeadline(time.Now().Add(graceful))
	if l.stdin != nil {
		_, _ = io.WriteString(l.stdin, packet.Flush)
		_ = l.stdin.Close()
	}
	ended := !l.failed && l.session != nil && l.await()
	if l.stop() && ended && l.conn.SetWriteDeadline(time.Time{}) == nil && l.park(l.idle) {
		return
	}
	l.end()
}
