package reconcile

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync/atomic"
	"time"

	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/spec"
)

// The patience with a document that is read beside the claims.
const (
	// moment is how long a look waits for it, or twice as long as the claims took
	// if that is longer, up to longestMoment: most are read by then, and one
	// snapshot has everything.
	moment        = 300 * time.Millisecond
	longestMoment = 2 * time.Second
	// slowAfter is when a person is told, hangsAfter when it is given up.
	slowAfter  = 5 * time.Second
	hangsAfter = 30 * time.Second
	// mostGiven is how many readings that were given up may still be running. Each
	// one costs a core.
	mostGiven = 2
)

// study is one reading of the branch's newest commit, for a look. Whoever reads writes
// found and closes done; everything else belongs to the learner.
type study struct {
	began time.Duration
	look  uint64
	// fresh says that the reading before this one came to an end in order.
	fresh bool
	task  lesson
	done  chan struct{}
	found finding
}

// lesson is what a study does. It holds all that it needs: nothing is shared with
// the learner.
type lesson struct {
	config LearnerConfig
	// listing is nil when the study has to list the branch itself.
	listing *Listing
	// accepted and refused are tips that need not be fetched. Any other one must
	// descend from accepted, unless a person named it: that is override.
	accepted, refused, override string
	timeout                     time.Duration
	// reads names the commit that is being fetched, for whoever waits.
	reads *atomic.Pointer[string]
}

// finding is what a study found.
type finding struct {
	listing Listing
	listErr error
	// tip is what was fetched, empty when there was nothing to fetch.
	tip      string
	saved    Saved
	document *spec.Deployment
	problems []plan.Condition
	err      error
}

// lapse forgets an order that was withdrawn.
func (l *Learner) lapse() {
	if w := l.withdrawn.Load(); w != nil && *w == l.override {
		l.override, l.attest = "", ""
	}
}

// begin starts a study if there is something to read: one at a time.
func (l *Learner) begin(next *Snapshot, listing *Listing) {
	l.lapse()
	t := lesson{config: l.LearnerConfig, listing: listing, refused: l.refused, override: l.override,
		timeout: l.timeout(), reads: new(atomic.Pointer[string])}
	if a := next.Accepted; a != nil {
		t.accepted = a.Commit
	}
	if listing != nil && !t.wants(listing.Refs[l.Branch]) {
		l.settled(listing.Refs[l.Branch], t.accepted)
		return
	}
	if l.study != nil || l.given.Load() > mostGiven {
		return
	}
	s := &study{began: l.Clock.Boot(), look: next.Looks, fresh: next.Accepted == nil || next.OK && len(l.refusal) == 0, task: t, done: make(chan struct{})}
	l.study = s
	if listing != nil {
		tip := listing.Refs[l.Branch]
		t.reads.Store(&tip)
	}
	l.Beside(func() {
		defer close(s.done)
		s.found = s.task.read()
	})
}

// settled forgets why another commit was refused, once the branch is at the
// accepted one.
func (l *Learner) settled(tip, accepted string) {
	if tip != "" && tip == accepted {
		l.refused, l.refusal = "", nil
	}
}

// wants reports whether a tip has to be fetched.
func (t *lesson) wants(tip string) bool { return tip != "" && tip != t.accepted && tip != t.refused }

// read lists the branch, unless that was done, and reads its newest commit.
func (t *lesson) read() finding {
	var f finding
	if t.listing != nil {
		f.listing = *t.listing
	} else if f.listing, f.listErr = withTimeout(t.timeout, t.config.Repository.List); f.listErr != nil {
		return f
	}
	if tip := f.listing.Refs[t.config.Branch]; t.wants(tip) {
		f.tip = tip
		t.reads.Store(&tip)
		t.fetch(&f)
	}
	return f
}

func withTimeout[T any](d time.Duration, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return call(ctx)
}

