package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// smallSSH is an ssh client for a machine that has none: it knows the options
// that mainstay and git give, and how OpenSSH says what is wrong.
func smallSSH(args []string) int {
	o := map[string]string{}
	var words []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-o" && i+1 < len(args):
			name, value, _ := strings.Cut(args[i+1], "=")
			o[name] = strings.Trim(value, `"`)
			i++
		case (a == "-i" || a == "-p") && i+1 < len(args):
			o[a] = args[i+1]
			i++
		default:
			words = append(words, a)
		}
	}
	if err := runSSH(o, words); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	return 0
}

func runSSH(o map[string]string, words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("usage: ssh [options] user@host command, not %q", words)
	}
	user, host, _ := strings.Cut(words[0], "@")
	if info, err := os.Stat(o["-i"]); err == nil && info.Mode().Perm()&0o077 != 0 {
		return errors.New("WARNING: UNPROTECTED PRIVATE KEY FILE!")
	}
	pem, err := os.ReadFile(o["-i"])
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return err
	}
	pinned, err := knownhosts.New(o["UserKnownHostsFile"])
	if err != nil {
		return err
	}
	c, err := ssh.Dial("tcp", host+":"+o["-p"], &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: pinned})
	var unknown *knownhosts.KeyError
	switch {
	case errors.As(err, &unknown) && len(unknown.Want) > 0:
		return errors.New("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!")
	case errors.As(err, &unknown):
		return errors.New("Host key verification failed.")
	case err != nil:
		return errors.New(words[0] + ": Permission denied (publickey).")
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(in, os.Stdin)
		_ = in.Close()
	}()
	s.Stdout, s.Stderr = os.Stdout, os.Stderr
	return s.Run(words[1])
}
