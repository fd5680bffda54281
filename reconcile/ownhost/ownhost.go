// Package ownhost tells the names under which a server of this project is asked from
// names that were made to mean its address.
//
// A browser lets a page of somebody's domain ask that domain, whatever address its name
// has come to mean since. So who serves on an address that strangers do not reach looks
// at the name too. The package must not know what is served.
package ownhost

import (
	"net"
	"slices"
	"strings"
)

// Known reports whether the Host of a request is a name of this server: an address,
// which cannot be made to mean another one, the machine's own name for itself, or one
// of names. A request that names no host was made by no browser.
func Known(host string, names []string) bool {
	if host == "" {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	return host == "localhost" || net.ParseIP(host) != nil ||
		slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) })
}
