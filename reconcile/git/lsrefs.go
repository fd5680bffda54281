package git

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"

	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// shortList asks for what is wanted with one request of protocol version 2: the branch,
// and of this product's own refs those of the deployment. With many pull requests or
// deployments on a repository the difference to all refs is megabytes for every poll.
// transport.ErrNotOffered says that it cannot be asked so.
func shortList(ctx context.Context, d transport.Dialer, w wanted) (refs Refs, err error) {
	asker, can := d.(transport.Asker)
	if !can {
		return nil, transport.ErrNotOffered
	}
	err = asker.Ask(ctx, lsRefs(w), func(in *bufio.Reader) error {
		refs, err = readLsRefs(in)
		return err
	})
	return refs, err
}

func lsRefs(w wanted) []byte {
	var b bytes.Buffer
	b.Write(packet.Format("command=ls-refs\n"))
	b.Write(packet.Format("agent=%s\n", transport.Agent))
	b.Write(packet.Format("object-format=sha1"))
	b.WriteString("0001")
	for _, prefix := range w.prefixes() {
		b.Write(packet.Format("ref-prefix %s\n", prefix))
	}
	b.WriteString(packet.Flush)
	return b.Bytes()
}

// prefixes are what refs have to begin with. A place of claims and reports alone has no
// branch that anybody reads.
func (w wanted) prefixes() []string {
	switch {
	case w.deployment == "":
		return []string{cmp.Or(w.branch, headsPrefix), ownPrefix}
	case w.branch == "":
		return []string{RefsOf(w.deployment)}
	}
	return []string{w.branch, RefsOf(w.deployment)}
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
		if !ok || !packet.IsHash(string(hash)) {
			return nil, fmt.Errorf("not a ref: %q", packet.Message(l))
		}
		name, _, _ := bytes.Cut(rest, []byte(" "))
		if err := refs.add(name, hash, &held); err != nil {
			return nil, err
		}
	}
}
