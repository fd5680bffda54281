package webpage

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/console/signin/provider"
)

// Signing says who may commit on the page, and how people are told apart.
type Signing struct {
	// Allow is off for a page that only reads and asks nobody who they are.
	Allow bool
	// Users is the file of users, Audit the one that acts are written to, Token the one
	// with the token of wall boards.
	Users, Audit, Token string
	// Header is what a proxy at an address of From names the person in, EmailHeader and
	// GroupsHeader what it says more.
	Header, EmailHeader, GroupsHeader string
	From                              []string
	// Grants are ROLE=GROUP, for who comes by a proxy or a provider.
	Grants []string
	// Issuer is a provider of single sign-on, Secret the file with what the page proves
	// itself by, Roots a file of certificates that it may have beside the usual ones.
	Issuer, Client, Secret, Roots string
	// NameClaim and GroupsClaim are where it tells a person's name and groups.
	NameClaim, GroupsClaim string
	Scopes                 []string
}

func (s *Signing) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.Allow, "allow-commits", false, "let people sign in, and commit a switch as their role allows")
	f.StringVar(&s.Users, "users", "", "the file of users, as mainstay console user add writes it")
	f.StringVar(&s.Audit, "audit", "", "a file for a line of JSON about every act")
	f.StringVar(&s.Header, "trust-header", "", "a header in which a proxy that asked already names the user")
	f.StringArrayVar(&s.From, "trust-from", nil, "the address of that proxy; may be given again")
	f.StringVar(&s.EmailHeader, "trust-email", "", "a header in which that proxy says the user's e-mail address")
	f.StringVar(&s.GroupsHeader, "trust-groups", "", "a header in which that proxy lists the user's groups, with commas")
	f.StringArrayVar(&s.Grants, "grant", nil, "ROLE=GROUP: the role of a group, where a proxy or a provider names groups and there is no --users; * is everybody; may be given again")
	f.StringVar(&s.Issuer, "oidc-issuer", "", "the address of an OpenID Connect provider that signs people in")
	f.StringVar(&s.Client, "oidc-client", "", "what this page is called there")
	f.StringVar(&s.Secret, "oidc-secret", "", "the file with the secret of that client")
	f.StringVar(&s.Roots, "oidc-ca", "", "a file with the certificate of who vouches for that provider, beside the machine's own")
	f.StringVar(&s.NameClaim, "oidc-name", "email", "the claim with a person's name; email counts only if the provider has verified it")
	f.StringVar(&s.GroupsClaim, "oidc-groups", "groups", "the claim with a person's groups")
	f.StringSliceVar(&s.Scopes, "oidc-scopes", []string{"profile", "email"}, "what to ask the provider for, beside openid")
	f.StringVar(&s.Token, "read-token", "", "a file with a token for wall boards and programs, which lets them read")
}

// Contradiction says which flags do not go together, and what would; nil when all do.
func (o *Options) Contradiction() error {
	ways := o.Users != "" || o.Issuer != "" || o.Header != ""
	vouched := o.Issuer != "" || o.Header != ""
	switch {
	case (o.Certificate == "") != (o.Key == ""):
		return wrong{errors.New("--tls-cert and --tls-key go together"), "name both, or neither"}
	case o.Allow && !ways:
		return wrong{errors.New("--allow-commits does not say who people are"), "add --users, --oidc-issuer or --trust-header"}
	case !o.Allow && (ways || o.Audit != "" || o.Token != "" || len(o.Grants) > 0):
		return wrong{errors.New("--users, --oidc-issuer, --trust-header, --grant, --read-token and --audit are for a page where people sign in"), "add --allow-commits, or leave them out"}
	case (o.Header == "") != (len(o.From) == 0):
		return wrong{errors.New("--trust-header and --trust-from go together"), "name both, or neither"}
	case o.Header == "" && (o.EmailHeader != "" || o.GroupsHeader != ""):
		return wrong{errors.New("--trust-email and --trust-groups say more of who --trust-header names"), "add --trust-header and --trust-from, or leave them out"}
	case (o.Issuer == "") != (o.Client == "") || (o.Issuer == "") != (o.Secret == ""):
		return wrong{errors.New("--oidc-issuer, --oidc-client and --oidc-secret go together"), "name all three, or none"}
	case o.Issuer != "" && o.Public == "":
		return wrong{errors.New("the provider has to send people back"), "name the address of this page with --public-url"}
	case vouched && o.Users == "" && len(o.Grants) == 0:
		return wrong{errors.New("nobody has a role"), "add --users, or --grant ROLE=GROUP, such as --grant read=* --grant switch=telephony"}
	case o.Header != "" && o.EmailHeader == "" && slices.ContainsFunc(o.Grants, carriesCommits):
		return wrong{errors.New("commits carry an e-mail address, and the proxy says none: whoever may switch would be let in nowhere"), "add --trust-email, or grant read alone"}
	case len(o.Grants) > 0 && (o.Users != "" || !vouched):
		return wrong{errors.New("--grant is for groups of a proxy or a provider, and with --users roles come from that file"), "leave one of the two out"}
	}
	_, err := o.public()
	return err
}

