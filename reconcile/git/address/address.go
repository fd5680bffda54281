// Package address takes the address of a repository apart: a URL, user@host:path as ssh
// has it, or a folder.
//
// It must not know how any of these is spoken to, and never repeats a password.
package address

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Scheme is how a repository is spoken to.
type Scheme int

// The schemes.
const (
	OverHTTP Scheme = iota
	OverSSH
	OnDisk
)

// Endpoint is a repository address taken apart. Shown is what may be printed.
type Endpoint struct {
	Scheme   Scheme
	Shown    string
	Base     *url.URL // HTTP: without user information
	User     string
	Password string
	Address  string // SSH: host:port
	Path     string // SSH and local
}

var scpLike = regexp.MustCompile(`^(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:]+\]|[^:/\s@]+):([^/].*|/.*)$`)

// Parse reads an address. Its errors never repeat one that could hold a
// password.
func Parse(address string) (Endpoint, error) {
	if address == "" {
		return Endpoint{}, errors.New("repository address is empty")
	}
	if strings.ContainsAny(address, "\x00\r\n") {
		return Endpoint{}, errors.New("repository address has a line break or a zero byte in it")
	}
	name, _, isURL := strings.Cut(address, "://")
	if !isURL {
		return parsePlain(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("repository address %s://…: not a URL", name)
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return parseHTTP(u)
	case "ssh", "git+ssh":
		return parseSSH(u)
	case "file":
		return parseFile(u)
	}
	return Endpoint{}, fmt.Errorf("repository address %s://…: the scheme must be https, http, ssh or file", u.Scheme)
}

func parsePlain(address string) (Endpoint, error) {
	if m := scpLike.FindStringSubmatch(address); m != nil && !strings.ContainsRune(m[2], os.PathSeparator) {
		host := strings.Trim(m[2], "[]")
		e := Endpoint{Scheme: OverSSH, User: m[1], Address: net.JoinHostPort(host, "22"), Path: m[3], Shown: address}
		return e.check()
	}
	abs, err := filepath.Abs(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("repository address %q: %w", address, err)
	}
	return Endpoint{Scheme: OnDisk, Path: abs, Shown: abs}, nil
}

func parseHTTP(u *url.URL) (Endpoint, error) {
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return Endpoint{}, fmt.Errorf("repository address %s: wants a host and a path and nothing after them", u.Redacted())
	}
	e := Endpoint{Scheme: OverHTTP, User: u.User.Username()}
	e.Password, _ = u.User.Password()
	bare := *u
	bare.User = nil
	bare.Path = strings.TrimRight(bare.Path, "/")
	e.Base, e.Shown = &bare, bare.String()
	return e, nil
}

// SameHost reports whether an HTTP Endpoint is on the host that an address
// names, by the same scheme and port.
func (e Endpoint) SameHost(address string) bool {
	other, err := Parse(address)
	return err == nil && other.Scheme == OverHTTP && other.Base.Scheme == e.Base.Scheme && other.Base.Host == e.Base.Host
}

func parseSSH(u *url.URL) (Endpoint, error) {
	if _, has := u.User.Password(); has {
		return Endpoint{}, fmt.Errorf("repository address ssh://%s…: a password in an ssh address is refused, use sshKey", u.Host)
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	e := Endpoint{Scheme: OverSSH, User: u.User.Username(), Path: u.Path, Shown: u.String()}
	if strings.HasPrefix(e.Path, "/~") {
		e.Path = e.Path[1:]
	}
	e.Address = net.JoinHostPort(u.Hostname(), port)
	return e.check()
}

func (e Endpoint) check() (Endpoint, error) {
	if e.User == "" {
		e.User = "git"
	}
	if host, _, err := net.SplitHostPort(e.Address); err != nil || host == "" || e.Path == "" {
		return e, fmt.Errorf("repository address %s: wants a host and a path", e.Shown)
	}
	return e, nil
}

func parseFile(u *url.URL) (Endpoint, error) {
	if u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return Endpoint{}, fmt.Errorf("repository address %s: a file address is file:///path", u.Redacted())
	}
	return Endpoint{Scheme: OnDisk, Path: u.Path, Shown: "file://" + u.Path}, nil
}
