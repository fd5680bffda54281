package transport

import (
	"bufio"
	"context"

	"mainstay/reconcile/git/failure"
)

// tryAgain is after how many polls a server that could not is asked again.
const tryAgain = 1000

var _ Asker = (*httpDialer)(nil)

// Ask implements Asker.
func (d *httpDialer) Ask(ctx context.Context, request []byte, read func(*bufio.Reader) error) error {
	if d.skip.Add(-1) >= 0 {
		return ErrNotOffered
	}
	d.skip.Store(0)
	l := &httpLink{dialer: d, service: UploadPack, base: d.base.String(), version2: true}
	var err error
	if l.user, l.password, err = d.credentials(); err != nil {
		return err
	}
	defer l.Close()
	in, err := l.Send(ctx, request)
	if err == nil {
		err = read(in)
	}
	if err != nil {
		return l.notOffered(ctx, err)
	}
	return nil
}

// notOffered tells a server that answered something else from one that is not
// there or does not let this node in: only the former is asked the old way.
func (l *httpLink) notOffered(ctx context.Context, err error) error {
	e := l.Explain(err)
	if !l.answered || l.cached || e.Kind == failure.ErrAuth || ctx.Err() != nil {
		return e
	}
	l.dialer.skip.Store(tryAgain)
	return ErrNotOffered
}
