package fleet

import "testing"

func TestOneRepositoryHasManySpellings(t *testing.T) {
	for _, same := range [][2]string{
		{"http://h/try.git", "http://h/try.git/"}, {"http://h/try.git", "http://h/try"}, {"https://H.example.org:443/a.git", "https://ops:token@h.example.org/a.git"},
		{"git@h:a/b.git", "ssh://git@h/a/b.git"}, {"git@h:a/b.git", "ssh://git@h:22/a/b"}, {"/tmp/x.git", "file:///tmp/x.git/"},
	} {
		if !SameRepository(same[0], same[1]) {
			t.Errorf("%s and %s are one", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"http://h/a.git", "http://h/b.git"}, {"http://h/a.git", "https://h/a.git"}, {"http://h:81/a.git", "http://h/a.git"}, {"/tmp/x.git", "/tmp/y.git"},
	} {
		if SameRepository(other[0], other[1]) {
			t.Errorf("%s and %s are two", other[0], other[1])
		}
	}
}
