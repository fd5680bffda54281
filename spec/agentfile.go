package spec

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"mainstay/spec/alerts"
	"mainstay/spec/cluster"
)

// AgentFile is the node's own configuration, /etc/mainstay/agent.yaml. What the
// repository may ask for is bounded by what this file allows.
type AgentFile struct {
	// Node is this node's name in the document. The default is the host name.
	Node         string       `json:"node"`
	Repository   Repository   `json:"repository"`
	Coordination Coordination `json:"coordination"`
	Verify       Verify       `json:"verify"`
	Allow        Allow        `json:"allow"`
	// Listen is the address of the HTTP endpoints. The default is
	// 127.0.0.1:9477; "off" turns them off.
	Listen           string `json:"listen"`
	NotifySecretFile string `json:"notifySecretFile,omitempty"`
	// Alerts say who is told of what, by this node.
	Alerts []alerts.Alert `json:"alerts,omitempty"`
	// SelfFence is run under a lease only, when a stop cannot be verified (R7).
	SelfFence []string `json:"selfFence"`
	// State is the folder of the persisted state. The default is
	// /var/lib/mainstay.
	State string `json:"state"`
	// Socket is the control socket. The default is /run/mainstay/agent.sock.
	Socket string `json:"socket"`
}

// Repository is where the document comes from.
type Repository struct {
	URL string `json:"url"`
	// Mirrors are read-only copies, tried in order when URL is out of reach.
	Mirrors []string `json:"mirrors,omitempty"`
	// Branch defaults to main.
	Branch string `json:"branch"`
	// Path is the document inside the repository. The default is
	// deployment.yaml.
	Path string `json:"path"`
	// SSHKey is a private key file for ssh URLs.
	SSHKey string `json:"sshKey,omitempty"`
	// TokenFile holds a token for https URLs, as "token" or "user:token".
	TokenFile string `json:"tokenFile,omitempty"`
	// KnownHosts pins the SSH host keys. The default is
	// /etc/mainstay/known_hosts.
	KnownHosts string `json:"knownHosts"`
	// CAFile has the certificate authorities of https URLs, in place of the system's.
	CAFile string `json:"caFile,omitempty"`
}

// CoordinationOff is the coordination URL of read-only mode (R8).
const CoordinationOff = "off"

// Coordination is where claims and reports live: a repository, or an etcd cluster.
// An empty URL is the same repository; CoordinationOff is read-only mode. The YAML form
// is an object, or the word off.
type Coordination struct {
	URL        string `json:"url"`
	SSHKey     string `json:"sshKey,omitempty"`
	TokenFile  string `json:"tokenFile,omitempty"`
	KnownHosts string `json:"knownHosts,omitempty"`
	CAFile     string `json:"caFile,omitempty"`
	cluster.Access
}

// UnmarshalJSON reads an object, or the word off.
func (c *Coordination) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		if word != CoordinationOff {
			return fmt.Errorf("coordination %q: must be an object, or the word %s", word, CoordinationOff)
		}
		*c = Coordination{URL: CoordinationOff}
		return nil
	}
	type plain Coordination
	if err := json.Unmarshal(b, (*plain)(c)); err != nil {
		return fmt.Errorf("coordination: %w", err)
	}
	return nil
}

// Off tells whether this is read-only mode (R8).
func (c Coordination) Off() bool { return c.URL == CoordinationOff }

// Cluster tells whether claims and reports live on an etcd cluster.
func (c Coordination) Cluster() bool { return cluster.Is(c.URL) }

// PlainHTTP are the addresses on whose way anybody reads and writes. One of this machine
// itself has no way.
func (a *AgentFile) PlainHTTP() []string {
	var found []string
	for _, address := range slices.Concat([]string{a.Repository.URL}, a.Repository.Mirrors, []string{a.Coordination.URL}) {
		u, err := url.Parse(address)
		if err != nil || !strings.EqualFold(u.Scheme, "http") {
			continue
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			found = append(found, address)
		}
	}
	c := a.Coordination
	if p, err := cluster.Parse(c.URL); err == nil && !p.Over(c.CAFile, c.Access) && !p.Here() {
		found = append(found, p.Shown())
	}
	return found
}

