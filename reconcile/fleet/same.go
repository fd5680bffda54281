package fleet

import (
	"net/url"
	"path/filepath"
	"strings"
)

// SameRepository reports whether two addresses name one repository, however they
// are spelled: with .git, a slash at the end, a user, a port that is the usual one,
// capitals in the host's name, or as a path of the ssh form.
func SameRepository(a, b string) bool { return spelled(a) == spelled(b) }

func spelled(address string) string {
	host, path, ok := strings.Cut(address, ":")
	if ok && !strings.Contains(address, "://") && !strings.Contains(host, "/") {
		address = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Scheme == "file" {
		if err == nil && u.Scheme == "file" {
			address = u.Path
		}
		if abs, err := filepath.Abs(address); err == nil {
			address = abs
		}
		if real, err := filepath.EvalSymlinks(address); err == nil {
			address = real
		}
		return strings.TrimSuffix(strings.TrimRight(address, "/"), ".git")
	}
	port := u.Port()
	if usual := map[string]string{"ssh": "22", "http": "80", "https": "443"}[u.Scheme]; port == usual {
		port = ""
	}
	path = strings.Trim(u.Path, "/")
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + "/" + strings.TrimSuffix(path, ".git")
}
