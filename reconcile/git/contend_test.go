package git_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

const (
	contenders = 12
	// contendEnv makes the test program a contender for the claim at this
	// address.
	contendEnv = "MAINSTAY_TEST_CONTEND"
	// serveEnv makes it a server of the repository in this folder.
	serveEnv = "MAINSTAY_TEST_SERVE"
)

var rounds = flag.Int("rounds", 10, "how often the contenders go for the claim")

func TestMain(m *testing.M) {
	url, bare := os.Getenv(contendEnv), os.Getenv(serveEnv)
	var err error
	switch {
	case url != "":
		err = contend(url, os.Stdin, os.Stdout)
	case bare != "":
		err = serveUntilClosed(bare)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// contend goes for the claim each time a line says which change to go on from,
// and answers what came of it.
func contend(url string, in io.Reader, out io.Writer) error {
	r, err := git.Open(git.Options{URL: url})
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var seq uint64
		var parent string
		if _, err := fmt.Sscanf(lines.Text()+" ", "%d %s", &seq, &parent); err != nil && !errors.Is(err, io.EOF) && seq == 0 {
			return err
		}
		p := plan.Push{Parent: parent, Claim: claim(seq, plan.Seize, spec.Main, fmt.Sprintf("node-%d", os.Getpid()))}
		id, err := r.PushClaim(context.Background(), claimRef, p)
		switch {
		case err == nil:
			_, err = fmt.Fprintln(out, "won", id)
		case errors.Is(err, failure.ErrRefused):
			_, err = fmt.Fprintln(out, "lost")
		default:
			_, err = fmt.Fprintln(out, "error", err)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

// rival is a contender in a process of its own.
type rival struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func startRival(t *testing.T, url string) rival {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), contendEnv+"="+url)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return rival{in, bufio.NewScanner(out)}
}

// Of any number of contenders exactly one push wins. Twelve
// processes go for one claim, over git's own HTTP server and on a local path.
func TestTwelveProcessesContendAndOneWins(t *testing.T) {
	for name, serve := range map[string]func(bare string) string{
		"http": func(bare string) string { return gitserver.HTTP(t, bare) },
		"path": func(bare string) string { return bare },
	} {
		t.Run(name, func(t *testing.T) {
			bare := gitserver.Bare(t)
			rivals := make([]rival, contenders)
			for i := range rivals {
				rivals[i] = startRival(t, serve(bare))
			}
			began := time.Now()
			var won []string
			for seq := 1; seq <= *rounds; seq++ {
				won = append(won, round(t, bare, rivals, seq, won))
			}
			t.Logf("%d rounds of %d processes: %v a round", *rounds, contenders, (time.Since(began) / time.Duration(*rounds)).Round(time.Millisecond))
			readable(t, bare, won)
		})
	}
}

// round lets all rivals go for the claim at once and returns the one change that
// was made.
func round(t *testing.T, bare string, rivals []rival, seq int, won []string) string {
	t.Helper()
	parent := ""
	if len(won) > 0 {
		parent = won[len(won)-1]
	}
	for _, r := range rivals {
		if _, err := fmt.Fprintln(r.in, seq, parent); err != nil {
			t.Fatal(err)
		}
	}
	var winners []string
	for _, r := range rivals {
		if !r.out.Scan() {
			t.Fatalf("round %d: a contender is gone: %v", seq, r.out.Err())
		}
		switch word, id, _ := strings.Cut(r.out.Text(), " "); word {
		case "won":
			winners = append(winners, id)
		case "lost":
		default:
			t.Errorf("round %d: %s", seq, r.out.Text())
		}
	}
	if at := strings.TrimSpace(gitserver.Git(t, bare, "rev-parse", claimRef)); !slices.Equal(winners, []string{at}) {
		t.Fatalf("round %d: winners %q, ref at %s", seq, winners, at)
	}
	return winners[0]
}

// readable checks that the chain is the audit log of all that happened.
func readable(t *testing.T, bare string, won []string) {
	t.Helper()
	r := open(t, git.Options{URL: bare})
	chain, err := r.Chain(ctx(t), claimRef, won[len(won)-1], 0)
	if err != nil || len(chain) != len(won) {
		t.Fatalf("chain of %d changes, want %d: %v", len(chain), len(won), err)
	}
	log := strings.Split(strings.TrimSpace(gitserver.Git(t, bare, "log", "--reverse", "--format=%H %s", claimRef)), "\n")
	for i, id := range won {
		tip := chain[len(chain)-1-i]
		want := fmt.Sprintf("%s %d seize: main by %s (released)", id, i+1, tip.Node)
		if tip.ID != id || tip.Seq != uint64(i+1) || log[i] != want {
			t.Errorf("change %d: %s seq %d, git log says %q", i+1, tip.ID, tip.Seq, log[i])
		}
	}
}
