package draw

import (
	"strings"
	"testing"

	"mainstay/cmd/mainstay/ui"
	"mainstay/e2e/attack"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git/signature"
	"mainstay/reconcile/plan"
)

// A word of the table is explained below it, once, and only when it is there.
func TestTheLegendExplainsTheWordsOfTheTable(t *testing.T) {
	phases := []fleet.Phase{{Name: "taken", Node: "b"}}
	switches := []fleet.Switch{{Node: "b", Guarantee: plan.Presumed, Phases: phases}, {Node: "b", Guarantee: plan.Presumed, Phases: phases}}
	legend := func() string {
		var text strings.Builder
		Legend(ui.Screen{Out: &text}, switches)
		return text.String()
	}
	if got := legend(); strings.Count(got, "presumed: ") != 1 || strings.Contains(got, "unchecked") {
		t.Errorf("%q", got)
	}
	switches[1].Signer = &signature.NoteSigner{State: signature.Unchecked, Key: "SHA256:x"}
	if got := legend(); !strings.Contains(got, "unchecked: there is no list of the nodes' keys here") {
		t.Errorf("%q", got)
	}
	stayed := fleet.Switch{Node: "b", Phases: phases, Stays: []fleet.Stay{{Node: "a", Name: "voicemails", Said: "3 in /var/spool"}, {Node: "a", Name: "cdr", Said: "no table", Failed: true}}}
	if got := Switch(stayed).Notes; len(got) != 2 || !strings.HasPrefix(got[0].Text, "stays behind on a: voicemails: 3 in /var/spool (counted ") || got[1].Text != "what stays behind on a of cdr could not be counted: no table" {
		t.Errorf("%+v", got)
	}
	if got := Switch(switches[1]).Notes; len(got) != 1 || got[0].Text != "signed by SHA256:x (unchecked)" {
		t.Errorf("%+v", got)
	}
}

func TestAHistoryThatCannotBeReadIsNotAnEmptyOne(t *testing.T) {
	attack.Row(t, "claims", "the whole claim is replaced by one that cannot be read", "history says so and fails; it does not say that there was none")
	drawn := func(h *fleet.History) string {
		var text strings.Builder
		if err := History(ui.Screen{Out: &text}, h); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	empty := &fleet.History{Deployment: "paris"}
	if got := drawn(empty); !strings.Contains(got, "no side of paris has ever held a claim") || empty.Whole() != nil {
		t.Errorf("%q, %v", got, empty.Whole())
	}
	damaged := &fleet.History{Deployment: "paris", Damaged: []string{"xivo: hidden"}}
	if got := drawn(damaged); got != "! xivo: hidden\n" || damaged.Whole() == nil {
		t.Errorf("%q, %v", got, damaged.Whole())
	}
}