// Verify says whose commits are accepted. Without AllowedSigners every commit
// is.
type Verify struct {
	AllowedSigners string `json:"allowedSigners,omitempty"`
	// Nodes is a file with the nodes' own keys. With it, a claim or a report that
	// its node did not sign is not believed.
	Nodes string `json:"nodes,omitempty"`
	// SignKey is the private key that signs this node's claims and reports. The
	// default is the key that git is reached with over ssh.
	SignKey string `json:"signKey,omitempty"`
	// Policy says who of AllowedSigners may change what. Nil lets each of them change
	// everything.
	Policy *Policy `json:"policy,omitempty"`
	// Skew is how far the clock of whoever commits may be wrong, when commits are
	// verified. The default is 15m.
	Skew Duration `json:"skew"`
}

// Policy says, for each field at the top of a document, who may change it: names that
// stand in the file of allowed signers, addresses of an OpenPGP key, or fingerprints. A
// field without a name may be changed by every allowed signer.
type Policy struct {
	Active   []string `json:"active,omitempty"`
	Fenced   []string `json:"fenced,omitempty"`
	Agent    []string `json:"agent,omitempty"`
	Handover []string `json:"handover,omitempty"`
	Nodes    []string `json:"nodes,omitempty"`
	// Roles are all that Allow bounds, with the templates that they name.
	Roles []string `json:"roles,omitempty"`
	// Bound wants a commit that changes Active or Fenced to name this deployment and
	// this branch in its trailers.
	Bound bool `json:"bound,omitempty"`
}

// PolicyFields are the fields of a document that a policy can keep for some.
func PolicyFields() []string {
	return []string{"active", "fenced", "agent", "handover", "nodes", "roles"}
}

// Who returns who may change a field, nil for every allowed signer.
func (p *Policy) Who(field string) []string {
	return map[string][]string{"active": p.Active, "fenced": p.Fenced, "agent": p.Agent,
		"handover": p.Handover, "nodes": p.Nodes, "roles": p.Roles}[field]
}

// SigningKey returns the file of the key that signs this node's claims and
// reports, or nothing when it has none.
func (a *AgentFile) SigningKey() string {
	c := a.Coordination
	switch {
	case a.Verify.SignKey != "":
		return a.Verify.SignKey
	case c.Off():
		return ""
	case c.URL == "" || c.URL == a.Repository.URL || cluster.Is(c.URL):
		return a.Repository.SSHKey
	}
	return c.SSHKey
}

// Allow lists what the repository may ask of this node. Anything not listed is
// refused.
type Allow struct {
	// Systemd lists unit names; "*" matches any run of characters.
	Systemd []string `json:"systemd,omitempty"`
	// Compose lists project names. A repository that also names the folder of
	// the compose file needs "project=/folder": who chooses the compose file
	// chooses what runs.
	Compose []string `json:"compose,omitempty"`
	// Commands lists argument vectors, "*" as the last one meaning any rest and
	// elsewhere any one argument.
	Commands [][]string `json:"commands,omitempty"`
	// Paths lists files, and folders with a trailing slash.
	Paths []string `json:"paths,omitempty"`
	// Directories lists the folders that supervised processes may run in.
	Directories []string `json:"directories,omitempty"`
	// Probes lists where probes may ask besides loopback and the hosts that the
	// document names, as host:port.
	Probes []string `json:"probes,omitempty"`
	// Addresses lists the floating addresses that the node may have, as
	// INTERFACE=ADDRESS/LENGTH; see floating.Allowed.
	Addresses []string `json:"addresses,omitempty"`
	// Environment lists the variables that supervised processes may be given.
	Environment []string `json:"environment,omitempty"`
}
