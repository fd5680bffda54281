package terms

import (
	"errors"
	"strings"
	"testing"
)

func TestADeploymentIsCalledByWhereItIsWhereItsNameMayBeAnothers(t *testing.T) {
	one, two := Place{"a.git", "main", "paris.yaml", "paris"}, Place{"b.git", "main", "paris.yaml", "paris"}
	beside := Place{"a.git", "main", "copy.yaml", "paris"}
	for _, c := range []struct {
		what           string
		several, whole bool
		places         []Place
		plain          bool
		title          string
	}{
		{"alone", false, true, []Place{one}, true, "paris"},
		{"two in one repository", false, true, []Place{one, beside}, false, "paris (paris.yaml)"},
		{"one of several repositories", true, true, []Place{one, {"b.git", "main", "rome.yaml", "rome"}}, false, "paris"},
		{"a repository was not read", true, false, []Place{one}, false, "paris (a.git, paris.yaml)"},
		{"two repositories have it", true, true, []Place{one, two}, false, "paris (a.git, paris.yaml)"},
	} {
		n := NewNames(c.several, c.whole, c.places)
		got := n.Of(c.places[0])
		if (got.ID == "paris") != c.plain || got.Title != c.title {
			t.Errorf("%s: %+v", c.what, got)
		}
		seen := map[string]bool{}
		for i, p := range c.places {
			id := n.Of(p).ID
			if at, err := n.Find(id); err != nil || at != i || seen[id] {
				t.Errorf("%s: %s is %d, %v", c.what, id, at, err)
			}
			seen[id] = true
		}
	}
	if NewNames(true, true, []Place{one}).Of(one).ID == NewNames(true, true, []Place{one}).Of(Place{"a.git", "drill", "paris.yaml", "paris"}).ID {
		t.Error("two branches have one address")
	}
}

// A document calls itself what it likes, also as the page calls another one.
func TestANameThatIsAnothersAddressIsNotThatOne(t *testing.T) {
	one, two := Place{"a.git", "main", "paris.yaml", "paris"}, Place{"a.git", "main", "copy.yaml", "paris"}
	id := NewNames(false, true, []Place{one, two}).Of(two).ID
	for _, places := range [][]Place{{{"a.git", "main", "evil.yaml", id}, one, two}, {one, two, {"a.git", "main", "evil.yaml", id}}} {
		n := NewNames(false, true, places)
		if at, err := n.Find(id); err != nil || places[at] != two {
			t.Errorf("%s means %d, %v", id, at, err)
		}
		if n.Of(Place{"a.git", "main", "evil.yaml", id}).ID == id {
			t.Error("it has that address itself")
		}
	}
	if _, err := NewNames(true, false, nil).Find("paris"); !errors.Is(err, ErrWhich) {
		t.Errorf("nothing was read: %v", err)
	}
	if _, err := NewNames(true, false, nil).Find(id); !errors.Is(err, ErrNone) {
		t.Errorf("nothing was read: %v", err)
	}
	if _, err := NewNames(false, false, nil).Find("paris"); !errors.Is(err, ErrNone) {
		t.Errorf("the only repository was not read: %v", err)
	}
	nameless := []Place{{"a.git", "main", "x.yaml", ""}, {"a.git", "main", "y.yaml", ""}}
	if n := NewNames(false, true, nameless); n.Of(nameless[0]).ID == n.Of(nameless[1]).ID {
		t.Error("two without a name have one address")
	}
}

// Whoever may push to one repository chooses its paths and its names: none of them may make an
// address that means the deployment of another repository.
func TestNoDocumentTakesTheAddressOfAnother(t *testing.T) {
	ours := Place{"a", "main", "paris.yaml", "paris"}
	id := NewNames(true, true, []Place{ours}).Of(ours).ID
	if _, sum, _ := strings.Cut(id, "~"); len(sum) < 20 {
		t.Errorf("%s is of %d bits only: a path that makes it too is found in minutes", id, 4*len(sum))
	}
	// The deployment is gone, and another document is called as it was addressed.
	n := NewNames(true, true, []Place{{"b", "main", "x.yaml", id}})
	if i, err := n.Find(id); !errors.Is(err, ErrNone) {
		t.Errorf("found %d, %v", i, err)
	}
}
