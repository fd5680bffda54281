package git

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/signature"
)

// trailerRef is the last line of a note's message. It ties the signature to one
// deployment and one role or node; the parents tie it to one place in the chain.
const trailerRef = "Ref: "

// noteSigner reads the key that this node signs its claims and reports with; nil
// when it has none. It is read each time, as for a connection.
func (r Notary) noteSigner() (ssh.Signer, error) {
	if r.signKey == "" {
		return nil, nil
	}
	wrong := func(err error) error {
		return &failure.Error{Kind: failure.ErrAuth, Step: "read the key that signs", At: r.signKey, Err: err,
			Advice: "verify.signKey, or sshKey, in the agent's file names a private key without a passphrase"}
	}
	pem, err := os.ReadFile(r.signKey)
	if err != nil {
		return nil, wrong(failure.Scrub(err))
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, wrong(errors.New("not a private key that can be used"))
	}
	return signer, nil
}

// signatureOf signs a note's commit as it is without its signature.
func signatureOf(c object.Commit, signer ssh.Signer) (string, error) {
	o, err := commitObject(c)
	if err != nil {
		return "", err
	}
	payload, err := o.Reader()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	s, err := sshsig.Sign(payload, signer, sshsig.HashSHA512, signature.NoteNamespace)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return string(sshsig.Armor(s)), nil
}
