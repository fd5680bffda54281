package reconcile

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// bound is how long a test waits for what must come at once.
const bound = 10 * time.Second

// stuck makes the reading of every document wait until free is called.
func (s *scholar) stuck() (free func()) {
	gate := make(chan struct{})
	s.Beside = func(read func()) {
		go func() {
			<-gate
			read()
		}()
	}
	return sync.OnceFunc(func() { close(gate) })
}

// within is a look that must not wait for anything.
func (s *scholar) within(t *testing.T) *Snapshot {
	t.Helper()
	done := make(chan *Snapshot, 1)
	go func() { done <- s.Look(t.Context()) }()
	select {
	case snap := <-done:
		return snap
	case <-time.After(bound):
		t.Fatal("R1: the look waits for the document")
		return nil
	}
}

func owned(seq uint64, holder string) ClaimRead {
	return ClaimRead{Tip: plan.Tip{Claim: plan.Claim{Seq: seq, Holder: plan.Holder(holder)}}, Descends: true}
}

func TestAClaimIsReadWhileADocumentHangs(t *testing.T) { // R1
	s := newScholar(paris(spec.Main))
	s.git.claim("k1", owned(1, "main"))
	s.look(t)
	free := s.stuck()
	defer free()
	s.git.commit("c2", paris(spec.Standby))
	s.git.claim("k2", owned(2, "standby"))
	for _, k := range []string{"k2", "k3"} { // in this look and in the next
		snap := s.within(t)
		if c := snap.Claims["xivo"]; c.Tip.ID != k || c.Began != s.clock.boot {
			t.Errorf("R7: the claim is %s, read at %s", c.Tip.ID, c.Began)
		}
		if !snap.Pending || !snap.Reading || snap.Seen != "c2" || snap.Accepted.Commit != "c1" {
			t.Errorf("pending %v, reading %v, seen %s, accepted %s", snap.Pending, snap.Reading, snap.Seen, snap.Accepted.Commit)
		}
		s.clock.pass(time.Second)
		s.git.claim("k3", owned(3, "standby"))
	}
}

func TestADocumentThatWasReadBesideIsTakenUp(t *testing.T) {
	s := newScholar(paris(spec.Main))
	free := s.stuck()
	s.git.claim("k1", owned(1, "main"))
	if snap := s.within(t); !snap.Pending || snap.Accepted != nil {
		t.Fatalf("pending %v, accepted %v", snap.Pending, snap.Accepted)
	}
	free()
	<-s.studied()
	snap := s.catchUp(t.Context())
	if snap.Pending || snap.Accepted == nil || snap.Claims["xivo"].Tip.ID != "k1" {
		t.Errorf("pending %v, accepted %v, claims %v", snap.Pending, snap.Accepted, snap.Claims)
	}
}

func TestADocumentWithoutAnEndIsSaidAndGivenUp(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.look(t)
	free := s.stuck()
	defer free()
	s.git.commit("c2", paris(spec.Standby))
	s.within(t)
	s.clock.pass(DefaultTimeout + time.Second)
	snap := s.within(t)
	if !hasCondition(snap.Conditions, plan.CondDocumentSlow) || !snap.Pending || snap.Reading {
		t.Errorf("pending %v, reading %v, conditions %v", snap.Pending, snap.Reading, snap.Conditions)
	}
	s.clock.pass(hangsAfter + 2*DefaultTimeout)
	for range 2 { // it is not read again either
		if snap = s.within(t); !hasCondition(snap.Conditions, plan.CondDocumentHangs) || snap.Pending {
			t.Errorf("pending %v, conditions %v", snap.Pending, snap.Conditions)
		}
	}
	s.Beside = func(read func()) { read() }
	s.git.commit("c3", paris(spec.Standby))
	if snap = s.within(t); snap.Accepted.Commit != "c3" || hasCondition(snap.Conditions, plan.CondDocumentHangs) {
		t.Errorf("accepted %s, conditions %v", snap.Accepted.Commit, snap.Conditions)
	}
}

func TestAPersonsOrderIsNotLostWhileADocumentIsRead(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.look(t)
	free := s.stuck()
	s.git.commit("c2", strings.Replace(paris(spec.Standby), "name: paris", "name: lyon", 1))
	s.within(t)
	s.Override("c2", "seen down")
	free()
	<-s.studied()
	s.catchUp(t.Context())
	if snap := s.look(t); snap.Accepted.Commit != "c2" {
		t.Errorf("accepted %s, conditions %v", snap.Accepted.Commit, snap.Conditions)
	}
}

// An order that came to nothing while git was slow is not carried out once git answers (R9).
func TestAPersonsOrderThatWasWithdrawnIsNotCarriedOut(t *testing.T) {
	for name, withdrawn := range map[string]string{"before it is read": "early", "while it is read": "late"} {
		t.Run(name, func(t *testing.T) {
			s := newScholar(paris(spec.Main))
			s.look(t)
			commit := "c2"
			s.Override(commit, "seen down")
			if withdrawn == "early" {
				s.withdrawn.Store(&commit)
			}
			free := s.stuck()
			s.git.commit("c2", strings.Replace(paris(spec.Standby), "name: paris", "name: lyon", 1))
			s.within(t)
			s.withdrawn.Store(&commit)
			free()
			<-s.studied()
			s.catchUp(t.Context())
			if snap := s.look(t); snap.Accepted.Commit == "c2" {
				t.Error("accepted by an order that was withdrawn")
			}
			s.Override(commit, "seen down")
			if snap := s.look(t); snap.Accepted.Commit != "c2" {
				t.Errorf("a new order is not carried out: accepted %s, conditions %v", snap.Accepted.Commit, snap.Conditions)
			}
		})
	}
}