// fetch reads the document of a tip and everything it names.
func (t *lesson) fetch(f *finding) {
	f.saved = Saved{Commit: f.tip, Templates: map[string][]byte{}}
	from := t.accepted
	if f.tip == t.override {
		from = ""
	}
	rev, err := withTimeout(t.timeout, func(ctx context.Context) (Revision, error) {
		return t.config.Repository.Revision(ctx, f.tip, from)
	})
	if err != nil {
		f.err = fmt.Errorf("commit %.12s: %w", f.tip, err)
		return
	}
	if f.saved.Document, err = rev.Read(t.config.Path); err != nil {
		f.err = fmt.Errorf("commit %.12s: %s: %w", f.tip, t.config.Path, err)
		return
	}
	kept := &allowance{read: rev.Read, left: mostKept}
	f.document, f.problems = t.config.load(f.saved, spec.TemplatesBeside(t.config.Path, kept.file))
	if len(f.problems) > 0 {
		return
	}
	if f.err = t.vouched(f, rev); f.err == nil {
		f.problems = t.twins(f.saved.Document, rev)
	}
}

// vouched holds the document and the templates that it names against who may change
// them. It says nothing of other files: nothing is made of those.
func (t *lesson) vouched(f *finding, rev Revision) error {
	v, ok := rev.(Vouched)
	if !ok || f.document == nil {
		return nil
	}
	files := []string{path.Clean(t.config.Path)}
	for _, name := range slices.Sorted(maps.Keys(f.saved.Templates)) {
		files = append(files, path.Join(path.Dir(t.config.Path), name))
	}
	if err := v.Vouch(f.document.Name, files); err != nil {
		return fmt.Errorf("commit %.12s: %w", f.tip, err)
	}
	return nil
}

// twins refuses a document whose repository holds another one of the same name:
// the two would share their claims and reports. A revision that cannot list its
// files is not looked through.
func (t *lesson) twins(document []byte, rev Revision) []plan.Condition {
	lister, ok := rev.(interface{ Files() ([]string, error) })
	name, named := spec.NameOf(t.config.Path, document)
	if !ok || !named {
		return nil
	}
	files, err := lister.Files()
	if err != nil {
		return []plan.Condition{{Type: plan.CondDocumentInvalid, Message: fmt.Sprintf("the repository's files cannot be listed: %v", err)}}
	}
	looked := &allowance{read: rev.Read, left: mostLooked}
	found := conditions(spec.Twins(name, files, looked.file))
	if looked.left < 0 && len(found) == 0 {
		return []plan.Condition{{Type: plan.CondDocumentInvalid, Message: fmt.Sprintf(
			"the repository's YAML files have more than %d MiB together, so they cannot be looked through for another document of this name: keep the deployment in a repository of its own", mostLooked>>20)}}
	}
	return found
}

// The bounds of what is read of one commit, in bytes: git stores a file once that a
// thousand names lead to. mostKept is for the templates, which stay in memory, and
// mostLooked for the documents beside this one, which do not.
const (
	mostKept   = 16 << 20
	mostLooked = 64 << 20
)

// allowance reads files as long as they have no more than so many bytes together.
type allowance struct {
	read spec.TemplateReader
	left int
}

func (a *allowance) file(name string) ([]byte, error) {
	if a.left < 0 {
		return nil, a.spent()
	}
	b, err := a.read(name)
	if a.left -= len(b); a.left < 0 {
		return nil, a.spent()
	}
	return b, err
}

func (a *allowance) spent() error {
	return &spec.RefusedFile{Reason: "the files that are read of one commit have too many bytes together"}
}

// studied is closed when the study under way has ended, nil without one.
func (l *Learner) studied() <-chan struct{} {
	if l.study == nil {
		return nil
	}
	return l.study.done
}

