package spec

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"mainstay/schema"
	"mainstay/spec/endpoint"
)

var fourNumbers = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

// address refuses at its own line what only looks like an address.
func (l *loader) address(p schema.Path, text string) {
	if _, err := netip.ParseAddr(text); text == "" || err == nil {
		return
	}
	host, port, err := net.SplitHostPort(text)
	switch {
	case err == nil && fourNumbers.MatchString(port):
		l.deny(RuleAddress, p, fmt.Sprintf("%q holds a port", text), fmt.Sprintf("address: %s; the port belongs to the probe or the command", host))
	case strings.ContainsAny(text, ":%"):
		l.deny(RuleAddress, p, fmt.Sprintf("%q is not an IPv6 address", text), "such as 2001:db8::1")
	case fourNumbers.MatchString(text):
		l.deny(RuleAddress, p, fmt.Sprintf("%q is not an IPv4 address", text), "four numbers from 0 to 255, such as 10.20.0.11")
	}
}

// addresses wants an address of its own for each node of a role, and for each
// two nodes on different sides: a witness that asks itself proves nothing, and
// what dies together is no standby. Nodes of different roles on one side, and a
// shared role beside any, may live on one machine. Loopback names whatever
// machine asks, and is left alone.
func (l *loader) addresses() {
	owners := make(map[string][]string)
	for _, name := range l.nodesInOrder() {
		at := endpoint.Plain(l.d.Nodes[name].Address)
		if at == "" || !l.doc.Sound(schema.Path{"nodes", name}) {
			continue
		}
		if i := slices.IndexFunc(owners[at], func(owner string) bool { return l.apart(owner, name) }); i >= 0 {
			l.deny(RuleSameAddress, schema.Path{"nodes", name, "address"}, fmt.Sprintf("%s is the address of %s already", l.d.Nodes[name].Address, owners[at][i]),
				"nodes of one role, and nodes on different sides, are different machines: give each its own address")
			continue
		}
		owners[at] = append(owners[at], name)
	}
}

// apart tells whether two nodes must be different machines.
func (l *loader) apart(a, b string) bool {
	x, y := l.d.Nodes[a], l.d.Nodes[b]
	return x.Role == y.Role || x.Side != "" && y.Side != "" && x.Side != y.Side
}
