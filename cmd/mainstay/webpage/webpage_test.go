package webpage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/fleet"
)

func options(t *testing.T) Options {
	t.Helper()
	return Options{Places: []fleet.Location{{URL: t.TempDir(), Branch: "main"}}, Listen: "127.0.0.1:0", Prefix: "page",
		Every: time.Hour, Log: slog.New(slog.DiscardHandler), Ready: func(string) {}}
}

// A repository that cannot be read is no reason to show nothing: the page says so.
func TestThePageAnswersUntilItIsEnded(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	o, ready, ended := options(t), make(chan string, 1), make(chan error, 1)
	o.Ready = func(address string) { ready <- address }
	go func() { ended <- Run(ctx, o) }()
	address := <-ready
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasSuffix(address, "/page/") || !strings.Contains(string(body), o.Places[0].URL) {
		t.Errorf("%s: %s %v: %s", address, res.Status, err, body)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhatKeepsThePageFromListeningComesWithAWay(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, change := range map[string]func(*Options){
		"--listen":   func(o *Options) { o.Listen = taken.Addr().String() },
		"--tls-cert": func(o *Options) { o.Certificate, o.Key = "nosuch.crt", "nosuch.key" },
	} {
		o := options(t)
		change(&o)
		var w wrong
		if err := Run(t.Context(), o); !errors.As(err, &w) || !strings.Contains(w.Hint(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who may switch has an address that commits carry: a grant that nobody could use is said
// before the page opens.
func TestAGrantThatNobodyCouldUseIsAContradiction(t *testing.T) {
	proxy := []string{"--allow-commits", "--trust-header", "X-User", "--trust-from", "127.0.0.1", "--trust-groups", "X-Groups"}
	for want, more := range map[string][]string{
		"the proxy says none": {"--grant", "read=*", "--grant", "switch=ops"},
		"":                    {"--grant", "switch=ops", "--trust-email", "X-Email"},
	} {
		err := parsed(t, append(proxy, more...)...).Contradiction()
		if said := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(said, want) {
			t.Errorf("%v: %v, want %q", more, err, want)
		}
	}
	if err := parsed(t, append(proxy, "--grant", "read=*")...).Contradiction(); err != nil {
		t.Error(err)
	}
}

// Two pages with one folder do not write over each other's words: the second one says so and
// keeps its own in memory, until the first one has ended.
func TestTwoPagesKeepNoWordsInOneFolder(t *testing.T) {
	state := t.TempDir()
	page := func(log io.Writer) (o Options, book *kept.Words) {
		o = options(t)
		o.State, o.Log = state, slog.New(slog.NewTextHandler(log, nil))
		book, err := o.words()
		if err != nil {
			t.Fatal(err)
		}
		return o, book
	}
	var first, second, third strings.Builder
	a, words := page(&first)
	_, other := page(&second)
	if err := words.Say("paris", kept.Word{Who: "ada", Text: "on my way", Mark: "m", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := other.Say("lyon", kept.Word{Who: "bob", Text: "me too", Mark: "m", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if first.String() != "" || !strings.Contains(second.String(), "another page keeps its words in this folder") {
		t.Errorf("the first says %q, the second %q", first.String(), second.String())
	}
	a.unlock()
	c, again := page(&third)
	defer c.unlock()
	if _, ok := again.Of("paris", "m"); !ok || third.String() != "" {
		t.Errorf("the third lacks the first's word, and says %q", third.String())
	}
	if _, ok := again.Of("lyon", "m"); ok {
		t.Error("the second page wrote into the folder")
	}
}

// Two pages with one folder do not send every alert twice: the second one says so, and sends
// none while the first one runs.
func TestTwoPagesSendNoAlertsFromOneFolder(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "alerts.yaml")
	if err := os.WriteFile(file, []byte("alerts: [{ command: [page] }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second, lines := options(t), options(t), make(chan string, 10)
	defer first.unlock()
	if !first.lock(filepath.Join(folder, "alerts.lock")) {
		t.Fatal("the first one has no lock")
	}
	second.State, second.alerts = folder, file
	second.Log = slog.New(slog.NewTextHandler(said(func(s string) { lines <- s }), nil))
	told, err := second.teller()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { defer close(ran); told.Run(ctx) }()
	if line := <-lines; !strings.Contains(line, "another page sends alerts from this folder") {
		t.Errorf("got %s", line)
	}
	end()
	<-ran
	if len(second.locks) > 0 {
		t.Error("it has the lock too")
	}
	alone := options(t)
	alone.State, alone.alerts = t.TempDir(), file
	if told, err = alone.teller(); err != nil {
		t.Fatal(err)
	}
	ctx, end = context.WithCancel(t.Context())
	end()
	told.Run(ctx)
	if alone.unlock(); len(alone.locks) != 1 {
		t.Error("it tells without a lock")
	}
}

// said takes what is logged.
type said func(string)

func (s said) Write(b []byte) (int, error) { s(string(b)); return len(b), nil }
