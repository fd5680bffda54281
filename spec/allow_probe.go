package spec

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// CheckProbe returns a Refusal unless the probe may ask what it asks. Its command
// has to be listed. Its host has to be loopback, one of the given hosts of the
// document, or listed. An address that is good on one link only is never asked:
// clouds keep secrets there.
func (a Allow) CheckProbe(p *Probe, hosts []string) error {
	if p == nil {
		return nil
	}
	if len(p.Command) > 0 {
		return a.CheckCommand(p.Command)
	}
	host, port := p.asks()
	if host == "" || LinkLocal(host) {
		return refuse("probes", net.JoinHostPort(host, port))
	}
	known := func(h string) bool { return plainAddress(h) == plainAddress(host) }
	if plainAddress(host) == "" || slices.ContainsFunc(hosts, known) {
		return nil
	}
	if slices.ContainsFunc(a.Probes, func(entry string) bool { return matchEndpoint(entry, host, port) }) {
		return nil
	}
	return refuse("probes", net.JoinHostPort(host, port))
}

// asks returns the host and the port that a probe asks, each empty when its text
// names none.
func (p *Probe) asks() (host, port string) {
	switch {
	case p.HTTP != "":
		u, err := url.Parse(p.HTTP)
		if err != nil {
			return "", ""
		}
		return u.Hostname(), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	case p.TCP != "":
		host, port, _ = net.SplitHostPort(p.TCP)
		return host, port
	}
	host, port, err := net.SplitHostPort(p.SIP)
	if err != nil {
		return strings.Trim(p.SIP, "[]"), "5060"
	}
	return host, port
}

// matchEndpoint matches host and port against an entry of allow.probes, such as
// 10.20.0.7:80, 10.20.0.0/16:5060, *.example.org:443 or monitor:*. A star never
// stands for a part of an address: 10.20.0.* would match a name.
func matchEndpoint(entry, host, port string) bool {
	wantHost, wantPort, err := net.SplitHostPort(entry)
	if err != nil || wantPort != anything && wantPort != port {
		return false
	}
	if network, err := netip.ParsePrefix(wantHost); err == nil {
		ip, err := netip.ParseAddr(host)
		return err == nil && network.Contains(ip.Unmap())
	}
	if suffix, ok := strings.CutPrefix(wantHost, anything+"."); ok {
		_, err := netip.ParseAddr(host)
		return err != nil && strings.HasSuffix(plainAddress(host), "."+plainAddress(suffix))
	}
	return wantHost == anything || plainAddress(wantHost) == plainAddress(host)
}

// endpointProblem says what is wrong with an entry of allow.probes, or nothing.
func endpointProblem(entry string) string {
	host, port, err := net.SplitHostPort(entry)
	network, notNetwork := netip.ParsePrefix(host)
	name := strings.TrimPrefix(host, anything+".")
	switch {
	case err != nil || host == "" || port == "":
		return "is not host:port"
	case LinkLocal(host) || notNetwork == nil && LinkLocal(network.Addr().String()):
		return "is link-local or a cloud's own, and no probe asks there"
	case notNetwork != nil && host != anything && strings.ContainsAny(name, anything+"/"):
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

// hosts returns what the document names as hosts: the addresses of its nodes, and
// the hosts of their URLs.
func (d *Deployment) hosts() []string {
	set := make(map[string]bool)
	for _, n := range d.Nodes {
		set[n.Address] = true
		if u, err := url.Parse(n.URL); err == nil {
			set[u.Hostname()] = true
		}
	}
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}
