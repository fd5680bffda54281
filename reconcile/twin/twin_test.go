package twin

import (
	"testing"

	"mainstay/reconcile/plan"
)

func TestOneRepositoryIsOneSourceHoweverItIsSpelled(t *testing.T) {
	for _, same := range [][2]string{
		{"git@h:a/b.git", "https://h/a/b"}, {"ssh://git@h:2222/a/b.git/", "http://H/a/b.git"}, {"/srv/git/x.git", "ssh://h/srv/git/x.git"},
		{"/srv/git/x.git", "file:///srv/git/x.git"}, {"", "https://h/a/b"},
	} {
		if Apart(plan.Source{Repository: same[0]}, plan.Source{Repository: same[1]}) {
			t.Errorf("%s and %s are one", same[0], same[1])
		}
	}
	for _, two := range [][2]string{{"git@h:a/b.git", "git@h:a/c.git"}, {"https://h/a/b", "https://g/a/b"}, {"/srv/x.git", "/srv/y.git"}} {
		if !Apart(plan.Source{Repository: two[0]}, plan.Source{Repository: two[1]}) {
			t.Errorf("%s and %s are two", two[0], two[1])
		}
	}
}
