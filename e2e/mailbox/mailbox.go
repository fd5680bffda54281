// Package mailbox receives alerts as the world does: a server of mail that speaks SMTP,
// and one that takes webhooks and checks their signature. It keeps what arrived, in
// order.
//
// It knows nothing of who sends.
package mailbox

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// Mail is a server of mail that takes every message.
type Mail struct {
	// Rude closes the connection instead of an answer to QUIT.
	Rude bool
	l    net.Listener
	box
}

// box keeps what arrived.
type box struct {
	mu   sync.Mutex
	kept []string
}

func (b *box) take(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, text)
}

// Taken is what arrived so far.
func (b *box) Taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.kept...)
}

// ListenMail serves mail at an address until it is closed.
func ListenMail(address string) (*Mail, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	m := &Mail{l: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c)
		}
	}()
	return m, nil
}

// Addr is where it listens.
func (m *Mail) Addr() string { return m.l.Addr().String() }

// Close ends it.
func (m *Mail) Close() error { return m.l.Close() }

func (m *Mail) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 mailbox ESMTP\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(verb, "DATA"):
			fmt.Fprint(c, "354 go on\r\n")
			text, err := message(in)
			if err != nil {
				return
			}
			m.take(text)
			fmt.Fprint(c, "250 taken\r\n")
		case strings.HasPrefix(verb, "QUIT"):
			if !m.Rude {
				fmt.Fprint(c, "221 bye\r\n")
			}
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// message reads up to the line with a dot alone.
func message(in *bufio.Reader) (string, error) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return text.String(), nil
		}
		text.WriteString(strings.ReplaceAll(line, "\r\n", "\n"))
	}
}

// Hook takes webhooks. Its zero value checks no signature.
type Hook struct {
	// Secret is what bodies are signed with. A body that is not is answered with 401.
	Secret string
	// Refuse is answered to the first so many, in place of 200.
	Refuse int
	tries  int
	box
}

// ServeHTTP implements http.Handler.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	h.mu.Lock()
	h.tries++
	refused := h.tries <= h.Refuse
	h.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write(body)
	signed := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	switch {
	case err != nil, refused:
		w.WriteHeader(http.StatusServiceUnavailable)
	case h.Secret != "" && !hmac.Equal([]byte(signed), []byte(r.Header.Get("X-Mainstay-Signature"))):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		h.take(string(body))
	}
}
