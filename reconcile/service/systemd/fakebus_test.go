package systemd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

// fakeBus is a message bus with a systemd behind it, spoken to over a real
// socket. What the systemd says is the business of fakeSystemd.
type fakeBus struct {
	address string
	answer  func(call) (body []any, err string)

	mu       sync.Mutex
	listener net.Listener
	clients  map[*fakeClient]struct{}
	accepted int
}

// call is one method call.
type call struct {
	path   godbus.ObjectPath
	member string
	args   []any
}

type fakeClient struct {
	conn  net.Conn
	mu    sync.Mutex
	rules []string
}

func newFakeBus(t *testing.T, answer func(call) ([]any, string)) *fakeBus {
	b := &fakeBus{address: filepath.Join(t.TempDir(), "bus"), answer: answer, clients: map[*fakeClient]struct{}{}}
	b.listen(t)
	t.Cleanup(b.goDown)
	return b
}

func (b *fakeBus) ways() []way {
	return []way{{name: "a test bus", hello: true, open: func(o ...godbus.ConnOption) (*godbus.Conn, error) {
		return godbus.Dial("unix:path="+b.address, o...)
	}}}
}

func (b *fakeBus) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", b.address)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.listener = l
	b.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(conn)
		}
	}()
}

// goDown ends the bus and every connection to it; listen brings it back.
func (b *fakeBus) goDown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listener.Close()
	for c := range b.clients {
		c.conn.Close()
	}
}

func (b *fakeBus) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if !authenticate(in, conn) {
		return
	}
	c := &fakeClient{conn: conn}
	b.mu.Lock()
	b.clients[c] = struct{}{}
	b.accepted++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.clients, c)
		b.mu.Unlock()
	}()
	for {
		message, err := godbus.DecodeMessage(in)
		if err != nil {
			return
		}
		b.reply(c, message)
	}
}

func authenticate(in *bufio.Reader, out io.Writer) bool {
	if _, err := in.ReadByte(); err != nil {
		return false
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		answer := "ERROR"
		switch strings.TrimSpace(line) {
		case "BEGIN":
			return true
		case "AUTH":
			answer = "REJECTED EXTERNAL"
		case "AUTH EXTERNAL":
			answer = "OK 0123456789abcdef0123456789abcdef"
		}
		fmt.Fprint(out, answer+"\r\n")
	}
}

func (b *fakeBus) reply(c *fakeClient, m *godbus.Message) {
	asked := call{args: m.Body}
	asked.path, _ = m.Headers[godbus.FieldPath].Value().(godbus.ObjectPath)
	asked.member, _ = m.Headers[godbus.FieldMember].Value().(string)
	headers := map[godbus.HeaderField]godbus.Variant{godbus.FieldReplySerial: godbus.MakeVariant(m.Serial())}
	switch asked.member {
	case "Hello":
		c.send(godbus.TypeMethodReply, headers, ":1.1")
		return
	case "AddMatch":
		c.mu.Lock()
		c.rules = append(c.rules, asked.args[0].(string))
		c.mu.Unlock()
		c.send(godbus.TypeMethodReply, headers)
		return
	case "RemoveMatch":
		c.removeRule(asked.args[0].(string))
		c.send(godbus.TypeMethodReply, headers)
		return
	}
	body, name := b.answer(asked)
	if name != "" {
		headers[godbus.FieldErrorName] = godbus.MakeVariant(name)
		c.send(godbus.TypeError, headers, "said by the fake")
		return
	}
	c.send(godbus.TypeMethodReply, headers, body...)
}

func (c *fakeClient) removeRule(rule string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.rules {
		if r == rule {
			c.rules = append(c.rules[:i], c.rules[i+1:]...)
			return
		}
	}
}

// send writes one message. The library lets nobody set the serial, which must
// not be zero, so that it is written into the bytes.
func (c *fakeClient) send(kind godbus.Type, headers map[godbus.HeaderField]godbus.Variant, body ...any) {
	if len(body) > 0 {
		headers[godbus.FieldSignature] = godbus.MakeVariant(godbus.SignatureOf(body...))
	}
	m := &godbus.Message{Type: kind, Headers: headers, Body: body}
	var buffer bytes.Buffer
	if err := m.EncodeTo(&buffer, binary.LittleEndian); err != nil {
		panic(err)
	}
	binary.LittleEndian.PutUint32(buffer.Bytes()[8:], 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.conn.Write(buffer.Bytes())
}

// emit sends a signal to those who asked for it.
func (b *fakeBus) emit(path godbus.ObjectPath, iface, member string, body ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		if !c.wants(path, member) {
			continue
		}
		c.send(godbus.TypeSignal, map[godbus.HeaderField]godbus.Variant{
			godbus.FieldPath: godbus.MakeVariant(path), godbus.FieldInterface: godbus.MakeVariant(iface),
			godbus.FieldMember: godbus.MakeVariant(member),
		}, body...)
	}
}

func (c *fakeClient) wants(path godbus.ObjectPath, member string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rules {
		if strings.Contains(r, "member='"+member+"'") &&
			(!strings.Contains(r, "path=") || strings.Contains(r, "path='"+string(path)+"'")) {
			return true
		}
	}
	return false
}

// rules counts the subscriptions to one unit's changes.
func (b *fakeBus) rules(path godbus.ObjectPath) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	count := 0
	for c := range b.clients {
		c.mu.Lock()
		for _, r := range c.rules {
			if strings.Contains(r, "path='"+string(path)+"'") {
				count++
			}
		}
		c.mu.Unlock()
	}
	return count
}

// connections counts the connections made so far.
func (b *fakeBus) connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// dropAll breaks every connection; the bus takes new ones.
func (b *fakeBus) dropAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		c.conn.Close()
	}
}
