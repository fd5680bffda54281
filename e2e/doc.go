// Package e2e tests mainstay on real hosts: systemd, Asterisk, nginx, Docker
// Compose and git servers, all made for the test and removed after it. Nothing
// in it imports the agent: it sees the binary, the repository and what really
// runs.
//
// Everything but this comment is behind the build tag e2e, because it needs
// root and the packages that install.sh brings.
package e2e