// await gives the study a moment. It does not when this node's own claim changed,
// nor a second time.
func (l *Learner) await(ctx context.Context, next *Snapshot) {
	s := l.study
	if s == nil || s.began < next.Began || l.ownMoved(next) {
		l.takeUp(next)
		return
	}
	wait := min(max(moment, 2*(l.Clock.Boot()-next.Began)), longestMoment)
	if l.Coordination == nil {
		wait = 2 * s.task.timeout // there is no claim to be late for
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	before := next.Accepted
	if l.takeUp(next) && next.Accepted != before {
		l.coordinate(ctx, next)
	}
}

// ownMoved reports whether this node's own claim is another one than before.
func (l *Learner) ownMoved(next *Snapshot) bool {
	if next.Accepted == nil || l.early == nil {
		return false
	}
	role := next.Accepted.Deployment.Nodes[l.Node].Role
	return next.Claims[role].Tip.ID != l.snap.Claims[role].Tip.ID
}

// takeUp brings what a study found into next, if it has ended, and reports
// whether it has.
func (l *Learner) takeUp(next *Snapshot) bool {
	s := l.study
	if s == nil {
		return false
	}
	select {
	case <-s.done:
	default:
		l.giveUp(s)
		return false
	}
	l.study = nil
	if s.task.listing == nil {
		l.learnListing(next, s.found.listing, s.found.listErr, s.look)
		l.settled(next.Seen, s.task.accepted)
	}
	if s.found.tip != "" {
		l.judge(next, s)
	}
	if tip := s.found.listing.Refs[l.Branch]; tip != "" && !s.found.listing.Mirror && (tip == l.refused || next.Accepted != nil && tip == next.Accepted.Commit) {
		next.Known = true
	}
	return true
}

// judge accepts or refuses what a study read. Whatever is wrong with it leaves
// the accepted document in force.
func (l *Learner) judge(next *Snapshot, s *study) {
	f := &s.found
	l.lapse()
	l.refusal = nil
	if n, ok := spec.NameOf(l.Path, f.saved.Document); ok && n.Plain() && next.Accepted == nil {
		next.Refused = n.Name
	}
	if f.err == nil && len(f.problems) == 0 {
		var was *spec.Deployment
		if next.Accepted != nil && (l.override != f.tip || l.attest == "") {
			was = next.Accepted.Deployment
		}
		f.problems = permit.Unfit(was, f.document, permit.Study{Node: l.Node, Path: l.Path, Commit: f.tip})
	}
	switch {
	case (l.override == f.tip) != (s.task.override == f.tip):
		// A person's order came or ended while it was read: the next look reads it anew.
	case f.err != nil && f.listing.Mirror:
		l.ofDocument = warning(plan.CondMirrorBehind, "a mirror has a commit that cannot be accepted from there: %v", f.err)
	case f.err != nil:
		l.refuse(f.tip, isPermanent(f.err), plan.Condition{Type: refusalType(f.err), Message: f.err.Error()})
	case len(f.problems) > 0:
		l.refuse(f.tip, true, f.problems...)
	default:
		l.accept(next, f.saved, f.document)
	}
}

// giveUp refuses a document whose reading does not end. What it costs goes on
// until the agent is restarted or it does end.
func (l *Learner) giveUp(s *study) {
	if l.Clock.Boot()-s.began < hangsAfter+2*s.task.timeout {
		return
	}
	l.study = nil
	l.given.Add(1)
	go func() {
		<-s.done
		l.given.Add(-1)
	}()
	tip := ""
	if t := s.task.reads.Load(); t != nil {
		tip = *t
	}
	l.refuse(tip, tip != "", plan.Condition{Type: plan.CondDocumentHangs, Message: fmt.Sprintf(
		"commit %.12s: %s was read for %s without an end, and is not accepted: push a commit that costs less to read",
		tip, l.Path, l.Clock.Boot()-s.began)})
}

// sayStudy says in a snapshot that a document is still being read.
func (l *Learner) sayStudy(next *Snapshot) {
	s := l.study
	next.Pending, next.Reading = s != nil, false
	if l.given.Load() > mostGiven {
		next.warn(plan.CondDocumentHangs, "no document can be read any more: restart mainstay on this node, once the branch has one that costs less to read")
	}
	if s == nil {
		return
	}
	took := l.Clock.Boot() - s.began
	next.Reading = s.fresh && took < s.task.timeout
	if took > slowAfter {
		next.warn(plan.CondDocumentSlow, "%s has been read for %s: the accepted commit stays in force meanwhile",
			l.Path, took.Round(time.Second))
	}
}

// LoadDocument is spec.Load with its problems as conditions.
func LoadDocument(path string, document []byte, templates spec.TemplateReader) (*spec.Deployment, []plan.Condition) {
	d, problems := spec.Load(path, document, templates)
	return d, conditions(problems)
}

func conditions[P fmt.Stringer](problems []P) []plan.Condition {
	var out []plan.Condition
	for _, p := range problems {
		out = append(out, plan.Condition{Type: plan.CondDocumentInvalid, Message: p.String()})
	}
	return out
}

func warning(kind, format string, args ...any) []plan.Condition {
	return []plan.Condition{{Type: kind, Message: fmt.Sprintf(format, args...)}}
}

func (s *Snapshot) warn(kind, format string, args ...any) {
	s.Conditions = append(s.Conditions, plan.Condition{Type: kind, Message: fmt.Sprintf(format, args...)})
}
