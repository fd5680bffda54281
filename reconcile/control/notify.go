package control

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A notification says that the repository may have moved. It carries no meaning
// of its own: a valid one only makes the agent look now, so a replayed one costs
// a look and a lost one costs a poll.

const (
	// notifyBody bounds a notification, in bytes. It is read without being
	// kept.
	notifyBody = 25 << 20
	// notifyGap is the least time between two looks that notifications ask for.
	notifyGap = 50 * time.Millisecond
	// openBurst is how many looks in a row notifications without a secret may ask
	// for, and openGap how long it takes until one more may.
	openBurst = 20
	openGap   = 500 * time.Millisecond
	// secretSize bounds the secret's file, in bytes.
	secretSize = 4 << 10
	// secretReaders bounds how many read it at the same time.
	secretReaders = 16
)

// The errors of a notification that is not believed.
var (
	errNoSignature = errors.New("the notification carries no signature that is known here")
	errBadSecret   = errors.New("the notification was not made with this node's secret")
	errNotLocal    = errors.New("without notifySecretFile only this machine itself may notify")
)

// Notifier serves POST /v1/notify.
type Notifier struct {
	// SecretFile holds the shared secret. Without one only a direct connection
	// from a loopback address is believed.
	SecretFile string
	// Look is called for valid notifications, a few times a second at most, and
	// must not wait.
	Look func()
	// Count is called for every notification, ok or refused, and may be nil.
	Count func(result string)

	reads   atomic.Int32
	mu      sync.Mutex
	last    time.Time
	pending bool
	// spent is how many looks of the burst are used up.
	spent int
}

// ServeHTTP answers 202 to a notification that is believed, 401 or 403 to one
// that is not, and 503 when the secret cannot be read.
func (n *Notifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, err := n.believe(w, r)
	if err != nil {
		n.count("refused")
		writeError(w, code, err)
		return
	}
	n.count("ok")
	n.requestLook()
	writeJSON(w, http.StatusAccepted, Answer{Message: "looking at git"})
}

func (n *Notifier) count(result string) {
	if n.Count != nil {
		n.Count(result)
	}
}

// believe returns an error and a status code unless the request is a valid
// notification.
func (n *Notifier) believe(w http.ResponseWriter, r *http.Request) (int, error) {
	if n.SecretFile == "" {
		if !local(r) {
			return http.StatusForbidden, errNotLocal
		}
		return 0, nil
	}
	secret, err := n.readSecret(r.Context())
	if err != nil {
		return http.StatusServiceUnavailable, errors.New("this node's notify secret cannot be read")
	}
	mac := hmac.New(sha256.New, secret)
	if _, err := io.Copy(mac, http.MaxBytesReader(w, r.Body, notifyBody)); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return http.StatusRequestEntityTooLarge, fmt.Errorf("the notification is larger than %d bytes", large.Limit)
		}
		return http.StatusBadRequest, fmt.Errorf("read the notification: %w", err)
	}
	if err := verifyNotice(r.Header, secret, mac); err != nil {
		return http.StatusUnauthorized, err
	}
	return 0, nil
}

// verifyNotice reports whether one of the forms that are known says that the
// sender has the secret; body is the HMAC of the body under it. All comparisons
// take the same time whatever is compared.
func verifyNotice(h http.Header, secret []byte, body hash.Hash) error {
	sum := body.Sum(nil)
	seen := false
	for _, form := range []struct{ header, prefix string }{
		{"X-Mainstay-Signature", "sha256="},
		{"X-Hub-Signature-256", "sha256="}, // GitHub
		{"X-Forgejo-Signature", ""},
		{"X-Gitea-Signature", ""},
	} {
		value := h.Get(form.header)
		if value == "" {
			continue
		}
		seen = true
		digits, ok := strings.CutPrefix(value, form.prefix)
		given, err := hex.DecodeString(digits)
		if ok && err == nil && hmac.Equal(given, sum) {
			return nil
		}
	}
	if token := h.Get("X-Gitlab-Token"); token != "" {
		seen = true
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256(secret)
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			return nil
		}
	}
	if !seen {
		return errNoSignature
	}
	return errBadSecret
}

// local reports whether a request was made on this machine and by no browser,
// nor through a proxy that speaks for somebody else.
func local(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// readSecret reads the secret's file without the space around it. It is read each
// time, so that a new secret counts at once, and an empty one is an error: it
// would let everybody in. A disk that hangs hangs neither the caller nor more
// than a few readers.
func (n *Notifier) readSecret(ctx context.Context) ([]byte, error) {
	type answer struct {
		secret []byte
		err    error
	}
	if n.reads.Add(1) > secretReaders {
		n.reads.Add(-1)
		return nil, errors.New("the secret is being read for others")
	}
	done := make(chan answer, 1)
	go func() {
		defer n.reads.Add(-1)
		b, err := readBounded(n.SecretFile, secretSize)
		b = bytes.TrimSpace(b)
		if err == nil && len(b) == 0 {
			err = errors.New("the secret is empty")
		}
		done <- answer{b, err}
	}()
	select {
	case a := <-done:
		return a.secret, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, err
}

// requestLook asks for one look now, or for one at the end of the gap when the one
// before was too short a time ago.
func (n *Notifier) requestLook() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending {
		return
	}
	if left := n.gap() - time.Since(n.last); !n.last.IsZero() && left > 0 {
		n.pending = true
		time.AfterFunc(left, n.fire)
		return
	}
	n.last = time.Now()
	n.Look()
}

// gap is how long the next look has to wait after the last one. Without a secret
// anybody on this machine may ask, so the git server is spared.
func (n *Notifier) gap() time.Duration {
	if n.SecretFile != "" {
		return notifyGap
	}
	n.spent = max(0, n.spent-int(time.Since(n.last)/openGap)) + 1
	if n.spent <= openBurst {
		return notifyGap
	}
	n.spent = openBurst
	return openGap
}

func (n *Notifier) fire() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending, n.last = false, time.Now()
	n.Look()
}
