// Package endpoint is hosts and ports as text: which of them a list of a node's own
// file names, which two texts are one host, and where nobody ever asks.
//
// It asks nobody, and must not know what is asked there.
package endpoint

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// star in a list stands for any host or port.
const star = "*"

// Match matches host and port against an entry of allow.probes, such as
// 10.20.0.7:80, 10.20.0.0/16:5060, *.example.org:443 or monitor:*. A star never
// stands for a part of an address: 10.20.0.* would match a name.
func Match(entry, host, port string) bool {
	wantHost, wantPort, err := net.SplitHostPort(entry)
	if err != nil || wantPort != star && wantPort != port {
		return false
	}
	if network, err := netip.ParsePrefix(wantHost); err == nil {
		ip, err := netip.ParseAddr(host)
		return err == nil && network.Contains(ip.Unmap())
	}
	if suffix, ok := strings.CutPrefix(wantHost, star+"."); ok {
		_, err := netip.ParseAddr(host)
		return err != nil && strings.HasSuffix(Plain(host), "."+Plain(suffix))
	}
	return wantHost == star || Plain(wantHost) == Plain(host)
}

// Problem says what is wrong with an entry of allow.probes, or nothing.
func Problem(entry string) string {
	host, port, err := net.SplitHostPort(entry)
	network, notNetwork := netip.ParsePrefix(host)
	name := strings.TrimPrefix(host, star+".")
	switch {
	case err != nil || host == "" || port == "":
		return "is not host:port"
	case LinkLocal(host) || notNetwork == nil && LinkLocal(network.Addr().String()):
		return "is link-local or a cloud's own, and no probe asks there"
	case notNetwork != nil && host != star && strings.ContainsAny(name, star+"/"):
		return "has a star inside the host, or is no network"
	}
	return ""
}

// LinkLocal tells whether a host is an address that is good on one link only, or
// another one where clouds keep secrets for whoever asks: no probe asks there, however
// the address is written.
func LinkLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	for _, translated := range []string{"64:ff9b::/96", "64:ff9b:1::/48", "::/96"} {
		if netip.MustParsePrefix(translated).Contains(ip) && !ip.IsLoopback() {
			ip, _ = netip.AddrFromSlice(ip.AsSlice()[12:])
		}
	}
	cloud := []string{"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"}
	return ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() || slices.Contains(cloud, ip.WithZone("").String())
}

// Plain is one spelling for every spelling of an address; it is empty for
// none and for loopback.
func Plain(text string) string {
	if ip, err := netip.ParseAddr(text); err == nil {
		if ip = ip.Unmap(); ip.IsLoopback() {
			return ""
		}
		return ip.String()
	}
	name := strings.TrimSuffix(strings.ToLower(text), ".")
	if name == "localhost" {
		return ""
	}
	return name
}
