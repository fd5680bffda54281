package machine

import (
	"errors"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/silence"
	"mainstay/reconcile/probe"
	"mainstay/spec"
)

// told gives a probe results a second apart and returns what it says then.
func told(w *watched, verdicts ...probe.Verdict) plan.ProbeView {
	w.want = probe.Defaults(w.want)
	for i, v := range verdicts {
		w.note(probe.Result{OK: v == probe.Answered, Verdict: v, Err: "it said so", At: time.Duration(i+1) * time.Second})
	}
	return w.view()
}

// R4: only silence that was observed without a gap counts.
func TestAGapInWhichNobodyCouldAskVoidsTheSilence(t *testing.T) {
	const s, u = probe.Silent, probe.Unasked
	w := &watched{probing: silence.Probing{Witness: true}}
	if v := told(w, s, s, s); !v.Quiet() || v.SilentSince != time.Second {
		t.Fatalf("three tries without an answer are %+v", v)
	}
	if v := told(&watched{probing: silence.Probing{Witness: true}}, s, s, s, u); v.Quiet() || v.Unasked == "" {
		t.Errorf("a try that could not ask is %+v", v)
	}
	if v := told(&watched{probing: silence.Probing{Witness: true}}, s, s, s, u, s, s); v.Quiet() {
		t.Errorf("the silence of before the gap counts: %+v", v)
	}
	if v := told(&watched{probing: silence.Probing{Witness: true}}, s, s, s, u, s, s, s); !v.Quiet() || v.SilentSince != 5*time.Second {
		t.Errorf("the silence after the gap is %+v", v)
	}
}

// R4: whatever answers is alive. To detect, that is not yet a side that serves.
func TestAnythingThatAnswersIsAlive(t *testing.T) {
	if v := told(&watched{probing: silence.Probing{Witness: true}}, probe.Silent, probe.Silent, probe.Otherwise); !v.Answers || v.Quiet() {
		t.Errorf("a witness that is answered otherwise says %+v", v)
	}
	if v := told(&watched{}, probe.Silent, probe.Silent, probe.Otherwise); v.Answers || v.Quiet() {
		t.Errorf("detect that is answered otherwise says %+v", v)
	}
}

// R4: asterisk is dead on a living main, and standby must be able to take its
// place; a witness that asks at the wrong port must not look the same.
func TestARefusedConnectionIsSilenceOnlyOfWhatWasHeard(t *testing.T) {
	const r = probe.Refused
	if v := told(&watched{probing: silence.Probing{Witness: true}}, r, r, r); v.Quiet() || v.Unasked == "" {
		t.Errorf("a port that was never heard is %+v", v)
	}
	if v := told(&watched{probing: silence.Probing{Witness: true}}, probe.Answered, r, r, r); !v.Quiet() {
		t.Errorf("a port that was heard before is %+v", v)
	}
	if v := told(&watched{}, r, r, r); !v.Quiet() {
		t.Errorf("detect is %+v", v)
	}
}

// keepsake is a disk of one value.
type keepsake struct{ probe *spec.Probe }

func (k *keepsake) Save(_ string, v any) error {
	p := v.(spec.Probe)
	k.probe = &p
	return nil
}

func (k *keepsake) Load(_ string, v any) error {
	if k.probe == nil {
		return errors.New("nothing was kept")
	}
	*v.(*spec.Probe) = *k.probe
	return nil
}

func TestARestartDoesNotForgetThatTheWitnessWasHeard(t *testing.T) {
	disk := &keepsake{}
	p := newProbes(t.Context(), spec.Allow{}, disk, func() {})
	w := &watched{want: probe.Defaults(spec.Probe{TCP: "127.0.0.1:5060"})}
	p.recallHeard(w)
	p.note(w, probe.Result{OK: true, Verdict: probe.Answered})
	again := &watched{want: w.want}
	if p.recallHeard(again); !again.probing.Answered {
		t.Error("it is forgotten")
	}
	other := &watched{want: probe.Defaults(spec.Probe{TCP: "127.0.0.1:5061"})}
	if p.recallHeard(other); other.probing.Answered {
		t.Error("another port was never heard")
	}
}
