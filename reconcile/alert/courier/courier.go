// Package courier sends one alert, in a process of its own: by mail, to a chat or a
// topic, or as a signed webhook.
//
// It is the one home of the library that knows mail and chats. Its errors have nothing
// in them of the address that could be secret.
package courier

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"mainstay/reconcile/alert"
	"mainstay/reconcile/alert/deliver"
	"mainstay/spec/alerts"
)

const (
	// sendTime bounds one send, in case nobody else does.
	sendTime = 25 * time.Second
	// mostSecret bounds a secret's file, mostOrder what is read from the input and
	// mostAnswer what of an answer, in bytes.
	mostSecret = 8 << 10
	mostOrder  = 1 << 20
	mostAnswer = 4 << 10
)

// SignatureHeader carries the signature of a webhook's body: sha256= and the HMAC of it
// under the secret, in hex.
const SignatureHeader = "X-Mainstay-Signature"

// Run sends the one order that in holds.
func Run(ctx context.Context, in io.Reader) error {
	var o deliver.Order
	if err := json.NewDecoder(io.LimitReader(in, mostOrder)).Decode(&o); err != nil {
		return fmt.Errorf("read the alert: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return Send(ctx, o)
}

// Send sends one order.
func Send(ctx context.Context, o deliver.Order) error {
	address, err := addressOf(o)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- sendTo(ctx, o, address) }()
	select {
	case err = <-done:
	case <-ctx.Done(): // mail has no bound once it is connected: the process ends
		err = errors.New("no answer in time")
	}
	return without(err, address)
}

func sendTo(ctx context.Context, o deliver.Order, address string) error {
	if o.To.Webhook != "" || o.To.WebhookFile != "" {
		return webhook(ctx, o, address)
	}
	return chat(address, o.Message)
}

// addressOf is the address of an order, from a file where it is secret.
func addressOf(o deliver.Order) (string, error) {
	switch {
	case o.To.To != "":
		return o.To.To, nil
	case o.To.Webhook != "":
		return o.To.Webhook, nil
	case o.To.ToFile != "":
		return secret(o.To.ToFile)
	case o.To.WebhookFile != "":
		return secret(o.To.WebhookFile)
	}
	return "", errors.New("the alert names no receiver")
}

// secret reads a file of one line. Its errors name the file and nothing in it.
func secret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", file, err)
	case text == "", len(b) > mostSecret, strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("%s is not one line", file)
	}
	return text, nil
}

// chat sends by mail or to a chat.
func chat(address string, m alert.Message) error {
	if alerts.Receivers(address) > 1 {
		return errors.New("the address names several receivers: use one alert for each")
	}
	sender, err := shoutrrr.CreateSender(address)
	if err != nil {
		return fmt.Errorf("the address is not understood: %w", err)
	}
	sender.SetLogger(log.New(io.Discard, "", 0))
	params := types.Params{"title": m.Subject}
	scheme, _, _ := strings.Cut(address, ":")
	if scheme == "smtp" {
		params = types.Params{"subject": mime.QEncoding.Encode("utf-8", m.Subject)}
	}
	for _, err := range sender.Send(m.Text, &params) {
		if err != nil && !arrived(scheme, err) {
			return err
		}
	}
	return nil
}

// arrived reports whether a mail was taken by the server although an error came after
// that: to send it again would be a second message.
func arrived(scheme string, err error) bool {
	return scheme == "smtp" && strings.Contains(err.Error(), "error closing session") && !strings.Contains(err.Error(), "recipient \"")
}

// webhook posts the alert as JSON, signed where there is a secret.
func webhook(ctx context.Context, o deliver.Order, address string) error {
	body, err := json.Marshal(o.Message)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is not understood")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "mainstay")
	if o.To.SecretFile != "" {
		key, err := secret(o.To.SecretFile)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(body)
		r.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer)
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answers %d", answer.StatusCode)
	}
	return nil
}

// without takes all out of an error that the address says beyond its scheme and host.
func without(err error, address string) error {
	if err == nil {
		return nil
	}
	text := strings.ReplaceAll(err.Error(), address, "the address")
	for _, s := range secretsOf(address) {
		text = strings.ReplaceAll(text, s, "***")
	}
	return errors.New(text)
}

// secretsOf are the parts of an address that may be secret, the longest first.
func secretsOf(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	parts := []string{u.RequestURI(), u.User.String(), u.User.Username(), u.Path, u.RawQuery, u.Fragment, u.Opaque}
	if password, ok := u.User.Password(); ok {
		parts = append(parts, password, url.QueryEscape(password), url.PathEscape(password))
	}
	parts = append(parts, strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' || r == ':' })...)
	parts = append(parts, strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' || r == ':' })...)
	for _, values := range u.Query() {
		for _, v := range values {
			parts = append(parts, v, url.QueryEscape(v))
		}
	}
	// A chat's token may stand where other addresses have their host.
	if u.Scheme != "smtp" && u.Scheme != "ntfy" && u.Scheme != "http" && u.Scheme != "https" {
		parts = append(parts, u.Host, u.Hostname())
	}
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(slices.Compact(parts), func(s string) bool { return len(s) < 4 })
}
