package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/e2e/mailbox"
	"mainstay/reconcile/alert"
	"mainstay/reconcile/alert/deliver"
	"mainstay/spec/alerts"
)

func newPost(t *testing.T) *mailbox.Mail {
	t.Helper()
	m, err := mailbox.ListenMail("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func message(subject string) alert.Message {
	return alert.Message{ID: "m1", Kind: alert.Began, Event: alerts.Held, Deployment: "paris", Subject: subject, Text: subject + "\nSince: now\n"}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMailArrivesOnce(t *testing.T) {
	for _, rude := range []bool{false, true} {
		p := newPost(t)
		p.Rude = rude
		to := alerts.Alert{To: fmt.Sprintf("smtp://%s/?from=mainstay@example.org&to=oncall@example.org", p.Addr())}
		if err := Send(t.Context(), deliver.Order{To: to, Message: message("[paris] bascule commencée")}); err != nil {
			t.Fatalf("rude %v: %v", rude, err)
		}
		mails := p.Taken()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		head, body, _ := strings.Cut(mails[0], "\n\n")
		if !strings.Contains(head, "Subject: =?utf-8?q?") || !strings.Contains(head, "To: oncall@example.org") || !strings.Contains(body, "bascule commencée\nSince: now\n") {
			t.Errorf("got\n%s\n\n%s", head, body)
		}
	}
}

func TestAWebhookIsSigned(t *testing.T) {
	h := &mailbox.Hook{Secret: "s3cret"}
	s := httptest.NewServer(h)
	defer s.Close()
	o := deliver.Order{To: alerts.Alert{WebhookFile: file(t, s.URL+"/hook/abc"), SecretFile: file(t, "s3cret")}, Message: message("x")}
	if err := Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var got alert.Message
	if err := json.Unmarshal([]byte(h.Taken()[0]), &got); err != nil || got.ID != "m1" || got.Subject != "x" {
		t.Errorf("%+v: %v", got, err)
	}
	o.To.SecretFile = file(t, "another")
	if err := Send(t.Context(), o); err == nil {
		t.Error("signed with another secret, it was taken")
	}
}

func TestAnAnswerThatIsNotWellIsAnError(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"redirect": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/x"); w.WriteHeader(302) },
	} {
		s := httptest.NewServer(handler)
		err := Send(t.Context(), deliver.Order{To: alerts.Alert{Webhook: s.URL}, Message: message("x")})
		s.Close()
		if err == nil || !strings.Contains(err.Error(), "answers") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Secrets are in no error, whatever is wrong with them.
func TestNoErrorTellsASecret(t *testing.T) {
	attack.Row(t, "alerts", "an address with a password or a token, in an error of the library that sends", "cut out")
	closed := newPost(t)
	address := closed.Addr()
	_ = closed.Close()
	for _, to := range []string{
		"smtp://hiddenuser:hidden%20word@" + address + "/?from=hiddenfrom@example.org&to=hiddento@example.org",
		"mattermost://hiddenbot@" + address + "/hiddentoken/hiddenchannel",
		"rocketchat://hiddenuser@" + address + "/hiddentoken/hiddenchannel",
		"matrix://hiddenuser:hiddenpassword@" + address + "/?rooms=hiddenroom&disableTLS=yes",
		"gotify://" + address + "/hiddentoken",
		"nosuch://hiddenuser:hiddenword@hiddenhost/hiddenpath?x=hiddenvalue",
		"hiddenword",
		"://hiddenword",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := Send(ctx, deliver.Order{To: alerts.Alert{ToFile: file(t, to)}, Message: message("x")})
		cancel()
		if err == nil {
			t.Errorf("%s was sent", to)
		} else if strings.Contains(strings.ToLower(err.Error()), "hidden") {
			t.Errorf("%s: %v", to, err)
		}
	}
	s := alerts.Alert{WebhookFile: file(t, "http://"+address+"/hiddenpath?hiddenkey=hiddenvalue")}
	if err := Send(t.Context(), deliver.Order{To: s, Message: message("x")}); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
}

// The servers of these are not asked here: what an error of theirs could quote is.
func TestNothingOfAnAddressIsLeftInAnError(t *testing.T) {
	for address, quoted := range map[string]string{
		"slack://hook:hidden1-hidden2-hidden3@webhook":                            "invalid hidden1-hidden2-hidden3",
		"teams://hiddengroup@hiddentenant/hiddenalt/hiddenowner?host=example.org": "no hiddengroup of hiddentenant, hiddenalt or hiddenowner",
		"discord://hidden%20token@1234567":                                        "post /1234567/hidden token",
		"telegram://hiddentoken@telegram?chats=@hiddenchat":                       "post /bothiddentoken/send: @hiddenchat",
	} {
		if text := without(errors.New(quoted), address).Error(); strings.Contains(text, "hidden") || strings.Contains(text, "1234567") {
			t.Errorf("%s: %s", address, text)
		}
	}
}

func TestAFileThatIsNoAddressIsRefused(t *testing.T) {
	for _, text := range []string{"", "two\nlines", strings.Repeat("x", 2*mostSecret)} {
		if _, err := secret(file(t, text)); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
	to := file(t, "smtp://127.0.0.1:1/?from=a@example.org&to=b@example.org,c@example.org")
	if err := Send(t.Context(), deliver.Order{To: alerts.Alert{ToFile: to}, Message: message("x")}); err == nil || !strings.Contains(err.Error(), "several") {
		t.Error(err)
	}
}

// A server that takes the connection and says nothing is left in time.
func TestAServerThatSaysNothingIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = Send(ctx, deliver.Order{To: alerts.Alert{To: "smtp://" + l.Addr().String() + "/?from=a@example.org&to=b@example.org"}, Message: message("x")})
	if err == nil || err.Error() != "no answer in time" {
		t.Error(err)
	}
}
