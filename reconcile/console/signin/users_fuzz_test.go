package signin

import (
	"os"
	"path/filepath"
	"testing"

	"mainstay/e2e/attack"
)

// FuzzUsers reads what may stand in a file of users: whoever is in it has a name, one of
// the roles and a hash, and nobody is in it twice.
func FuzzUsers(f *testing.F) {
	const hash = "$2a$04$abcdefghijklmnopqrstuuNVq7wLKrMvQfmJLfYL6mFqWQb2h6GxS"
	for _, text := range []string{
		`{"users":[{"name":"ada","email":"a@b","role":"switch","password":"` + hash + `"}]}`,
		`{"users":[{"name":"ada","role":"read","password":"` + hash + `"},{"name":"ada","role":"override","email":"@","password":"` + hash + `"}]}`,
		`{"users":[{"name":"\u202e","role":"READ","password":"$2a$99$"}]}`, `{"users":null} {}`, `[]`, `{"Users":[{"NAME":"x"}]}`,
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "users.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		attack.Cheap(t, func() {
			users, err := Open(path)
			if err != nil {
				return
			}
			seen := map[string]bool{}
			for _, one := range users.all {
				found, ok, err := users.Find(one.Name)
				if err != nil || !ok || found != one || seen[one.Name] || one.check() != nil || !one.Role.Allows(Read) || one.Password == "" {
					t.Errorf("%q holds %+v, found as %+v: %v", data, one, found, err)
				}
				seen[one.Name] = true
			}
			if _, ok, _ := users.Find(""); ok {
				t.Errorf("%q holds somebody without a name", data)
			}
		})
	})
}