// carriesCommits reports whether a grant is of a role that commits.
func carriesCommits(grant string) bool {
	role, _, _ := strings.Cut(grant, "=")
	return signin.Role(role).Allows(signin.Switch)
}

// public reads --public-url; nil when there is none.
func (o *Options) public() (*url.URL, error) {
	if o.Public == "" {
		return nil, nil
	}
	u, err := url.Parse(o.Public)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, wrong{fmt.Errorf("--public-url is %q", o.Public), "write it as browsers ask for it, such as https://page.example.org/mainstay/"}
	}
	if path, p := strings.Trim(u.Path, "/"), strings.Trim(o.Prefix, "/"); path != p {
		return nil, wrong{fmt.Errorf("--public-url has the path %q and --prefix is %q", path, p), "give both the same path"}
	}
	return u, nil
}

// secure reports whether browsers come by https.
func (o *Options) secure() bool {
	return o.Certificate != "" || strings.HasPrefix(o.Public, "https://")
}

// desk opens what people sign in at, nothing for a page that only reads.
func (o *Options) desk() (*signin.Desk, *audit.Log, error) {
	if !o.Allow {
		return nil, nil, nil
	}
	d := signin.Options{Header: o.Header, EmailHeader: o.EmailHeader, GroupsHeader: o.GroupsHeader, Secure: o.secure(), Path: o.path()}
	var err error
	if o.Users != "" {
		if d.Users, err = signin.Open(o.Users); err != nil {
			return nil, nil, wrong{err, "mainstay console user add NAME --role ROLE --email ADDRESS --users FILE writes it"}
		}
	}
	for _, text := range o.From {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, nil, wrong{fmt.Errorf("--trust-from is %q", text), "give one IP address, such as 127.0.0.1"}
		}
		d.From = append(d.From, a)
	}
	for _, text := range o.Grants {
		g, err := signin.ParseGrant(text)
		if err != nil {
			return nil, nil, err
		}
		d.Grants = append(d.Grants, g)
	}
	if d.Provider, err = o.provider(); err != nil {
		return nil, nil, err
	}
	if o.Token != "" {
		if d.Wall, err = signin.OpenToken(o.Token); err != nil {
			return nil, nil, wrong{err, "name a file with a token with --read-token"}
		}
	}
	log, err := audit.New(o.Audit)
	if err != nil {
		return nil, nil, wrong{err, "name another file with --audit"}
	}
	return signin.New(d), log, nil
}

// provider prepares single sign-on, nil where there is none.
func (o *Options) provider() (*provider.Provider, error) {
	if o.Issuer == "" {
		return nil, nil
	}
	public, err := o.public()
	if err != nil {
		return nil, err
	}
	secret, err := signin.ReadSecret(o.Secret)
	if err != nil {
		return nil, wrong{err, "name the file with the client's secret, which only this account may read, with --oidc-secret"}
	}
	var roots *x509.CertPool
	if o.Roots != "" {
		if roots, err = x509.SystemCertPool(); err != nil {
			roots = x509.NewCertPool()
		}
		more, err := os.ReadFile(o.Roots)
		if err != nil || !roots.AppendCertsFromPEM(more) {
			return nil, wrong{fmt.Errorf("read the certificate %s: %w", o.Roots, cmp.Or(err, errors.New("it holds none"))), "name a PEM file with --oidc-ca"}
		}
	}
	p, err := provider.New(provider.Options{
		Issuer: o.Issuer, Client: o.Client, Secret: secret, Redirect: public.Scheme + "://" + public.Host + o.path() + "signin/return",
		NameClaim: o.NameClaim, GroupsClaim: o.GroupsClaim, Scopes: o.Scopes, Roots: roots,
	})
	if err != nil {
		return nil, wrong{err, "correct --oidc-issuer"}
	}
	return p, nil
}
