// Package signin knows who may act on the page, and tells one person from another: the
// file of users with their roles, passwords and the header of a proxy that asked
// already, sessions, and the bounds of guessing.
//
// It must not know of deployments, nor of how anything is shown.
package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/bcrypt"
)

// Role is what a person may do. Each may do what those before it may.
type Role string

// The roles.
const (
	// Read sees every page.
	Read Role = "read"
	// Switch commits what nothing speaks against.
	Switch Role = "switch"
	// Override commits against an objection, by naming it.
	Override Role = "override"
)

// Roles lists them, the least first.
func Roles() []Role { return []Role{Read, Switch, Override} }

// Allows reports whether a role may do what another one may.
func (r Role) Allows(needed Role) bool {
	has := slices.Index(Roles(), r)
	return has >= 0 && has >= slices.Index(Roles(), needed)
}

// User is a person who may sign in.
type User struct {
	Name     string `json:"name"`
	FullName string `json:"fullName,omitempty"`
	Email    string `json:"email,omitempty"`
	Role     Role   `json:"role"`
	// Password is its bcrypt hash, empty for a person whom a provider or a proxy lets in.
	Password string `json:"password,omitempty"`
}

// Shown is how commits and pages name the person.
func (u User) Shown() string {
	if u.FullName != "" {
		return u.FullName
	}
	return u.Name
}

// The bounds of the file and of what stands in it.
const (
	mostUsers   = 1000
	mostFile    = 1 << 20
	longestText = 100
	// LeastPassword is how many characters a password has at least; bcrypt reads 72
	// bytes and no more.
	LeastPassword = 10
)

// bad are letters that would change what a commit says of its author.
func bad(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("<>", r) }

// unfitFullName reports whether a full name is none that a commit can carry.
func (u User) unfitFullName() bool {
	return len(u.FullName) > longestText || strings.ContainsFunc(u.FullName, bad)
}

// check says what is wrong with a user, nil when nothing is.
func (u User) check() error {
	odd := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@", r)
	}
	switch {
	case u.Name == "" || len(u.Name) > longestText || strings.ContainsFunc(u.Name, odd):
		return fmt.Errorf("the name %q: use up to %d letters, digits, dots, dashes, underscores and @", u.Name, longestText)
	case !slices.Contains(Roles(), u.Role):
		return fmt.Errorf("the role %q of %s: use read, switch or override", u.Role, u.Name)
	case u.unfitFullName():
		return fmt.Errorf("the full name of %s: leave out control characters, < and >, and keep it below %d bytes", u.Name, longestText)
	case len(u.Email) > longestText || strings.ContainsFunc(u.Email, bad) || u.Email != "" && !strings.Contains(u.Email, "@"):
		return fmt.Errorf("the e-mail address of %s: write name@domain, alone", u.Name)
	case u.Role != Read && u.Email == "":
		return fmt.Errorf("the e-mail address of %s is missing: commits of the role %s carry it", u.Name, u.Role)
	}
	return nil
}

// Users is the file of users. It is read again when it changed, so that a person who
// is taken out of it is out at once.
type Users struct {
	path string
	mu   sync.Mutex
	seen stamp
	all  []User
}

// stamp tells one state of the file from the next.
type stamp struct {
	at   time.Time
	size int64
	mode fs.FileMode
}

// Open reads the file of users.
func Open(path string) (*Users, error) {
	u := &Users{path: path}
	return u, u.load()
}

// load reads the file when it is another one than before.
func (u *Users) load() error {
	info, err := os.Stat(u.path)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	now := stamp{info.ModTime(), info.Size(), info.Mode()}
	if now == u.seen {
		return nil
	}
	u.all, u.seen = nil, stamp{}
	all, err := read(u.path, info)
	if err != nil {
		return err
	}
	u.all, u.seen = all, now
	return nil
}

// usersFile is the shape of the file.
type usersFile struct {
	Users []User `json:"users"`
}

func read(path string, info fs.FileInfo) ([]User, error) {
	data, err := private(path, "file of users", info, mostFile)
	if err != nil {
		return nil, err
	}
	var f usersFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: it is no file of users: %w", path, err)
	}
	if len(f.Users) > mostUsers {
		return nil, fmt.Errorf("%s: more than %d users", path, mostUsers)
	}
	for i, one := range f.Users {
		if err := one.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if _, err := bcrypt.Cost([]byte(one.Password)); err != nil && one.Password != "" {
			return nil, fmt.Errorf("%s: the password of %s is no bcrypt hash: set it with mainstay console user add", path, one.Name)
		}
		if slices.ContainsFunc(f.Users[:i], func(other User) bool { return other.Name == one.Name }) {
			return nil, fmt.Errorf("%s: %s stands in it twice", path, one.Name)
		}
	}
	return f.Users, nil
}

// Find returns the user of a name. ok is false when there is none, and when the file
// cannot be read: err says why then.
func (u *Users) Find(name string) (found User, ok bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.load(); err != nil {
		return User{}, false, err
	}
	i := slices.IndexFunc(u.all, func(one User) bool { return one.Name == name })
	if i < 0 {
		return User{}, false, nil
	}
	return u.all[i], true, nil
}

// any is the hash of some user's password, to compare in vain.
func (u *Users) any() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range u.all {
		if one.Password != "" {
			return one.Password
		}
	}
	return ""
}

// Add writes a user into the file, in place of one of the same name, and makes the
// file when there is none. password is what the person types.
func Add(path string, one User, password string) error {
	if err := one.check(); err != nil {
		return err
	}
	if len([]rune(password)) < LeastPassword {
		return fmt.Errorf("the password is too short: use %d characters or more", LeastPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return fmt.Errorf("the password: %w", err)
	}
	one.Password = string(hash)
	return write(path, one)
}

// AddWithout writes a user who has no password here: a provider or a proxy lets the
// person in.
func AddWithout(path string, one User) error {
	one.Password = ""
	if err := one.check(); err != nil {
		return err
	}
	return write(path, one)
}

func write(path string, one User) error {
	var all []User
	if info, err := os.Stat(path); err == nil {
		if all, err = read(path, info); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the users: %w", err)
	}
	all = append(slices.DeleteFunc(all, func(other User) bool { return other.Name == one.Name }), one)
	data, err := json.MarshalIndent(usersFile{all}, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the users: %w", err)
	}
	return nil
}

// cost is that of bcrypt: about a quarter of a second for each guess.
const cost = 12
