// Package gitserver serves bare repositories to tests the way real git hosts
// do: over smart HTTP by git's own http-backend, and over SSH by a server in
// this process or (build tag e2e) by OpenSSH's sshd. It lets a test make such a
// server slow, absent or treacherous: a push that is carried out and never
// answered is the case every compare-and-swap on a git ref has to survive.
//
// It uses the standard library, Go's ssh package, and the git and ssh programs
// only, and must not know what the repositories contain.
package gitserver
