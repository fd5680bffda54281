package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

type scheme int

const (
	overHTTP scheme = iota
	overSSH
	onDisk
)

// endpoint is a repository address taken apart. shown is what may be printed.
type endpoint struct {
	scheme   scheme
	shown    string
	base     *url.URL // HTTP: without user information
	user     string
	password string
	address  string // SSH: host:port
	path     string // SSH and local
}

var scpLike = regexp.MustCompile(`^(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:]+\]|[^:/\s@]+):([^/].*|/.*)$`)

// parseEndpoint reads an address. Its errors never repeat one that could hold a
// password.
func parseEndpoint(address string) (endpoint, error) {
	if address == "" {
		return endpoint{}, errors.New("repository address is empty")
	}
	if strings.ContainsFunc(address, unicode.IsControl) || !utf8.ValidString(address) {
		return endpoint{}, errors.New("repository address has a line break, another control character or what is no text in it")
	}
	name, _, isURL := strings.Cut(address, "://")
	if !isURL {
		return parsePlain(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return endpoint{}, fmt.Errorf("repository address %s://…: not a URL", name)
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return parseHTTP(u)
	case "ssh", "git+ssh":
		return parseSSH(u)
	case "file":
		return parseFile(u)
	}
	return endpoint{}, fmt.Errorf("repository address %s://…: the scheme must be https, http, ssh or file", u.Scheme)
}

func parsePlain(address string) (endpoint, error) {
	if m := scpLike.FindStringSubmatch(address); m != nil && !strings.ContainsRune(m[2], os.PathSeparator) {
		host := strings.Trim(m[2], "[]")
		e := endpoint{scheme: overSSH, user: m[1], address: net.JoinHostPort(host, "22"), path: m[3], shown: address}
		return e.check()
	}
	abs, err := filepath.Abs(address)
	if err != nil {
		return endpoint{}, fmt.Errorf("repository address %q: %w", address, err)
	}
	return endpoint{scheme: onDisk, path: abs, shown: abs}, nil
}

func parseHTTP(u *url.URL) (endpoint, error) {
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return endpoint{}, fmt.Errorf("repository address %s: wants a host and a path and nothing after them", u.Redacted())
	}
	e := endpoint{scheme: overHTTP, user: u.User.Username()}
	e.password, _ = u.User.Password()
	bare := *u
	bare.User = nil
	bare.Path = strings.TrimRight(bare.Path, "/")
	e.base, e.shown = &bare, bare.String()
	return e, nil
}

// sameHost reports whether an HTTP endpoint is on the host that an address
// names, by the same scheme and port.
func (e endpoint) sameHost(address string) bool {
	other, err := parseEndpoint(address)
	return err == nil && other.scheme == overHTTP && other.base.Scheme == e.base.Scheme && other.base.Host == e.base.Host
}

func parseSSH(u *url.URL) (endpoint, error) {
	if _, has := u.User.Password(); has {
		return endpoint{}, fmt.Errorf("repository address ssh://%s…: a password in an ssh address is refused, use sshKey", u.Host)
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	e := endpoint{scheme: overSSH, user: u.User.Username(), path: u.Path, shown: u.String()}
	if strings.HasPrefix(e.path, "/~") {
		e.path = e.path[1:]
	}
	e.address = net.JoinHostPort(u.Hostname(), port)
	return e.check()
}

func (e endpoint) check() (endpoint, error) {
	if e.user == "" {
		e.user = "git"
	}
	if host, _, err := net.SplitHostPort(e.address); err != nil || host == "" || e.path == "" {
		return e, fmt.Errorf("repository address %s: wants a host and a path", e.shown)
	}
	return e, nil
}

func parseFile(u *url.URL) (endpoint, error) {
	if u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return endpoint{}, fmt.Errorf("repository address %s: a file address is file:///path", u.Redacted())
	}
	return endpoint{scheme: onDisk, path: u.Path, shown: "file://" + u.Path}, nil
}
