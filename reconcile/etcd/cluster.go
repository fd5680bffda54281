package etcd

import (
	"context"
	"errors"
	"fmt"

	"mainstay/reconcile/git/failure"
)

// same refuses what another cluster answers than the one that was settled on, so that
// its claims are never mixed with those of this one.
func (c *Client) same(at string, h header) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case h.Cluster == "":
		return fmt.Errorf("%s: what it answers is not etcd's: it names no cluster", at)
	case h.Cluster != c.cluster:
		was := c.cluster
		c.cluster = "" // the next call settles on one again
		return fmt.Errorf("%s: it is of cluster %s, and others were of cluster %s", at, h.Cluster, was)
	}
	return nil
}

type members struct {
	Header  header `json:"header"`
	Members []struct {
		ID   string `json:"ID"`
		Name string `json:"name"`
	} `json:"members"`
}

func (m *members) from() header { return m.Header }
func (m *members) empty()       { *m = members{} }

// settle finds out which cluster this is before anything is read from it. Two clusters
// that one address lists would each hand out every claim: whichever answers must have as
// members more than half of the ones that are listed, which two cannot, and none that
// answers may be of another one.
func (c *Client) settle(ctx context.Context, step string) error {
	c.mu.Lock()
	settled := c.cluster != ""
	c.mu.Unlock()
	if settled {
		return nil
	}
	found := ""
	var errs []error
	for i, at := range c.place.Hosts {
		one, err := c.count(ctx, i)
		switch {
		case err != nil:
			errs = append(errs, err)
		case found != "" && one != found:
			return c.split(step, fmt.Errorf("%s is of cluster %s, and another member that it lists is of cluster %s", at, one, found))
		default:
			found = one
		}
	}
	if found == "" {
		return c.complete(step, errs)
	}
	for _, err := range errs {
		if errors.Is(err, errFew) {
			return c.split(step, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cluster = found
	return nil
}

// errFew is of a cluster that has too few members for the address.
var errFew = errors.New("too few members")

// count asks a member which cluster it is of, and for how many members that has.
func (c *Client) count(ctx context.Context, i int) (cluster string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.share())
	defer cancel()
	var m members
	if err := c.ask(ctx, i, call{path: pathMembers, in: struct{}{}, out: &m}); err != nil {
		var said *refusal
		if !errors.As(err, &said) || !said.stale() && said.code != codeForbidden {
			return "", err
		}
		if err := c.letIn(ctx, i, call{path: pathMembers, in: struct{}{}, out: &m}); err != nil {
			return "", err
		}
	}
	at, listed := c.place.Hosts[i], len(c.place.Hosts)
	if m.Header.Cluster == "" {
		return "", fmt.Errorf("%s: what it answers is not etcd's: it names no cluster", at)
	}
	if 2*len(m.Members) <= listed {
		return "", fmt.Errorf("%s: %w: its cluster has %d, and the address lists %d", at, errFew, len(m.Members), listed)
	}
	return m.Header.Cluster, nil
}

func (c *Client) split(step string, err error) error {
	return &failure.Error{Kind: failure.ErrUnreachable, Step: step, At: c.URL(), Err: err,
		Advice: "coordination.url must list members of one cluster, and of one only"}
}
