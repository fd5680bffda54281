package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// notifyTime bounds telling one agent.
const notifyTime = 2 * time.Second

func (a *app) notifyCommand() *cobra.Command {
	var secretFile string
	c := &cobra.Command{
		Use:   "notify URL…",
		Short: "Tell agents to look at git now",
		Long: "notify tells agents that something was pushed, so that they look now and not at their next\n" +
			"poll. It is made for a post-receive hook. A notification that is lost costs one poll.\n" + exitStatusHelp,
		Example: "  mainstay notify --secret-file /etc/mainstay/notify.secret http://10.20.0.11:9477/v1/notify",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, urls []string) error {
			secret, err := readSecret(secretFile)
			if err != nil {
				return err
			}
			return notifyAll(c.Context(), urls, secret)
		},
	}
	c.Flags().StringVar(&secretFile, "secret-file", "", "the file with the secret that the agents share")
	return c
}

func readSecret(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	return []byte(strings.TrimSpace(string(b))), nil
}

// notifyAll tells every agent at the same time and returns what failed.
func notifyAll(ctx context.Context, urls []string, secret []byte) error {
	errs := make([]error, len(urls))
	var wg sync.WaitGroup
	for i, u := range urls {
		wg.Go(func() { errs[i] = notifyOne(ctx, u, secret) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func notifyOne(ctx context.Context, url string, secret []byte) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTime)
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
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}
