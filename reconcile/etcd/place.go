package etcd

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

const (
	// Scheme begins the address of a cluster, and SecureScheme that of one that is
	// always spoken to over TLS, by the system's own authorities unless others are named.
	Scheme, SecureScheme = "etcd", "etcds"
	// port is etcd's own.
	port = "2379"
	// mostMembers bounds the members that an address lists.
	mostMembers = 9
)

// place is an address of a cluster, taken apart.
type place struct {
	// hosts are host:port, as they were listed.
	hosts  []string
	prefix string
	secure bool
}

// Is reports whether an address is that of a cluster.
func Is(address string) bool {
	scheme, _, found := strings.Cut(address, "://")
	return found && (strings.EqualFold(scheme, Scheme) || strings.EqualFold(scheme, SecureScheme))
}

// Check says what is wrong with the address of a cluster, in words for whoever wrote
// it.
func Check(address string) error {
	_, err := parse(address)
	return err
}

// parse reads etcd://host:port,host:port/PREFIX. An address that is not fully
// understood is an error: claims that are looked for elsewhere are not there.
func parse(address string) (place, error) {
	scheme, rest, found := strings.Cut(address, "://")
	p := place{secure: strings.EqualFold(scheme, SecureScheme)}
	if !found || !Is(address) {
		return p, errors.New("it does not begin with etcd://")
	}
	if strings.ContainsAny(rest, "?#@ ") {
		return p, errors.New("it has one of ?, #, @ or a space: it is etcd://HOST:PORT,HOST:PORT/PREFIX, and the user stands in a file that userFile names")
	}
	hosts, prefix, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		at, err := member(host)
		if err != nil {
			return p, err
		}
		if slices.Contains(p.hosts, at) {
			return p, fmt.Errorf("it lists %s twice", at)
		}
		p.hosts = append(p.hosts, at)
	}
	if len(p.hosts) > mostMembers {
		return p, fmt.Errorf("it lists %d members, and at most %d are asked", len(p.hosts), mostMembers)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return p, errors.New("it has no PREFIX: it is etcd://HOST:PORT,HOST:PORT/PREFIX")
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "" || !plain(part) || strings.Trim(part, ".") == "" {
			return p, errors.New("its PREFIX has something else than letters, digits, -, _ and . between its slashes")
		}
	}
	p.prefix = prefix
	return p, nil
}

// member reads one host with or without a port.
func member(text string) (string, error) {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || u.Hostname() == "" || !plainHost(u.Hostname()) {
		return "", errors.New("it does not list members as HOST:PORT,HOST:PORT")
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), port), nil
	}
	return net.JoinHostPort(u.Hostname(), u.Port()), nil
}

func plain(text string) bool {
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.%") == ""
}

// plainHost allows names and addresses of both kinds.
func plainHost(text string) bool { return plain(strings.ReplaceAll(text, ":", "")) }

// shown names the place by itself: the same members in any order are one place.
func (p place) shown() string {
	scheme := Scheme
	if p.secure {
		scheme = SecureScheme
	}
	return scheme + "://" + strings.Join(slices.Sorted(slices.Values(p.hosts)), ",") + "/" + p.prefix
}
