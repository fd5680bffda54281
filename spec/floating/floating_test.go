package floating

import (
	"testing"

	"mainstay/e2e/attack"
)

func TestANodeHasTheAddressesThatItsOwnFileLists(t *testing.T) {
	list := []string{"eth0=10.20.0.10/24", "eth0=10.30.0.0/24", "*=2001:db8::10/64", "bond0=10.40.0.10/32"}
	for _, c := range []struct {
		what, at, ip string
		want         bool
	}{
		{"as it is listed", "eth0", "10.20.0.10/24", true},
		{"in a network that is listed", "eth0", "10.30.0.7/24", true},
		{"on any interface", "eth7", "2001:db8:0::10/64", true},
		{"one address alone", "bond0", "10.40.0.10/32", true},
		{"another address", "eth0", "10.20.0.1/24", false},
		{"on another interface", "eth1", "10.20.0.10/24", false},
		{"with a shorter length, which leads the way to more of the world there", "eth0", "10.20.0.10/8", false},
		{"in a network that is listed, with a shorter length", "eth0", "10.30.0.7/16", false},
		{"in a network that is listed, with a longer length", "eth0", "10.30.0.7/32", false},
		{"beside one address alone", "bond0", "10.40.0.11/32", false},
		{"in IPv6 form", "eth0", "::ffff:10.20.0.10/120", false},
		{"where clouds keep secrets", "eth0", "169.254.169.254/16", false},
		{"as a network that is listed", "eth0", "10.30.0.0/24", false},
		{"as text that is none", "eth0", "10.20.0.10", false},
		{"on an interface that is a command", "eth0; reboot", "2001:db8::10/64", false},
		{"on no interface", "", "2001:db8::10/64", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			if !c.want {
				attack.Row(t, "allow", "a commit brings an address that is not listed: "+c.what, "refused, with the line to add")
			}
			if got := Allowed(list, Address{c.at, c.ip}); got != c.want {
				t.Errorf("allowed %v", got)
			}
		})
	}
	if Allowed([]string{"eth0=169.254.169.254/16"}, Address{"eth0", "169.254.169.254/16"}) {
		t.Error("a link-local address that is listed is allowed")
	}
}

func TestTheLineToAddAllowsTheAddressAndNothingElse(t *testing.T) {
	for _, a := range []Address{{"eth0", "10.20.0.10/24"}, {"br-voice.7", "2001:DB8:0::10/64"}, {"eth0", "10.20.0.10/32"}, {"eth0", "10.20.0.0/31"}} {
		entry := a.Entry()
		if EntryProblem(entry) != "" || !Allowed([]string{entry}, a) || Allowed([]string{entry}, Address{a.Interface, "10.20.0.12/24"}) {
			t.Errorf("%s: %q", entry, EntryProblem(entry))
		}
	}
}

func TestTwoSpellingsAreOneAddress(t *testing.T) {
	a, b := &Address{"eth0", "2001:db8:0:0::10/64"}, &Address{"eth1", "2001:DB8::10/128"}
	if a.Same() != b.Same() || a.Same() == "" || (*Address)(nil).Same() != "" || (&Address{"eth0", "x"}).Same() != "" {
		t.Error(a.Same(), b.Same())
	}
}

// FuzzAddress holds that what is allowed has no problem, and that its line allows it.
func FuzzAddress(f *testing.F) {
	f.Add("eth0", "10.20.0.10/24", "eth0=10.20.0.10/24")
	f.Add("eth0", "2001:db8::10/64", "*=2001:db8::/64")
	f.Add("eth0\n", "10.20.0.10/33", "=")
	f.Fuzz(func(t *testing.T, at, ip, entry string) {
		attack.Cheap(t, func() {
			a := Address{at, ip}
			sound := len(a.Problems()) == 0
			if Allowed([]string{entry}, a) && !sound {
				t.Errorf("%q allows %q, which has problems: %v", entry, a, a.Problems())
			}
			if sound && !Allowed([]string{a.Entry()}, a) {
				t.Errorf("%q does not allow %q", a.Entry(), a)
			}
			if sound && EntryProblem(a.Entry()) != "" {
				t.Errorf("%q: %s", a.Entry(), EntryProblem(a.Entry()))
			}
		})
	})
}
