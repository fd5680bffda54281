package signin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mainstay/reconcile/console/signin/provider"
)

// Everybody is the group of all whom a provider or a proxy let in.
const Everybody = "*"

// Grant gives a role to a group of a provider or a proxy.
type Grant struct {
	Role  Role
	Group string
}

// ParseGrant reads ROLE=GROUP.
func ParseGrant(text string) (Grant, error) {
	role, group, ok := strings.Cut(text, "=")
	if !ok || group == "" || !slices.Contains(Roles(), Role(role)) {
		return Grant{}, fmt.Errorf("the grant %q: write ROLE=GROUP, with the role read, switch or override; the group * is everybody", text)
	}
	return Grant{Role(role), group}, nil
}

// admitted is the user that somebody is whom a provider or a proxy vouches for: the one
// of the file where there is one, else one with the highest role of the person's groups.
// Errors: ErrStranger, and those of reading the file.
func (d *Desk) admitted(p provider.Person) (User, error) {
	if d.Users != nil {
		who, ok, err := d.Users.Find(p.Name)
		if err == nil && !ok {
			err = ErrStranger
		}
		return who, err
	}
	who := User{Name: p.Name, FullName: p.FullName, Email: p.Email}
	for _, g := range d.Grants {
		if (g.Group == Everybody || slices.Contains(p.Groups, g.Group)) && !who.Role.Allows(g.Role) {
			who.Role = g.Role
		}
	}
	if who.Role == "" {
		return User{}, fmt.Errorf("%w: none of the groups has a role", ErrStranger)
	}
	if who.unfitFullName() {
		who.FullName = ""
	}
	if err := who.check(); err != nil {
		return User{}, fmt.Errorf("%w: %w", ErrStranger, err)
	}
	return who, nil
}

// errNoProvider is of a page without one.
var errNoProvider = errors.New("this page asks no provider")
