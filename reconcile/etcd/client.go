package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/spec/cluster"
)

// DefaultTimeout bounds one call when Options.Timeout is zero.
const DefaultTimeout = 10 * time.Second

// Options say where a cluster is and how to be let in.
type Options struct {
	// URL is etcd://HOST:PORT,HOST:PORT/PREFIX.
	URL string
	// CAFile has the certificate authorities of the members, in PEM; CertFile and KeyFile
	// are this machine's own certificate. With any of them, or with etcds://, all that is
	// said is said over TLS. They are read again for every connection.
	CAFile, CertFile, KeyFile string
	// UserFile holds "user:password". It is read again whenever a token is needed.
	UserFile string
	// SignKey and NodeKeys are as in git.Options.
	SignKey, NodeKeys string
	// Timeout bounds one call, whatever it takes. Zero means DefaultTimeout.
	Timeout time.Duration
	// Log is told about what is odd but no error. Nil means nothing is said.
	Log *slog.Logger
}

// Client keeps claims and reports on a cluster. It may be used by several goroutines.
type Client struct {
	git.Notary
	place    place
	timeout  time.Duration
	userFile string
	secure   bool
	http     *http.Client
	log      *slog.Logger
	// only is the deployment that a listing is about.
	only atomic.Pointer[string]
	// narrowed tells a watch that this is another one.
	narrowed chan struct{}
	mu       sync.Mutex
	// token lets this client in, good is the member that answered last, and cluster
	// the one that answers.
	token, cluster string
	good           int
}

var _ git.Place = (*Client)(nil)

// Open checks the options. It does not touch the network, and needs none of the files.
func Open(o Options) (*Client, error) {
	access := cluster.Access{CertFile: o.CertFile, KeyFile: o.KeyFile, UserFile: o.UserFile}
	p, err := cluster.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the address of etcd: %w", err)
	}
	for _, wrong := range cluster.Problems(o.URL, o.CAFile, access, nil) {
		return nil, fmt.Errorf("%s: %s", wrong.Key, wrong.Message)
	}
	c := &Client{Notary: git.NewNotary(o.SignKey, o.NodeKeys), place: place{p}, timeout: o.Timeout, userFile: o.UserFile, secure: p.Over(o.CAFile, access), log: o.Log}
	c.narrowed = make(chan struct{}, 1)
	c.only.Store(new(string))
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.http = &http.Client{
		Transport:     transportOf(o),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// URL names the place.
func (c *Client) URL() string { return c.place.Shown() }

// Close drops idle connections. The Client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Narrow implements git.Place. A cluster holds no branch.
func (c *Client) Narrow(_, deployment string) {
	if was := c.only.Swap(&deployment); *was != deployment {
		select {
		case c.narrowed <- struct{}{}: // a watch begins again
		default:
		}
	}
}

// read asks for something that changes nothing, of one member after the other, and
// believes the first answer. Each member is given its share of the time: one that is cut
// off from the majority says nothing until it is over.
func (c *Client) read(ctx context.Context, step, path string, in any, out answer) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.settle(ctx, step); err != nil {
		return err
	}
	var errs []error
	for _, i := range c.order() {
		err := c.oneOf(ctx, i, path, in, out)
		if err == nil {
			return c.answered(i)
		}
		errs = append(errs, err)
		var said *refusal
		if errors.As(err, &said) && said.final() || ctx.Err() != nil {
			break
		}
	}
	return c.complete(step, errs)
}

// oneOf asks one member within its share of the time.
func (c *Client) oneOf(ctx context.Context, i int, path string, in any, out answer) error {
	ctx, cancel := context.WithTimeout(ctx, c.share())
	defer cancel()
	out.empty()
	if err := c.letIn(ctx, i, call{path: path, in: in, out: out}); err != nil {
		return err
	}
	return c.same(c.place.Hosts[i], out.from())
}

// share is how long one member may take.
func (c *Client) share() time.Duration { return c.timeout / time.Duration(len(c.place.Hosts)) }

// order is the members, the one that answered last first.
func (c *Client) order() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.place.Hosts)
	order := make([]int, n)
	for i := range n {
		order[i] = (c.good + i) % n
	}
	return order
}

func (c *Client) answered(i int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.good = i
	return nil
}

// change carries a transaction out on one member after the other, until one says what
// came of it. Each one may be carried out once at most: a transaction that was carried out
// before changes what it is conditional on, or nothing.
//
// The error is failure.ErrUnknown when a member may have seen it and none says what came
// of it. Every other error means that it was not carried out and never will be.
func (c *Client) change(ctx context.Context, step string, in txnRequest) (*txnAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.settle(ctx, step); err != nil {
		return nil, err
	}
	var errs []error
	unknown := false
	for _, i := range c.order() {
		out := &txnAnswer{}
		err := c.oneOf(ctx, i, pathTxn, in, out)
		if err == nil {
			if err = out.whole(in); err == nil {
				return out, c.answered(i)
			}
		}
		errs = append(errs, err)
		var never unsent
		var said *refusal
		switch {
		case errors.As(err, &never):
		case errors.As(err, &said) && said.final():
			if !unknown {
				return nil, c.refuse(step, err, said)
			}
		default:
			unknown = true
		}
	}
	done := c.complete(step, errs)
	if unknown {
		return nil, &failure.Error{Kind: failure.ErrUnknown, Step: step, Err: done, Advice: "look again: the claim tells"}
	}
	return nil, done
}

// refuse is a transaction that a member did not carry out, and why.
func (c *Client) refuse(step string, err error, said *refusal) error {
	done := &failure.Error{Kind: failure.ErrRefused, Step: step, At: c.URL(), Err: err}
	switch {
	case said.code == codeForbidden:
		done.Advice = "give the user of this node the role that etcd wants for it: examples/etcd makes one for each node"
	case said.full():
		done.Advice = "etcd is full: compact and defragment it, or raise its quota, and disarm its alarm (etcdctl alarm disarm)"
	}
	return done
}

// complete is what a call came to that no member answered: the class of the first
// error that a person can do something about, and what each member said.
func (c *Client) complete(step string, errs []error) error {
	done := &failure.Error{Kind: failure.ErrUnreachable, Step: step, At: c.URL()}
	for _, err := range errs {
		for _, kind := range []error{failure.ErrTooLarge, failure.ErrDamaged, failure.ErrHostKey, failure.ErrAuth, failure.ErrMoved} {
			if errors.Is(err, kind) && done.Kind == failure.ErrUnreachable {
				done.Kind = kind
			}
		}
		switch {
		case done.Err == nil:
			done.Err = err
		case !strings.Contains(done.Err.Error(), err.Error()): // the same of every member is said once
			done.Err = fmt.Errorf("%w; %w", done.Err, err)
		}
	}
	if done.Kind == failure.ErrAuth {
		done.Advice = "see userFile, certFile and keyFile of coordination in the agent's file, and examples/etcd"
	}
	return done
}
