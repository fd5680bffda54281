// Package floating is an address that moves with its role, as text: what a document may
// ask for, and which addresses a node's own file lets it bring.
//
// It asks no machine, and must not know who has the address.
package floating

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// star in a list stands for any interface.
const star = "*"

// Address is an IP address that the side which serves has on one of its interfaces.
type Address struct {
	// Interface is the name of a network interface of the node, such as eth0.
	Interface string `json:"interface"`
	// IP is the address with the length of its network, such as 10.20.0.10/24.
	IP string `json:"ip"`
}

// Problem is what is wrong with a field, whose text it quotes, and what would be right.
type Problem struct{ Key, Text, Message, Hint string }

// interfaceName is what the kernel takes as the name of an interface, without what has a
// meaning in a shell or in a list of this file: at most 15 bytes.
var interfaceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$`)

// Problems says what is wrong with an address.
func (a Address) Problems() []Problem {
	var found []Problem
	if !interfaceName.MatchString(a.Interface) {
		found = append(found, Problem{"interface", a.Interface, fmt.Sprintf("%q is not the name of a network interface", a.Interface),
			"such as eth0, as \"ip link\" shows it"})
	}
	if message := prefixProblem(a.IP); message != "" {
		found = append(found, Problem{"ip", a.IP, fmt.Sprintf("%q %s", a.IP, message), "such as 10.20.0.10/24 or 2001:db8::10/64"})
	}
	return found
}

// prefixProblem says why a text is no address that can move, or nothing.
func prefixProblem(text string) string {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		if _, err := netip.ParseAddr(text); err == nil {
			return "lacks the length of its network"
		}
		return "is not an address with the length of its network"
	}
	ip := p.Addr()
	switch {
	case ip.Is4In6():
		return "is an IPv4 address in IPv6 form"
	case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "is no address of one machine on a network"
	case ip.IsLinkLocalUnicast():
		return "is link-local: it is good on one link only, and clouds keep secrets there"
	case p.Bits() < 8:
		return "names a network of half the world"
	case isNetwork(p):
		return "is the network itself, not an address in it"
	case isBroadcast(p):
		return "is the broadcast address of its network"
	}
	return ""
}

// isNetwork tells whether a prefix has no host bits: it is a network and no address.
func isNetwork(p netip.Prefix) bool {
	return p == p.Masked() && p.Addr().BitLen()-p.Bits() > 1
}

func isBroadcast(p netip.Prefix) bool {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return false
	}
	next := p.Addr().Next()
	return !next.IsValid() || !p.Masked().Contains(next)
}

// Prefix is the address with the length of its network. It is an error for an address
// with Problems.
func (a Address) Prefix() (netip.Prefix, error) {
	if message := prefixProblem(a.IP); message != "" {
		return netip.Prefix{}, fmt.Errorf("%q %s", a.IP, message)
	}
	return netip.ParsePrefix(a.IP)
}

// Same is one spelling of the address itself, whatever its interface and the length of
// its network: two that are the same are one address. It is empty for none.
func (a *Address) Same() string {
	if a == nil {
		return ""
	}
	p, err := netip.ParsePrefix(a.IP)
	if err != nil {
		return ""
	}
	return p.Addr().Unmap().String()
}

// Entry is what a node's own file would list to allow it.
func (a Address) Entry() string {
	if p, err := a.Prefix(); err == nil {
		return a.Interface + "=" + p.String()
	}
	return a.Interface + "=" + a.IP
}

// Allowed tells whether a list names the address: as it is, or as one of a network of the
// same length. The length counts, since a shorter one would lead the way to more of the
// world to that interface.
func Allowed(list []string, a Address) bool {
	want, err := a.Prefix()
	if err != nil || !interfaceName.MatchString(a.Interface) {
		return false
	}
	for _, entry := range list {
		at, text, _ := strings.Cut(entry, "=")
		p, err := netip.ParsePrefix(text)
		if err != nil || at != star && at != a.Interface {
			continue
		}
		if p == want || isNetwork(p) && p == want.Masked() {
			return true
		}
	}
	return false
}

// EntryProblem says what is wrong with an entry of such a list, or nothing.
func EntryProblem(entry string) string {
	at, text, _ := strings.Cut(entry, "=")
	p, err := netip.ParsePrefix(text)
	switch {
	case at != star && !interfaceName.MatchString(at) || err != nil:
		return "is not INTERFACE=ADDRESS/LENGTH"
	case isNetwork(p) && p.Bits() >= 8 && !p.Addr().Is4In6() && !p.Addr().IsUnspecified():
		return ""
	}
	return prefixProblem(text)
}
