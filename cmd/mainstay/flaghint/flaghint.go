// Package flaghint words what to do about a setting of an agent's file where a command took
// it from a flag.
package flaghint

import "mainstay/reconcile/git/failure"

// For words what to do about a setting that has a flag here, and is empty for another.
func For(e *failure.Error) string {
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
