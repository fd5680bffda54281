package webpage

import (
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
)

// Signing says who may commit on the page, and how people are told apart.
type Signing struct {
	// Allow is off for a page that only reads and asks nobody who they are.
	Allow bool
	// Users is the file of users, Audit the one that acts are written to.
	Users, Audit string
	// Header is what a proxy at an address of From names the person in.
	Header string
	From   []string
}

func (s *Signing) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.Allow, "allow-commits", false, "let people sign in, and commit a switch as their role allows")
	f.StringVar(&s.Users, "users", "", "the file of users, as mainstay console user add writes it")
	f.StringVar(&s.Audit, "audit", "", "a file for a line of JSON about every act")
	f.StringVar(&s.Header, "trust-header", "", "a header in which a proxy that asked already names the user")
	f.StringArrayVar(&s.From, "trust-from", nil, "the address of that proxy; may be given again")
}

// Unpaired names two flags of which only one was given, empty when there are none.
func (o *Options) Unpaired() string {
	switch {
	case (o.Certificate == "") != (o.Key == ""):
		return "--tls-cert and --tls-key"
	case o.Allow != (o.Users != ""):
		return "--allow-commits and --users"
	case (o.Header == "") != (len(o.From) == 0):
		return "--trust-header and --trust-from"
	}
	return ""
}

// desk opens what people sign in at, nothing for a page that only reads.
func (o Options) desk() (*signin.Desk, *audit.Log, error) {
	s := o.Signing
	if !s.Allow {
		if s.Header != "" || s.Audit != "" {
			return nil, nil, wrong{fmt.Errorf("--audit and --trust-header are for a page where people sign in"), "add --allow-commits with --users, or leave them out"}
		}
		return nil, nil, nil
	}
	users, err := signin.Open(s.Users)
	if err != nil {
		return nil, nil, wrong{err, "mainstay console user add NAME --role ROLE --email ADDRESS --users FILE writes it"}
	}
	var from []netip.Addr
	for _, text := range s.From {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, nil, wrong{fmt.Errorf("--trust-from is %q", text), "give one IP address, such as 127.0.0.1"}
		}
		from = append(from, a)
	}
	log, err := audit.New(s.Audit)
	if err != nil {
		return nil, nil, wrong{err, "name another file with --audit"}
	}
	return signin.New(signin.Options{Users: users, Header: s.Header, From: from, Secure: o.Certificate != "", Path: o.path()}), log, nil
}
