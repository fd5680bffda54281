package git

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// hostKeys are the pinned keys of one server.
type hostKeys struct {
	file    string
	address string
	db      *knownhosts.HostKeyDB
	// refused is why a handshake ended at the host key.
	refused *Error
}

// readHostKeys reads a known_hosts file. A missing one pins nothing: the
// handshake is still made, to be able to say which line is wanted.
func readHostKeys(file, address string) (*hostKeys, error) {
	h := &hostKeys{file: file, address: address}
	if file == "" {
		return nil, &Error{Kind: ErrHostKey, Err: errors.New("no file of pinned host keys"), Advice: "set knownHosts in the agent file"}
	}
	db, err := knownhosts.NewDB(file)
	if errors.Is(err, fs.ErrNotExist) {
		db, err = knownhosts.NewDB()
	}
	if err != nil {
		return nil, &Error{Kind: ErrHostKey, Err: scrub(err), Advice: "correct the file named by knownHosts"}
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
	h.refused = &Error{Kind: ErrHostKey, Err: scrub(err)}
	offer := fmt.Sprintf("%s %s", key.Type(), ssh.FingerprintSHA256(key))
	wanted := knownhosts.Line([]string{host}, key)
	switch {
	case knownhosts.IsHostKeyChanged(err):
		h.refused.Err = fmt.Errorf("its host key is %s, another one is pinned in %s", offer, h.file)
		h.refused.Advice = "find out why before anything else; if the server was replaced, pin: " + wanted
	case knownhosts.IsHostUnknown(err):
		h.refused.Err = fmt.Errorf("its host key %s is not pinned in %s", offer, h.file)
		h.refused.Advice = "compare the fingerprint with the server's, then add this line: " + wanted
	}
	return h.refused
}
