package plan

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A word that is written by hand is one that no reader of its constant finds.
func TestPhasesAndGuaranteesAreNamedByTheirConstants(t *testing.T) {
	byHand := []*regexp.Regexp{
		regexp.MustCompile(`"(released|presumed|attested|seen|taken|switched)"`),
		regexp.MustCompile(`(mark\(.*, |Phase\{(Name: )?|\.Name == |Absent [=!]= |Guarantee [=!]= )"[a-z]+"`),
		regexp.MustCompile(`case "(seen|ready|stopped|started|active|stop)"`),
	}
	for _, root := range []string{"..", "../../cmd/mainstay"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			elsewhere := strings.HasPrefix(path, "../plan") || strings.HasPrefix(path, "../service") || strings.HasPrefix(path, "../sim") || strings.HasPrefix(path, "../coordinationtest")
			if err != nil || elsewhere || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for i, line := range strings.Split(string(source), "\n") {
				for _, r := range byHand {
					if r.MatchString(line) {
						t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
