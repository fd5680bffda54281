package run

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestACommandInItsGraceIsAskedToEndFirst(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the node is Inactive")
	script := `trap 'echo asked; exit 0' TERM; kill -USR1 "$1"; while :; do sleep 0.05; done`
	up := awaitSignal(t)
	go func() {
		<-up
		cancel(why)
	}()
	got, err := Call{Argv: sh(script, self()), Grace: time.Minute}.Run(ctx)
	if !errors.Is(err, why) || !strings.HasSuffix(got.Output, "asked") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatACommandLeavesInItsGroupEndsUnlessItMayStay(t *testing.T) {
	for _, stays := range []bool{false, true} {
		got, err := Call{Argv: sh("sleep 600 & echo $!"), Leave: stays}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dead := false
		for !dead && !stays && t.Context().Err() == nil {
			r, err := Command(t.Context(), sh(`test -e /proc/$1 && ! grep -q ') Z ' /proc/$1/stat`, got.Output))
			dead = err == nil && r.Code != 0
		}
		if r, _ := Command(t.Context(), []string{"kill", "-9", got.Output}); stays && r.Code != 0 {
			t.Errorf("what may stay was ended: %s", r.Reason())
		}
	}
}

func TestATailNeverFailsTheWriterAndKeepsTheEnd(t *testing.T) {
	tail := &Tail{}
	long := strings.Repeat("x", MaxOutput)
	for _, s := range []string{"begin ", long, " end", ""} {
		if n, err := tail.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write of %d bytes = %d, %v", len(s), n, err)
		}
	}
	if got := tail.String(); got != "… "+long[len(" end"):]+" end" {
		t.Errorf("kept %q", got)
	}
}

func TestAShellReadsBackWhatIsQuoted(t *testing.T) {
	words := []string{"plain", "", "two words", "it's", "no!", "$HOME;*", "a\nb"}
	got, err := Command(t.Context(), []string{"/bin/sh", "-c", "printf '%s|' " + Quote(words...)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "|")+"|", got.Output); diff != "" {
		t.Error(diff)
	}
	if got := Quote("systemctl", "stop", "a.service"); got != "systemctl stop a.service" {
		t.Errorf("simple words are quoted: %s", got)
	}
	if got := Word("repo.git"); got != "'repo.git'" {
		t.Errorf("got %s", got)
	}
}

// awaitSignal is closed once a command told the test that it is ready.
func awaitSignal(t *testing.T) <-chan os.Signal {
	t.Helper()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	t.Cleanup(func() { signal.Stop(c) })
	return c
}

func self() string { return strconv.Itoa(os.Getpid()) }
