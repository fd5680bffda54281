// Package cluster reads the address of an etcd cluster, and says what is wrong with it,
// the same in an agent's file and wherever else one is written.
//
// It asks nobody, and must not know what is kept there.
package cluster

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
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

// Place is an address of a cluster, taken apart.
type Place struct {
	// Hosts are host:port, as they were listed.
	Hosts []string
	// Prefix begins every key, without slashes around it.
	Prefix string
	// Secure says that it is always spoken to over TLS.
	Secure bool
}

// Access is how a node is let in by a cluster.
type Access struct {
	// CertFile and KeyFile are this machine's own certificate and its key, in PEM.
	CertFile string `json:"certFile,omitempty"`
	KeyFile  string `json:"keyFile,omitempty"`
	// UserFile holds user:password.
	UserFile string `json:"userFile,omitempty"`
}

// Problem is what is wrong with a setting, and what would be right.
type Problem struct{ Key, Message, Hint string }

const form = "such as etcd://10.20.0.11:2379,10.20.0.12:2379,10.30.0.2:2379/voice"

// Problems says what is wrong with an address and with what goes with it. Others are
// the settings beside it that only git has, by their names.
func Problems(address, caFile string, a Access, others map[string]string) []Problem {
	var found []Problem
	say := func(key, message, hint string) { found = append(found, Problem{key, message, hint}) }
	if !Is(address) {
		for _, s := range [][2]string{{"certFile", a.CertFile}, {"keyFile", a.KeyFile}, {"userFile", a.UserFile}} {
			if s[1] != "" {
				say(s[0], "belongs to an etcd cluster, and url names none", "take it out, or name a cluster in url, "+form)
			}
		}
		return found
	}
	p, err := Parse(address)
	if err != nil {
		say("url", err.Error(), form)
		return found
	}
	if (a.CertFile == "") != (a.KeyFile == "") {
		say("url", "has certFile or keyFile beside it, and they belong together", "name both, or neither")
	}
	if a.UserFile != "" && !p.Over(caFile, a) && !p.Here() {
		say("userFile", "holds a password, which is not sent without TLS", "name caFile too, or begin url with etcds://")
	}
	for _, key := range slices.Sorted(maps.Keys(others)) {
		if others[key] != "" {
			say(key, "belongs to git, and url names an etcd cluster", "take it out; see certFile, keyFile and userFile")
		}
	}
	return found
}

// Over reports whether the cluster is spoken to over TLS: because the address says so, or
// because a file is named that nothing else needs.
func (p Place) Over(caFile string, a Access) bool {
	return p.Secure || caFile != "" || a.CertFile != "" || a.KeyFile != ""
}

// Here reports whether every member is on this machine.
func (p Place) Here() bool {
	for _, at := range p.Hosts {
		host, _, err := net.SplitHostPort(at)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// Is reports whether an address is that of a cluster.
func Is(address string) bool {
	scheme, _, found := strings.Cut(address, "://")
	return found && (strings.EqualFold(scheme, Scheme) || strings.EqualFold(scheme, SecureScheme))
}

// Parse reads etcd://host:port,host:port/PREFIX. An address that is not fully
// understood is an error: claims that are looked for elsewhere are not there.
func Parse(address string) (Place, error) {
	scheme, rest, found := strings.Cut(address, "://")
	p := Place{Secure: strings.EqualFold(scheme, SecureScheme)}
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
		if slices.Contains(p.Hosts, at) {
			return p, fmt.Errorf("it lists %s twice", at)
		}
		p.Hosts = append(p.Hosts, at)
	}
	if len(p.Hosts) > mostMembers {
		return p, fmt.Errorf("it lists %d members, and at most %d are asked", len(p.Hosts), mostMembers)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return p, errors.New("it has no PREFIX: it is etcd://HOST:PORT,HOST:PORT/PREFIX")
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "" || !Plain(part) || strings.Trim(part, ".") == "" {
			return p, errors.New("its PREFIX has something else than letters, digits, -, _ and . between its slashes")
		}
	}
	p.Prefix = prefix
	return p, nil
}

// member reads one host with or without a port.
func member(text string) (string, error) {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || u.Hostname() == "" || !plainHost(u.Hostname()) {
		return "", errors.New("it does not list members as HOST:PORT,HOST:PORT")
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535) {
		return "", errors.New("it has a port that is none")
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), port), nil
	}
	return net.JoinHostPort(u.Hostname(), u.Port()), nil
}

// Plain reports whether a text is fit for one part of a key.
func Plain(text string) bool {
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.%") == ""
}

// plainHost allows names and addresses of both kinds.
func plainHost(text string) bool {
	return Plain(text) || net.ParseIP(text) != nil
}

// Shown names the place by itself: the same members in any order are one place.
func (p Place) Shown() string {
	scheme := Scheme
	if p.Secure {
		scheme = SecureScheme
	}
	return scheme + "://" + strings.Join(slices.Sorted(slices.Values(p.Hosts)), ",") + "/" + p.Prefix
}
