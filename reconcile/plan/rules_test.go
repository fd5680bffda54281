package plan

import (
	"strings"
	"testing"
)

// TestEveryRuleIsToldInFull: what go doc prints of a rule is what explain --rule
// prints, and no rule is without its text.
func TestEveryRuleIsToldInFull(t *testing.T) {
	for _, r := range Rules() {
		text := r.Text()
		name := strings.SplitN(text, ",", 2)[0]
		if want := map[Rule]string{RFollow: "RFollow", RService: "RService"}[r]; name != string(r) && name != want {
			t.Errorf("the text of %s begins with %q", r, name)
		}
		if len(text) < 80 || strings.Contains(text, "//") {
			t.Errorf("the text of %s: %q", r, text)
		}
	}
	if text := Rule("R99").Text(); text != "" {
		t.Errorf("a rule that there is not: %q", text)
	}
}
