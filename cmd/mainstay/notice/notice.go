// Package notice tells agents that something was pushed, in the plain form of
// their notify endpoint. It knows nothing of what was pushed: a notice only makes
// an agent look at git now.
package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// sendTime bounds telling one agent.
const sendTime = 2 * time.Second

// Send tells every agent, at the same time, to look at git now, and returns what
// failed. The secret may be empty.
func Send(ctx context.Context, urls []string, secret []byte) error {
	errs := make([]error, len(urls))
	var wg sync.WaitGroup
	for i, u := range urls {
		wg.Go(func() { errs[i] = send(ctx, u, secret) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func send(ctx context.Context, url string, secret []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	body := []byte(`{"event":"push"}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if len(secret) > 0 {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		r.Header.Set("X-Mainstay-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection is used again
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}
