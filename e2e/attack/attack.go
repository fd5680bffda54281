// Package attack lets a test say which attack or accident it is about, so that
// `make attacks` can print all of them with their outcome. It knows nothing of
// what is attacked.
package attack

import "testing"

// Mark begins the line that a test writes about its attack; the fields behind it
// are separated by tabs: outcome, area, what, expected.
const Mark = "attack:"

// The outcomes of an attack.
const (
	Held    = "held"
	NotHeld = "NOT HELD"
	Skipped = "not tried"
)

// Row says that this test carries out an attack: what somebody does, and what is
// expected of the product. The outcome is that of the test.
func Row(t testing.TB, area, what, expected string) {
	t.Helper()
	t.Cleanup(func() {
		outcome := Held
		switch {
		case t.Failed():
			outcome = NotHeld
		case t.Skipped():
			outcome = Skipped
		}
		t.Logf("%s\t%s\t%s\t%s\t%s", Mark, outcome, area, what, expected)
	})
}
