package reconcile

import (
	"os"
	"regexp"
	"testing"
)

func TestTheWayThroughTheCodeNamesFilesThatExist(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	hops := regexp.MustCompile(`(?m)^//\t([a-z/]+\.go) `).FindAllSubmatch(text, -1)
	if len(hops) < 10 || len(hops) >= 30 {
		t.Errorf("it has %d hops", len(hops))
	}
	for _, hop := range hops {
		if _, err := os.Stat(string(hop[1])); err != nil {
			t.Error(err)
		}
	}
}
