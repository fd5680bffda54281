// Package acceptance is a person's signed word, from anywhere, that nodes accept what they
// refuse by themselves: a branch whose history was rewritten, or a claim that went back
// (R9, R10). The word is a note: a commit of one file on a ref of its own in the document's
// repository, which every agent lists at every look anyway, and to which no node needs to
// push.
//
// A note is obeyed by a node only if somebody signed it whom the node lets change the
// document, if it names this node, its agent, where that reads, what it goes by now and what
// it sees now, and before the note's end. A node obeys a note once.
//
// The package must not know how git is asked, nor what an agent does to accept.
package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// File is the one file of a note.
	File = "accept.json"
	// Longest is how long after its signature a note may end.
	Longest = 24 * time.Hour

	apiVersion = "mainstay/v1"
	kind       = "Acceptance"
	// mostBytes bounds a note, mostNodes its nodes, and mostText each text in it.
	mostBytes = 64 << 10
	mostNodes = 1000
	mostText  = 1000
)

// Ref returns the ref of a deployment's note.
func Ref(deployment string) string { return "refs/mainstay/" + deployment + "/accept" }

// Note is what a person accepts, for each node by name.
type Note struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Deployment string `json:"deployment"`
	// Branch is the full name of the branch that the nodes follow.
	Branch string `json:"branch"`
	// Attest is what the person saw, which nothing else tells.
	Attest string `json:"attest"`
	// Until is when the note is over.
	Until time.Time        `json:"until"`
	Nodes map[string]Entry `json:"nodes"`
}

// Entry is what one node is to accept: exactly one of Commit and Claim.
type Entry struct {
	// Instance is the node's agent on its machine, Repository and Path where it reads its
	// document: a copy of the node somewhere else is not meant.
	Instance   string  `json:"instance"`
	Repository string  `json:"repository"`
	Path       string  `json:"path"`
	Commit     *Commit `json:"commit,omitempty"`
	Claim      *Claim  `json:"claim,omitempty"`
}

// Commit is a commit of the branch to be accepted in place of another one.
type Commit struct {
	// From is the commit that the node goes by now, To the one that the branch is at.
	From string `json:"from"`
	To   string `json:"to"`
	// Renames says that the statement is about both sides of a role that the commit renames,
	// or makes exclusive, and of which the node said so: without it such a commit is refused
	// (R13).
	Renames bool `json:"renames,omitempty"`
}

// Claim is a claim that went back, which the node is to put above the highest number.
type Claim struct {
	Role string `json:"role"`
	// Server is the claim as it is now, empty for one that is not there.
	Server string `json:"server"`
	// Seq is the number up to which the node remembers it.
	Seq uint64 `json:"seq"`
}

// New is a note without nodes.
func New(deployment, branch, attest string, until time.Time) *Note {
	return &Note{APIVersion: apiVersion, Kind: kind, Deployment: deployment, Branch: branch, Attest: attest,
		Until: until.UTC().Truncate(time.Second), Nodes: map[string]Entry{}}
}

// Encode writes a note, or says why no node would take it.
func (n *Note) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	_, err = Decode(b)
	return b, err
}

// Decode reads a note. Anything that is only half understood is an error.
func Decode(b []byte) (*Note, error) {
	if len(b) > mostBytes {
		return nil, fmt.Errorf("it is larger than %d bytes", mostBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var n Note
	if err := d.Decode(&n); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	return &n, n.check()
}

func (n *Note) check() error {
	switch {
	case n.APIVersion != apiVersion || n.Kind != kind:
		return fmt.Errorf("it is not of %s, kind %s", apiVersion, kind)
	case n.Deployment == "" || n.Branch == "" || n.Until.IsZero():
		return errors.New("it names no deployment, no branch or no end")
	case len(n.Nodes) == 0 || len(n.Nodes) > mostNodes:
		return fmt.Errorf("it names %d nodes, and 1 to %d are right", len(n.Nodes), mostNodes)
	case strings.TrimSpace(n.Attest) == "" || len(n.Attest) > mostText || strings.ContainsFunc(n.Attest, unicode.IsControl):
		return fmt.Errorf("it states nothing, more than %d bytes, or more than a line", mostText)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Nodes)) {
		if err := n.Nodes[name].check(); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

func (e Entry) check() error {
	switch {
	case e.Instance == "" || e.Repository == "" || e.Path == "":
		return errors.New("it names no agent, or not where that reads")
	case (e.Commit == nil) == (e.Claim == nil):
		return errors.New("it names neither a commit nor a claim, or both")
	case e.Commit != nil && (!hash(e.Commit.From) || !hash(e.Commit.To) || e.Commit.From == e.Commit.To):
		return errors.New("it does not name two commits in full")
	case e.Claim != nil && (e.Claim.Role == "" || e.Claim.Seq == 0 || e.Claim.Server != "" && !hash(e.Claim.Server)):
		return errors.New("it does not name the role, the claim in full and the number")
	}
	return nil
}

// hash reports whether a text is the full name of an object.
func hash(text string) bool { return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == "" }
