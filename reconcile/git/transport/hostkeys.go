package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/failure"
)

// hostKeys are the pinned keys of one server.
type hostKeys struct {
	file    string
	address string
	db      *knownhosts.HostKeyDB
	// refused is why a handshake ended at the host key.
	refused *failure.Error
	// skipped are lines that cannot be read, as file:line.
	skipped []string
}

// readHostKeys reads a known_hosts file. A missing one pins nothing: the
// handshake is still made, to be able to say which line is wanted.
func readHostKeys(file, address string) (*hostKeys, error) {
	h := &hostKeys{file: file, address: address}
	if file == "" {
		return nil, &failure.Error{Kind: failure.ErrHostKey, Err: errors.New("no file of pinned host keys"), Setting: failure.HostsMissing, Advice: "set knownHosts in the agent file"}
	}
	db, err := knownhosts.NewDB(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		db, err = knownhosts.NewDB()
	case err != nil:
		db, err = h.readAround(err)
	}
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrHostKey, Err: failure.Scrub(err), Setting: failure.HostsDamaged, Advice: "correct the file named by knownHosts"}
	}
	h.db = db
	return h, nil
}

// algorithms makes the server show a key of a kind that is pinned. A server has
// several, and another one would look like an impostor's.
func (h *hostKeys) algorithms() []string {
	if pinned := h.db.HostKeyAlgorithms(h.address); len(pinned) > 0 {
		return pinned
	}
	return usual()
}

// usual are the kinds of host key, the best first.
func usual() []string {
	return []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

func (h *hostKeys) check(host string, remote net.Addr, key ssh.PublicKey) error {
	err := h.db.HostKeyCallback()(host, remote, key)
	if err == nil {
		return nil
	}
	h.refused = &failure.Error{Kind: failure.ErrHostKey, Err: failure.Scrub(err)}
	offer := fmt.Sprintf("%s %s", key.Type(), ssh.FingerprintSHA256(key))
	wanted := knownhosts.Line([]string{host}, key)
	switch {
	case knownhosts.IsHostKeyChanged(err):
		h.refused.Err = fmt.Errorf("its host key is %s, another one is pinned in %s", offer, h.file)
		h.refused.Advice = "find out why before anything else; if the server was replaced, pin: " + wanted
	case knownhosts.IsHostUnknown(err):
		h.refused.Err = fmt.Errorf("its host key %s is not pinned in %s", offer, h.file)
		h.refused.Setting, h.refused.Value = failure.HostUnpinned, wanted
		h.refused.Advice = "compare the fingerprint with the server's, then add this line: " + wanted
	}
	return h.refused
}

// readAround reads a file that has lines which cannot be read, without these: one
// about another server must not hide this one's. A broken revocation is not passed
// over: nobody could say whose key it takes back.
func (h *hostKeys) readAround(whole error) (*knownhosts.HostKeyDB, error) {
	content, err := os.ReadFile(h.file)
	if err != nil {
		return nil, err
	}
	var good []string
	for i, line := range strings.Split(string(content), "\n") {
		switch {
		case readableLine(line):
			good = append(good, line)
		case strings.HasPrefix(strings.TrimSpace(line), "@revoked"):
			return nil, fmt.Errorf("%s:%d: a revoked key that cannot be read", h.file, i+1)
		default:
			h.skipped = append(h.skipped, fmt.Sprintf("%s:%d", h.file, i+1))
		}
	}
	if len(h.skipped) == 0 {
		return nil, whole
	}
	return readLines(good)
}

// readableLine reports whether a line is empty, a comment or an entry.
func readableLine(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return true
	}
	_, _, _, _, _, err := ssh.ParseKnownHosts([]byte(line))
	return err == nil
}

// readLines reads entries from a file of its own: the library reads nothing else.
func readLines(lines []string) (*knownhosts.HostKeyDB, error) {
	f, err := os.CreateTemp("", "mainstay-known-hosts-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return knownhosts.NewDB(f.Name())
}

// ErrNoHostKey is returned for an address that is not reached by SSH.
var ErrNoHostKey = errors.New("it is not reached by SSH")

// HostKey asks the server of an address for its host key, and returns the line that
// pins it in a known_hosts file and its fingerprint, for a person to compare. Nothing
// is trusted by this. The context bounds it.
func HostKey(ctx context.Context, address string) (line, fingerprint string, err error) {
	e, err := parseEndpoint(address)
	if err != nil {
		return "", "", err
	}
	if e.scheme != overSSH {
		return "", "", ErrNoHostKey
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.address)
	if err != nil {
		return "", "", failure.Scrub(failure.Plainly(err))
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	seen := errors.New("the key was seen")
	_, _, _, err = ssh.NewClientConn(conn, e.address, &ssh.ClientConfig{
		User: e.user, HostKeyAlgorithms: usual(),
		HostKeyCallback: func(host string, _ net.Addr, key ssh.PublicKey) error {
			line, fingerprint = knownhosts.Line([]string{host}, key), key.Type()+" "+ssh.FingerprintSHA256(key)
			return seen
		},
	})
	if line != "" {
		return line, fingerprint, nil
	}
	return "", "", failure.Scrub(errors.Join(context.Cause(ctx), err))
}
