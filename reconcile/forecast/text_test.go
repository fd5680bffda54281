package forecast

import (
	"fmt"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// A text is told in another language with everything in it, texts in texts too, and
// stays in English where the language lacks it.
func TestATextIsToldInAnotherLanguage(t *testing.T) {
	p := &planner{plan: &Forecast{}}
	inner := p.say("starts %s", "web")
	outer := p.say("%s%s", inner, p.nowIs(plan.Stopped))
	side := p.say("points at %s", spec.Main)
	lacks := p.say("nobody knows %s", inner)
	raw := p.say("is Held: %s", "its node's own words")
	wait := p.say("at most %s, %s and %s", 2*time.Minute, spec.Duration(90*time.Second), age(time.Hour))
	if wait != "at most 2m0s, 1m30s and 1h00m" {
		t.Errorf("in English it is %q", wait)
	}
	table := Language{map[string]string{
		"starts %s": "démarre %s", " (now %s)": " (maintenant %s)", "run:stopped": "arrêté", "points at %s": "vers %s", "side:main": "principal",
		"is Held: %s": "attend : %s", "web": "toile", "plain": "simple", "at most %s, %s and %s": "au plus %s, %s et %s",
	}, func(d time.Duration) string { return fmt.Sprint(d.Seconds(), " s") }}
	for text, want := range map[string]string{
		outer: "démarre web (maintenant arrêté)", side: "vers principal", raw: "attend : its node's own words", "plain": "simple", wait: "au plus 120 s, 90 s et 3600 s",
	} {
		if got, ok := p.plan.In(table, text); !ok || got != want {
			t.Errorf("%q becomes %q %t, want %q", text, got, ok, want)
		}
	}
	for text, want := range map[string]string{lacks: "nobody knows démarre web", "no phrase": "no phrase"} {
		if got, ok := p.plan.In(table, text); ok || got != want {
			t.Errorf("%q becomes %q %t, want %q", text, got, ok, want)
		}
	}
	if got, ok := (&Forecast{Phrases: map[string]Phrase{"x": {"%s", []any{"x"}}}}).In(Language{}, "x"); got != "x" || !ok {
		t.Errorf("a text within itself becomes %q %t", got, ok)
	}
}
