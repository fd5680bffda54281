package fleet

import (
	"path"
	"slices"

	"mainstay/reconcile/gitcmd"
	"mainstay/spec"
)

// Affected lists the documents that a change touches: those that changed, and those in
// whose folder, where their templates are, something did.
func Affected(from, to gitcmd.Tree) ([]string, error) {
	changed, err := gitcmd.Changed(from, to)
	if err != nil {
		return nil, err
	}
	folders := map[string]bool{}
	for _, c := range changed {
		for dir := path.Dir(c); ; dir = path.Dir(dir) {
			folders[dir] = true
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	var out []string
	for _, t := range []gitcmd.Tree{from, to} {
		files, err := t.Files()
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if folders[path.Dir(f)] && IsDocument(t, f) {
				out = append(out, f)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// IsDocument reports whether a file is a document of a deployment, be it a broken one.
func IsDocument(t Tree, file string) bool {
	_, is := readDocument(t, file)
	return is
}

// AcceptedOf is the document that most nodes go by, nil when no node accepted one: it
// stands for a newest one that is broken.
func AcceptedOf(tree gitcmd.Tree, file string, d *Deployment) *spec.Deployment {
	votes, best := map[string]int{}, ""
	for _, n := range d.Nodes {
		if n.Report == nil || n.Report.Accepted == "" {
			continue
		}
		c := n.Report.Accepted
		if votes[c]++; best == "" || votes[c] > votes[best] {
			best = c
		}
	}
	if best == "" {
		return nil
	}
	was, _, err := Load(tree.At(best), file)
	if err != nil {
		return nil
	}
	return was
}