// slowRepository answers no listing before it is asked to.
type slowRepository struct {
	*vault
	gate chan struct{}
}

func (r slowRepository) List(ctx context.Context) (Listing, error) {
	select {
	case <-r.gate:
		return r.vault.List(ctx)
	case <-ctx.Done():
		return Listing{}, ctx.Err()
	}
}

func TestClaimsKeptElsewhereDoNotWaitForTheRepository(t *testing.T) { // R1
	git := newVault(paris(spec.Main))
	s := &scholar{git: git, disk: newShelf(&journal{}), clock: newStill()}
	gate := make(chan struct{})
	s.Learner = NewLearner(LearnerConfig{Node: "xivo-main", Branch: tip, Path: "deployment.yaml",
		Repository: slowRepository{git, gate}, Coordination: git, Clock: s.clock, Disk: s.disk, Log: quiet()})
	close(gate)
	git.claim("k1", owned(1, "main"))
	s.LookWhole(t.Context())
	s.Repository = slowRepository{git, make(chan struct{})}
	git.claim("k2", owned(2, "standby"))
	if snap := s.within(t); snap.Claims["xivo"].Tip.ID != "k2" || !snap.Pending {
		t.Errorf("the claim is %s, pending %v", snap.Claims["xivo"].Tip.ID, snap.Pending)
	}
}

func TestTheOwnClaimIsToldBeforeAnythingElseIsRead(t *testing.T) { // R1
	s := newScholar(paris(spec.Main))
	s.git.claim("k1", owned(1, "main"))
	before := s.look(t)
	var early []*Snapshot
	s.early = func(e *Snapshot) { early = append(early, e) }
	s.git.claim("k2", owned(2, "standby"))
	after := s.look(t)
	if len(early) != 1 || early[0].Claims["xivo"].Tip.ID != "k2" || early[0].Looks != before.Looks || early[0] == after {
		t.Errorf("told %d times: %+v", len(early), early)
	}
}

func TestAnAgentEndsAtOnceWhileADocumentHangs(t *testing.T) {
	s := newScholar(paris(spec.Main))
	s.Beside = func(read func()) { go read() }
	loading, free := make(chan struct{}), make(chan struct{})
	defer close(free)
	s.Load = func(string, []byte, spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
		close(loading)
		<-free
		return nil, []plan.Condition{{Type: plan.CondDocumentInvalid}}
	}
	r := &rack{j: &journal{}}
	agent := NewAgent(s.Learner, NewActuator(ActuatorConfig{Node: "xivo-main", Clock: s.clock, Disk: s.disk, Log: quiet(),
		Machine: Machine{Services: r, Files: noFiles{}, Probes: rackProbes{r}}}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = agent.Run(ctx)
	}()
	<-loading
	cancel()
	select {
	case <-ended:
	case <-time.After(bound):
		t.Error("SIGTERM does not end the agent")
	}
}

// signedFiles is a revision that knows who may change what.
type signedFiles struct {
	folder map[string]string
	asked  *[]string
	err    error
}

func (f signedFiles) Read(name string) ([]byte, error) {
	if text, ok := f.folder[name]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (f signedFiles) Vouch(deployment string, files []string) error {
	*f.asked = append([]string{deployment}, files...)
	return f.err
}

// What is accepted are the document and the templates that it names: no more has to be
// signed, and no less.
func TestADocumentIsAcceptedWhenItsChangesAreVouchedFor(t *testing.T) {
	var asked []string
	refused := errors.New("not signed")
	for _, want := range []error{nil, refused} {
		text := paris(spec.Main) + "    files: [{ path: /etc/a.conf, template: t/a.conf }]\n"
		rev := signedFiles{folder: map[string]string{"sites/d.yaml": text, "sites/t/a.conf": "x", "sites/t/b.conf": "x"}, asked: &asked, err: want}
		task := lesson{config: LearnerConfig{Path: "sites/d.yaml", Load: LoadDocument, Repository: oneRevision{rev}}, timeout: time.Minute}
		f := finding{tip: "c1"}
		task.fetch(&f)
		if len(f.problems) > 0 || !errors.Is(f.err, want) {
			t.Errorf("got %v and %v, want %v", f.err, f.problems, want)
		}
		if got := strings.Join(asked, " "); got != "paris sites/d.yaml sites/t/a.conf" {
			t.Errorf("asked about %s", got)
		}
	}
}

type oneRevision struct{ rev Revision }

func (r oneRevision) List(context.Context) (Listing, error) { return Listing{}, nil }
func (r oneRevision) Revision(context.Context, string, string) (Revision, error) {
	return r.rev, nil
}
