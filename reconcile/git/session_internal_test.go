package git

import (
	"bufio"
	"bytes"
	"context"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
)

// said is a link to a server that says what it says, whatever it is asked.
type said struct{ in *bufio.Reader }

func (s said) Refs() *bufio.Reader                                 { return s.in }
func (s said) Send(context.Context, []byte) (*bufio.Reader, error) { return s.in, nil }
func (s said) Explain(err error) *failure.Error {
	return &failure.Error{Kind: failure.ErrUnreachable, Err: failure.Scrub(err)}
}
func (s said) Close()                                                   {}
func (s said) Shown() string                                            { return "said" }
func (s said) Forget()                                                  {}
func (s said) Dial(_ context.Context, _ string) (transport.Link, error) { return s, nil }

// Whatever a server says, the answer is a listing or an error of a known class,
// and a message of one line.
func FuzzServer(f *testing.F) {
	hash := strings.Repeat("a", 40)
	refs := string(packet.Format("%s refs/heads/main\x00side-band-64k shallow filter\n", hash)) + packet.Flush
	f.Add([]byte(refs + string(packet.Format("shallow %s", hash)) + packet.Flush + string(packet.Format("NAK\n")) + string(packet.Format("\x01PACK")) + packet.Flush))
	f.Add([]byte(refs + string(packet.Format("ACK %s common\n", hash)) + string(packet.Format("ACK %s\n", hash)) + string(packet.Format("\x03no\x1b[31m")) + packet.Flush))
	f.Add([]byte(string(packet.Format("# service=git-upload-pack\n")) + packet.Flush + refs))
	f.Add([]byte(refs + string(packet.Format("unpack ok\n")) + string(packet.Format("ng refs/heads/main no\n")) + packet.Flush))
	f.Add([]byte(string(packet.Format("ERR go away\n"))))
	f.Fuzz(func(t *testing.T, answer []byte) {
		attack.Cheap(t, func() {
			fresh := func() said { return said{transport.NewMeter(bytes.NewReader(answer))} }
			s, err := new(Remote).openSession(t.Context(), fresh(), transport.UploadPack, "fuzz")
			if err == nil {
				err = s.fetch(t.Context(), fetchRequest{wants: []string{hash}, depth: 1, filter: largeFilter}, newStore())
			}
			isOneLine(t, err)
			if s, err = new(Remote).openSession(t.Context(), fresh(), transport.ReceivePack, "fuzz"); err == nil {
				isOneLine(t, s.update(t.Context(), update{ref: "refs/heads/main", old: hash, next: strings.Repeat("b", 40)}))
			}
			_, err = readLsRefs(fresh().in)
			isOneLine(t, err)
		})
	})
}

func isOneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.ContainsAny(err.Error(), "\n\r\x1b") {
		t.Errorf("an error that would spoil a log: %q", err)
	}
}
