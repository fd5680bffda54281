//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Of any number of contenders for a claim exactly one wins.
// The package's own test does a few rounds; here twelve processes go through a
// hundred, over git's HTTP server and on a local path.
func TestAHundredRoundsOfTwelveContendersHaveOneWinnerEach(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^TestTwelveProcessesContendAndOneWins$",
		"mainstay/reconcile/git", "-args", "-rounds=100")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || strings.Count(string(out), "100 rounds of 12 processes") != 2 {
		t.Fatalf("the contest failed: %v", err)
	}
}
