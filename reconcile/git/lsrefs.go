package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"

	"mainstay/reconcile/git/packet"
)

// errNotOffered says that a server does not speak protocol version 2.
var errNotOffered = errors.New("protocol version 2 is not offered")

// shortLister is a dialer that can ask for some refs instead of all: with many
// pull requests on a repository the difference is megabytes for every poll.
type shortLister interface {
	// shortList returns branches and this product's own refs with one request,
	// or errNotOffered.
	shortList(ctx context.Context) (Refs, error)
}

// tryAgain is after how many polls a server that could not is asked again.
const tryAgain = 1000

// shortList asks by protocol version 2, without the request that would first
// ask whether it is spoken.
func (d *httpDialer) shortList(ctx context.Context) (Refs, error) {
	if d.skip.Add(-1) >= 0 {
		return nil, errNotOffered
	}
	d.skip.Store(0)
	l := &httpLink{dialer: d, service: uploadPack, base: d.base.String(), version2: true}
	var err error
	if l.user, l.password, err = d.credentials(); err != nil {
		return nil, err
	}
	defer l.close()
	in, err := l.send(ctx, lsRefs())
	if err != nil {
		return nil, l.notOffered(ctx, err)
	}
	refs, err := readLsRefs(in)
	if err != nil {
		return nil, l.notOffered(ctx, err)
	}
	return refs, nil
}

// notOffered tells a server that answered something else from one that is not
// there or does not let this node in: only the former is asked the old way.
func (l *httpLink) notOffered(ctx context.Context, err error) error {
	e := l.explain(err)
	if !l.answered || l.cached || e.Kind == ErrAuth || ctx.Err() != nil {
		return e
	}
	l.dialer.skip.Store(tryAgain)
	return errNotOffered
}

func lsRefs() []byte {
	var b bytes.Buffer
	b.Write(packet.Format("command=ls-refs\n"))
	b.Write(packet.Format("agent=%s\n", agent))
	b.Write(packet.Format("object-format=sha1"))
	b.WriteString("0001")
	b.Write(packet.Format("ref-prefix %s\n", headsPrefix))
	b.Write(packet.Format("ref-prefix %s\n", ownPrefix))
	b.WriteString(packet.Flush)
	return b.Bytes()
}

func readLsRefs(in *bufio.Reader) (Refs, error) {
	refs, held := Refs{}, 0
	for {
		l, err := packet.Line(in)
		if err != nil {
			return nil, err
		}
		if l == nil {
			return refs, nil
		}
		hash, rest, ok := bytes.Cut(l, []byte(" "))
		if !ok || !isHash(string(hash)) {
			return nil, fmt.Errorf("not a ref: %q", packet.Message(l))
		}
		name, _, _ := bytes.Cut(rest, []byte(" "))
		if err := refs.add(name, hash, &held); err != nil {
			return nil, err
		}
	}
}
