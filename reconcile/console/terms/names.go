package terms

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// mark stands between a name and what makes it exact. No valid document has it in its name.
const mark = "~"

// Place is where a deployment is.
type Place struct {
	// Repository is the name of its repository, which no other of the page has, Branch the one
	// that was read, and Path the document's.
	Repository, Branch, Path string
	// Name is the deployment's own, empty for a document that has none.
	Name string
}

// Named is how a page calls a deployment.
type Named struct {
	// ID is its name in addresses.
	ID string
	// Title is its name for people: with its place where the name alone may be another's.
	Title string
}

func (p Place) name() string { return cmp.Or(p.Name, "unnamed") }

// exact is the name with what says which place it is. Who may push to another repository
// chooses paths until they make the same, unless it is too long for that.
func (p Place) exact() string {
	sum := sha256.Sum256([]byte(p.Repository + "\x00" + p.Branch + "\x00" + p.Path))
	return p.name() + mark + hex.EncodeToString(sum[:10])
}

// Names give every deployment of a page an address that no other one has, whatever was read by
// then: two repositories may each have a deployment of one name, and the first may be read
// after the second.
type Names struct {
	places []Place
	count  map[string]int
	// several says that the page is of several repositories, and whole that each was read once.
	several, whole bool
}

// NewNames are the names of a page: of several repositories or of one, and of all that they have
// or of what was read.
func NewNames(several, whole bool, places []Place) *Names {
	n := &Names{places: places, count: map[string]int{}, several: several, whole: whole}
	for _, p := range places {
		n.count[p.name()]++
	}
	return n
}

// Of is how a deployment is called. On a page of several repositories every address says
// which one it is in: what was read before, or is read later, changes no address.
func (n *Names) Of(p Place) Named {
	out := Named{ID: p.name(), Title: p.name()}
	if n.several || n.count[p.name()] > 1 || strings.Contains(p.name(), mark) {
		out.ID = p.exact()
	}
	switch {
	case n.several && (!n.whole || n.count[p.name()] > 1):
		out.Title += " (" + p.Repository + ", " + p.Path + ")"
	case n.count[p.name()] > 1:
		out.Title += " (" + p.Path + ")"
	}
	return out
}

// Errors of Find.
var (
	ErrNone = errors.New("there is no such deployment")
	// ErrWhich is of a name that several may have: it is never taken for any of them.
	ErrWhich = errors.New("several repositories may have a deployment of this name, or a repository has two: name it as the list does")
)

// Find is which of the places an address means. A name alone is taken while it can mean only
// one: nobody knows that before every repository was read.
func (n *Names) Find(id string) (int, error) {
	found, err := -1, ErrNone
	for i, p := range n.places {
		switch {
		case n.Of(p).ID == id:
			return i, nil
		case p.name() == id && !strings.Contains(id, mark):
			found, err = i, nil
		}
	}
	if err == nil && (n.count[id] > 1 || !n.whole) {
		return -1, ErrWhich
	}
	if err != nil && n.several && !n.whole && !strings.Contains(id, mark) {
		return -1, ErrWhich // it may be in what was not read
	}
	return found, err
}
