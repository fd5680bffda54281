package deliver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/reconcile/alert"
	"mainstay/reconcile/alert/courier"
	"mainstay/reconcile/alert/deliver"
	"mainstay/spec/alerts"
)

// TestMain is also the child that sends.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == deliver.Command {
		if err := courier.Run(context.Background(), os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const hostile = "a; touch /tmp/x $(reboot) `id` \"'"

func TestAChildSendsAndEnds(t *testing.T) {
	var got alert.Message
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = json.NewDecoder(r.Body).Decode(&got) }))
	defer s.Close()
	m := alert.TestOf("paris", "a", "fr", time.Now())
	if err := deliver.Deliver(t.Context(), alerts.Alert{Webhook: s.URL}, m); err != nil || got.ID != m.ID {
		t.Errorf("%v: %+v", err, got)
	}
	s.Close()
	if err := deliver.Deliver(t.Context(), alerts.Alert{Webhook: s.URL}, m); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func TestACommandIsGivenTheAlertOnItsInput(t *testing.T) {
	attack.Row(t, "alerts", "shell words in what others said, given to a command", "on its input as JSON, never on its command line")
	out := filepath.Join(t.TempDir(), "got")
	m := alert.Message{ID: "m1", Detail: hostile}
	if err := deliver.Deliver(t.Context(), alerts.Alert{Command: []string{"/bin/sh", "-c", `cat > "$0"; test $# = 0`, out}}, m); err != nil {
		t.Fatal(err)
	}
	var got alert.Message
	if b, err := os.ReadFile(out); err != nil || json.Unmarshal(b, &got) != nil || got.Detail != hostile {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestACommandIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"fails":  {"echo no printer >&2; exit 3", "no printer"},
		"prints": {"yes | head -c 100000; exit 1", "y"},
		"hangs":  {"sleep 100 & wait", "it was not sent in time"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		began := time.Now()
		err := deliver.Deliver(ctx, alerts.Alert{Command: []string{"/bin/sh", "-c", c.script}}, alert.Message{})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 3<<10 || time.Since(began) > time.Minute {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	if err := deliver.Deliver(t.Context(), alerts.Alert{Command: []string{"/nonexistent"}}, alert.Message{}); err == nil {
		t.Error("a program that is not there took it")
	}
}
