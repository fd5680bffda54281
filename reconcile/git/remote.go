package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/transport"
	"mainstay/spec"
)

// DefaultTimeout bounds one connection when Options.Timeout is zero.
const DefaultTimeout = 10 * time.Second

// DefaultSkew is how far the time of a commit may be wrong when Options.Skew is zero.
const DefaultSkew = 15 * time.Minute

// Options say where a repository is and how to be let in.
type Options struct {
	// URL is https, http, ssh, file, user@host:path or a plain path.
	URL string
	// Mirrors are read-only copies, tried in order by List and Revision when URL
	// is out of reach. Claims and reports are never read from them.
	Mirrors []string
	// SSHKey is a file with an unencrypted private key, needed for ssh.
	SSHKey string
	// TokenFile holds "token" or "user:token" for https. It is read again for
	// every connection. It is for URL's own host: a mirror elsewhere is not sent
	// it, and has user:token@ in its own address if it wants one.
	TokenFile string
	// KnownHosts pins the SSH host keys, in OpenSSH's format. It is never
	// written.
	KnownHosts string
	// CAFile has the certificate authorities for https, in PEM; empty is the system's.
	CAFile string
	// Timeout bounds one connection from dialling to the last byte. Zero means
	// DefaultTimeout. A call makes one connection for each address it has to
	// try, and Revision and Claim a few more when they have to look deeper.
	Timeout time.Duration
	// AllowedSigners is an ssh allowed_signers file or an OpenPGP keyring; when
	// set, Revision refuses a commit that none of them signed.
	AllowedSigners string
	// Policy says who of them may change what, nil that each may change everything.
	// Skew is how far the time of a commit may be wrong; zero means DefaultSkew.
	Policy *spec.Policy
	Skew   time.Duration
	// Now is the time; nil is the machine's own.
	Now func() time.Time
	// SignKey is a file with an unencrypted private key that signs the claims and
	// reports that are pushed; empty signs none.
	SignKey string
	// NodeKeys is a file of the nodes' own keys; when set, a claim or a report that
	// its node did not sign is damaged.
	NodeKeys string
	// Log is told about what is odd but no error. Nil means nothing is said.
	Log *slog.Logger
}

// Remote is a repository that is only ever asked, never kept. It may be used by
// several goroutines.
type Remote struct {
	dialers []transport.Dialer // the repository itself, then its mirrors
	timeout time.Duration
	signers string
	policy  *spec.Policy
	skew    time.Duration
	now     func() time.Time
	Notary
	log *slog.Logger
	// answered is the index of the dialer that answered the last List, where
	// Revision looks first.
	answered atomic.Int32
	// wanted is what a listing is limited to; nil is no limit.
	wanted atomic.Pointer[wanted]
	// made is the change of a claim that was made last, and said the report.
	made atomic.Pointer[made]
	said atomic.Pointer[noteObjects]
	// can is what a server said that it can, by serviceOf.
	can sync.Map
}

// wanted is the branch and the deployment that a listing is about. An empty branch is
// all of them.
type wanted struct{ branch, deployment string }

// Narrow limits every listing from now on to one branch, by the whole name of its ref,
// and to the claims and reports of one deployment. An empty branch leaves branches as
// they were limited before.
func (r *Remote) Narrow(branch, deployment string) {
	if now := r.wanted.Load(); now != nil {
		branch = cmp.Or(branch, now.branch)
	}
	r.wanted.Store(&wanted{branch, deployment})
}

// Open checks the options. It does not touch the network and does not need the
// files the options name: those are read when they are used, so that a renewed
// token or a new pinned key needs no restart.
func Open(o Options) (*Remote, error) {
	r := &Remote{timeout: o.Timeout, signers: o.AllowedSigners, policy: o.Policy, skew: o.Skew, now: o.Now,
		Notary: NewNotary(o.SignKey, o.NodeKeys), log: o.Log}
	if r.skew <= 0 {
		r.skew = DefaultSkew
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.timeout <= 0 {
		r.timeout = DefaultTimeout
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for i, address := range append([]string{o.URL}, o.Mirrors...) {
		d, err := transport.New(address, transport.Options{URL: o.URL, SSHKey: o.SSHKey, TokenFile: o.TokenFile,
			KnownHosts: o.KnownHosts, CAFile: o.CAFile, Mirror: i > 0, Log: o.Log})
		if err != nil {
			if i > 0 {
				err = fmt.Errorf("mirror %d: %w", i, err)
			}
			return nil, err
		}
		r.dialers = append(r.dialers, d)
	}
	return r, nil
}

// URL returns the repository's address without credentials.
func (r *Remote) URL() string { return r.dialers[0].Shown() }

// Close drops idle connections. The Remote can still be used.
func (r *Remote) Close() {
	for _, d := range r.dialers {
		d.Forget()
	}
}

// Refs maps full ref names to hashes: branches, claims and reports.
type Refs map[string]string

// List asks for all branches, claims and reports with one request. When the
// repository is out of reach it asks the mirrors, in order. The error is the
// repository's own, also when mirrors failed too.
func (r *Remote) List(ctx context.Context) (reconcile.Listing, error) {
	var errs []error
	for i, d := range r.dialers {
		l, err := r.list(ctx, d)
		if err == nil {
			r.answered.Store(int32(i))
			l.Mirror = i > 0
			return l, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return reconcile.Listing{}, firstOf(errs)
}

// firstOf is the first error, with what the others said as text: the class and
// the hint are the repository's own.
func firstOf(errs []error) error {
	err := errs[0]
	for _, other := range errs[1:] {
		err = fmt.Errorf("%w; %v", err, other)
	}
	return err
}

// ListPrimary is List without mirrors: what claims are read from.
func (r *Remote) ListPrimary(ctx context.Context) (reconcile.Listing, error) {
	return r.list(ctx, r.dialers[0])
}

func (r *Remote) list(ctx context.Context, d transport.Dialer) (reconcile.Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	w := cmp.Or(r.wanted.Load(), &wanted{})
	l := reconcile.Listing{From: d.Shown()}
	refs, err := shortList(ctx, d, *w)
	if err == nil {
		l.Refs, l.Only = refs, w.deployment
		return l, nil
	}
	if !errors.Is(err, transport.ErrNotOffered) {
		return l, failure.Complete(ctx, err, "list", d.Shown())
	}
	s, err := r.openSession(ctx, d, transport.UploadPack, "list")
	if err != nil {
		return l, err
	}
	s.close()
	l.Refs = s.refs
	return l, nil
}
