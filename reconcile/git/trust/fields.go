package trust

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"mainstay/reconcile/git/signature"
	"mainstay/schema"
	"mainstay/spec"
)

// The trailers that tie a commit to a deployment and a branch.
const (
	TrailerDeployment = "Mainstay-Deployment"
	TrailerBranch     = "Mainstay-Branch"
)

// fields are those of the policy that a commit changes. What a template says counts as
// a part of the roles. A document that cannot be read may have changed them all.
func (q *Question) fields(h History, c *Commit, before, changed []string) []string {
	var touched []string
	if slices.ContainsFunc(changed, func(file string) bool { return file != q.Document }) {
		touched = append(touched, "roles")
	}
	if !slices.Contains(changed, q.Document) {
		return touched
	}
	is := q.document(h, c.ID)
	var olds []map[string]any
	for _, b := range before {
		olds = append(olds, q.document(h, b))
	}
	for _, field := range spec.PolicyFields() {
		differs := is == nil || len(before) == 0
		for _, was := range olds {
			differs = differs || was == nil || !reflect.DeepEqual(was[field], is[field])
		}
		if differs && !slices.Contains(touched, field) {
			touched = append(touched, field)
		}
	}
	return touched
}

// document is the document at a commit, nil when it cannot be read.
func (q *Question) document(h History, commit string) map[string]any {
	data, err := h.Read(commit, q.Document)
	if err != nil {
		return nil
	}
	doc, _ := schema.Read(schema.Deployment, q.Document, data)
	if doc == nil {
		return nil
	}
	return doc.Value
}

// bound wants the commit to say itself that it is for this deployment and this branch,
// so that one that was made for another cannot be put here by a key that signs nothing.
func (q *Question) bound(c *Commit) error {
	payload, _, err := signature.Split(c.Raw)
	if err != nil {
		return err
	}
	said := trailers(payload)
	for name, want := range map[string]string{TrailerDeployment: q.Deployment, TrailerBranch: q.Branch} {
		switch values := said[name]; {
		case len(values) == 0:
			return fmt.Errorf("it changes active or fenced and has no line %s: %s, which verify.policy.bound wants: mainstay failover writes it", name, want)
		case len(values) > 1 || values[0] != want:
			return fmt.Errorf("it says %s: %s, and this is %s", name, strings.Join(values, " and "), want)
		}
	}
	return nil
}

// trailers are the lines of a message's last paragraph that have a name.
func trailers(payload []byte) map[string][]string {
	_, message, _ := bytes.Cut(payload, []byte("\n\n"))
	text := strings.TrimRight(string(message), "\n")
	if i := strings.LastIndex(text, "\n\n"); i >= 0 {
		text = text[i+2:]
	}
	found := map[string][]string{}
	for line := range strings.Lines(text) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), ": "); is {
			found[name] = append(found[name], value)
		}
	}
	return found
}
