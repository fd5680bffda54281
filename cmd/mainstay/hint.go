package main

import (
	"errors"

	"mainstay/reconcile/git/failure"
)

// hinter is an error with something that a person should do.
type hinter interface {
	error
	Hint() string
}

// hintOf is the first thing to do that an error or one of its causes names.
func hintOf(err error) string {
	for h := hinter(nil); errors.As(err, &h); err = errors.Unwrap(h) {
		if h.Hint() != "" {
			return h.Hint()
		}
	}
	return ""
}

// hintOf is what to do in the words of what this machine was told: of the flags, or
// of the agent's file that --config names.
func (l *locator) hintOf(err error) string {
	var g *failure.Error
	if l.config == "" && errors.As(err, &g) && g.Setting != "" {
		return inFlags(g)
	}
	return hintOf(err)
}

// inFlags words what to do about a setting that has a flag here.
func inFlags(e *failure.Error) string {
	return map[failure.Setting]string{
		failure.KeyMissing:    "name a private key with --ssh-key",
		failure.KeyUnreadable: "correct --ssh-key in the command, or its permissions",
		failure.KeyLocked:     "leave --ssh-key out to use what git uses, or make a key for this alone: ssh-keygen -t ed25519 -N '' -f " + e.Value,
		failure.KeyUnknown:    "give the server the public half of this key",
		failure.HostsMissing:  "set --known-hosts in the command",
		failure.HostsDamaged:  "correct the file named by --known-hosts",
		failure.HostKind:      "the server has no host key of a kind that is pinned in --known-hosts",
		failure.HostUnpinned:  "compare the fingerprint with the server's, then add this line to the file: " + e.Value,
		failure.CAMissing:     "if the server's certificate is of your own authority, name it in --ca-file",
		failure.CAUnreadable:  "correct --ca-file in the command",
		failure.TokenFile:     "correct --token-file in the command, or its permissions",
		failure.TokenRefused:  "check the token in --token-file and what it may do",
		failure.AddressWrong:  "correct the address in the command",
		failure.AddressMoved:  "redirects to another server are not followed: if it is the right one, write its address into the command",
		failure.BranchMissing: "name the branch that the nodes read with --base",
	}[e.Setting]
}
