package drill

import (
	"io"
	"slices"
	"testing"

	"github.com/spf13/cobra"
)

// What says where the repository is reaches the commands that a drill is made of, and
// nothing of the drill's own does.
func TestTheFlagsOfThePlaceAreHandedOn(t *testing.T) {
	c := Command(nil, io.Discard, io.Discard, func(c *cobra.Command) {
		for _, name := range places() {
			c.Flags().String(name, "", "")
		}
	}, "")
	if err := c.ParseFlags([]string{"--repo", "ssh://git@git.example.org/p.git", "--config", "x y", "--reason", "why", "--yes", "--stay", "5m"}); err != nil {
		t.Fatal(err)
	}
	if got, want := given(c), []string{"--repo=ssh://git@git.example.org/p.git", "--config=x y"}; !slices.Equal(got, want) {
		t.Errorf("handed on %q, want %q", got, want)
	}
}
