package forecast

import (
	"strings"
	"testing"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// What moves with a side is foretold by what it is, not by a name that somebody gave it.
func TestWhatMovesWithASideIsForetold(t *testing.T) {
	w := newWorld(t)
	text := strings.ReplaceAll(strings.ReplaceAll(document, "HANDOVER", "{}"), "ACTIVE", "main")
	text += "      - { name: voice, address: { interface: eth0, ip: 10.20.0.10/24 } }\n      - { name: again, run: { onStart: [a] } }\n" +
		"      - { name: dns, run: { onStart: [b], required: true } }\n      - { name: cache, run: { onStop: [c] } }\n"
	from, problems := spec.Load("d.yaml", []byte(text), nil)
	to, more := spec.Load("d.yaml", []byte(strings.Replace(text, "active: main", "active: standby", 1)), nil)
	if len(problems)+len(more) > 0 {
		t.Fatal(problems, more)
	}
	w.main.Services = append(w.main.Services, plan.ServiceReport{Name: "voice", Run: plan.Running})
	f := w.of(from, to)
	said := ""
	for _, s := range f.Steps {
		said += s.Node + ": " + s.Text + "\n"
	}
	for _, want := range []string{
		"m: takes 10.20.0.10/24 away from eth0 (voice) (now running)",
		"s: adds 10.20.0.10/24 to eth0 (voice), unless another machine answers for it",
		"s: runs again once, and goes on if that fails",
		"s: runs dns once, which must succeed",
		"s: remembers to run cache when it stops",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not foretold:\n%s", want, said)
		}
	}
}
