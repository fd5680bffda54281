package spec

import (
	"cmp"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"mainstay/spec/endpoint"
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
	if host == "" || endpoint.LinkLocal(host) {
		return refuse("probes", net.JoinHostPort(host, port))
	}
	known := func(h string) bool { return endpoint.Plain(h) == endpoint.Plain(host) }
	if endpoint.Plain(host) == "" || slices.ContainsFunc(hosts, known) {
		return nil
	}
	if slices.ContainsFunc(a.Probes, func(entry string) bool { return endpoint.Match(entry, host, port) }) {
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
