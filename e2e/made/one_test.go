package made

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkOneOfAThousand measures commands about one of 1,000 deployments of 6 nodes,
// whole programs, from a repository whose refs are packed as git gc leaves them.
func BenchmarkOneOfAThousand(b *testing.B) {
	sites := []Site{{"over", Over}}
	for i := range 999 {
		sites = append(sites, Site{fmt.Sprintf("site-%03d", i), Fine})
	}
	r, err := New(filepath.Join(b.TempDir(), "voice.git"), time.Now(), sites...)
	if err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("git", "-C", r.Dir, "pack-refs", "--all").CombinedOutput(); err != nil {
		b.Fatalf("git pack-refs: %v\n%s", err, out)
	}
	program := filepath.Join(b.TempDir(), "mainstay")
	if out, err := exec.Command("go", "build", "-o", program, "mainstay/cmd/mainstay").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	for _, command := range []string{"status", "history"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				out, err := exec.Command(program, command, "--repo", r.Dir, "--deployment", "over", "-o", "json").Output()
				if err != nil || !strings.Contains(string(out), `"standby"`) {
					b.Fatalf("%s: %v\n%s", command, err, out)
				}
			}
		})
	}
}
