package fleet

import (
	"time"

	"mainstay/reconcile/plan"
	"mainstay/schema"
	"mainstay/spec"
)

// Timed is what the names of branches begin with that ask for a switch at a time.
const Timed = "mainstay/at/"

// View is what a repository said at one moment.
type View struct {
	Repository string `json:"repository,omitempty"`
	Branch     string `json:"branch,omitempty"`
	// Commit is the newest one of the branch, with who made it and when.
	Commit  string    `json:"commit,omitempty"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	When    time.Time `json:"when,omitzero"`
	// Coordinated is false in read-only mode: there is nothing that nodes could
	// say (R8).
	Coordinated bool `json:"coordinated"`
	// Read is when all this was read; every age counts from it.
	Read time.Time `json:"read"`
	// Timed are the branches below Timed by which switches are asked for at a time, with
	// their commits, as far as the repository lists them.
	Timed       map[string]string `json:"-"`
	OK          bool              `json:"ok"`
	Deployments []Deployment      `json:"deployments"`
	// Members are those of the etcd cluster that claims live on, where somebody asked.
	Members []ClaimMember `json:"members,omitempty"`

	moved bool
}

// Deployment is one document with what its nodes say.
type Deployment struct {
	Name   string    `json:"name"`
	Path   string    `json:"path,omitempty"`
	Active spec.Side `json:"active,omitempty"`
	Fenced spec.Side `json:"fenced,omitempty"`
	Digest string    `json:"digest,omitempty"`
	// Problems of a document that no node will accept.
	Problems []schema.Problem `json:"problems,omitempty"`
	Claims   map[string]Claim `json:"claims"`
	Nodes    []Node           `json:"nodes"`
	// OK says that every node was heard, is what the document says and has
	// nothing to tell.
	OK bool `json:"ok"`
	// Findings are what is not as it should be beyond single nodes.
	Findings []string `json:"findings,omitempty"`
	// Outages say which roles nobody serves, and since when.
	Outages []string `json:"outages,omitempty"`
	// Unserved are the outages for those who word them in another language.
	Unserved []Unserved `json:"-"`
	// Ways say what a person can do about the outages.
	Ways []string         `json:"ways,omitempty"`
	Spec *spec.Deployment `json:"-"`
	// Former are the names that nodes go by still, once Formerly has looked.
	Former []Former `json:"-"`
	// strangers report and are not in the document, and left tells of claims that are
	// held of roles which are not in it.
	strangers []Node
	left      []string
}

// Unserved is a role that nobody serves, as far as reports tell.
type Unserved struct {
	Role string
	// Since is zero where a node that served is only not heard any more.
	Since time.Time
	// Text is the outage in words.
	Text string
}

// Claim is a claim as it was read; the zero Tip is one that nobody ever held.
type Claim struct {
	plan.Tip
	Error string `json:"error,omitempty"`
}

// Names are those of the deployments.
func (v *View) Names() []string {
	var out []string
	for _, d := range v.Deployments {
		out = append(out, d.Name)
	}
	return out
}

// Node is one node with its report.
type Node struct {
	Name string    `json:"name"`
	Role string    `json:"role,omitempty"`
	Side spec.Side `json:"side,omitempty"`
	// Report is what it last said, nil when it never did.
	Report *plan.Report `json:"report,omitempty"`
	// Unreadable says why a report that is there could not be read.
	Unreadable string `json:"unreadable,omitempty"`
	// Age is how long ago the report was made, by the two machines' clocks, in
	// seconds.
	Age float64 `json:"age,omitempty"`
	// Ahead is by how many seconds the report is dated ahead of this machine's clock,
	// at least; its age is not known then.
	Ahead float64 `json:"ahead,omitempty"`
	// Moved is when this program saw the report change, by this machine's clock, zero
	// when it did not. Silent says that it looked for longer than a node that lives is
	// silent, and nothing changed.
	Moved  time.Time `json:"-"`
	Silent bool      `json:"-"`
	// Stale says that the node should have been heard since: what it said may
	// not be so any more.
	Stale bool `json:"stale"`
	// Unproven says why a node that says it is Active was not seen to serve.
	Unproven string `json:"-"`
	// Applied says that the node is as the document says.
	Applied bool `json:"applied"`
	OK      bool `json:"ok"`
	// Findings are what is not as it should be.
	Findings []string `json:"findings,omitempty"`
}

// Node returns a node by its name, and whether there is one.
func (d *Deployment) Node(name string) (Node, bool) {
	for _, n := range d.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Node{}, false
}
