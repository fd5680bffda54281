package acceptance

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
	"mainstay/reconcile"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

var (
	was   = strings.Repeat("a", 40)
	is    = strings.Repeat("b", 40)
	other = strings.Repeat("c", 40)
	noon  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

// desk is a desk with an agent that does what it is told.
type desk struct {
	*Desk
	t       *testing.T
	node    plan.Report
	claim   plan.ClaimView
	now     time.Time
	boot    time.Duration
	orders  []string
	fails   error
	disk    memory
	keys    map[string]ssh.Signer
	commits map[string][2][]byte
	reads   int
	tries   int // of an order about a commit
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: noon, disk: memory{}, keys: map[string]ssh.Signer{}, commits: map[string][2][]byte{}}
	d.node = plan.Report{Deployment: "paris", Node: "xivo-main", Role: "xivo", Side: spec.Main, Instance: "machine-1",
		Repository: "ssh://git@git.example.org/paris.git", Path: "deployment.yaml", Accepted: was, Seen: is}
	d.claim = plan.ClaimView{Tip: plan.Tip{ID: other, Claim: plan.Claim{Seq: 7, Holder: "main"}}, Read: true, Reachable: true}
	var lines []string
	for _, who := range []string{"ops", "xivo-standby", "dev"} {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.keys[who], err = ssh.NewSignerFromKey(private); err != nil {
			t.Fatal(err)
		}
		if who != "xivo-standby" { // a node's own key signs claims and reports
			lines = append(lines, who+" "+string(ssh.MarshalAuthorizedKey(d.keys[who].PublicKey())))
		}
	}
	signers := filepath.Join(t.TempDir(), "signers")
	if err := os.WriteFile(signers, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Desk = NewDesk(Config{Branch: "refs/heads/main", Trust: Trust{Signers: signers, Skew: 15 * time.Minute}, Disk: d.disk, Read: d.fetched,
		Log: slog.New(slog.DiscardHandler)})
	d.begin()
	return d
}

// begin is a new run of the agent.
func (d *desk) begin() {
	d.kept = recall(d.Disk, d.now)
	d.read, d.word, d.failed = "", nil, failed{}
	d.pass(d.t.Context(), d, d)
}

func (d *desk) Wall() time.Time     { return d.now }
func (d *desk) Boot() time.Duration { return d.boot }
func (d *desk) Wake()               {}
func (d *desk) Known() *reconcile.Snapshot {
	return &reconcile.Snapshot{Accepted: &reconcile.Accepted{Commit: d.node.Accepted, Deployment: &spec.Deployment{Name: d.node.Deployment}},
		Claims: map[string]plan.ClaimView{"xivo": d.claim}}
}
func (d *desk) Status() (plan.Report, bool) { return d.node, true }

func (d *desk) AcceptCommit(_ context.Context, from, commit, attest string) (reconcile.Outcome, error) {
	d.tries++
	if d.fails != nil {
		return reconcile.Outcome{}, d.fails
	}
	d.orders = append(d.orders, fmt.Sprintf("%.1s to %.1s: %s", from, commit, attest))
	d.node.Accepted = commit
	return reconcile.Outcome{}, nil
}

func (d *desk) Takeover(_ context.Context, t plan.TakeoverAsk) (reconcile.Outcome, error) {
	if !t.Reroot || t.Adopt {
		d.t.Errorf("got %+v", t)
	}
	d.orders = append(d.orders, "reroot: "+t.Attest)
	return reconcile.Outcome{}, d.fails
}

func (d *desk) fetched(_ context.Context, ref, hash, file string) (commit, text []byte, err error) {
	d.reads++
	c, ok := d.commits[hash]
	if ref != Ref(d.node.Deployment) || file != File || !ok {
		return nil, nil, fmt.Errorf("no %s at %s", hash, ref)
	}
	return c[0], c[1], nil
}

// note is one about the commit, as mainstay writes it.
func (d *desk) note() *Note {
	n := New("paris", "refs/heads/main", "restored from Monday", d.now.Add(time.Hour))
	n.Nodes["xivo-main"] = Entry{Instance: "machine-1", Repository: d.node.Repository, Path: "deployment.yaml", Commit: &Commit{From: was, To: is}}
	return n
}

// signed puts a note on the ref, as who would push it, and looks.
func (d *desk) signed(n *Note, who string) string {
	d.t.Helper()
	text, err := n.Encode()
	if err != nil {
		d.t.Fatal(err)
	}
	return d.put(text, d.commit(text, who, d.now))
}

// commit is a commit of a text, signed.
func (d *desk) commit(text []byte, who string, when time.Time) []byte {
	payload := fmt.Appendf(nil, "tree %x\nauthor %s <> %d +0000\ncommitter %[2]s <> %[3]d +0000\n\naccept\n", text[:20], who, when.Unix())
	if who == "" {
		return payload
	}
	s, err := sshsig.Sign(bytes.NewReader(payload), d.keys[who], sshsig.HashSHA512, "git")
	if err != nil {
		d.t.Fatal(err)
	}
	armor := strings.ReplaceAll(strings.TrimSpace(string(sshsig.Armor(s))), "\n", "\n ")
	head, body, _ := bytes.Cut(payload, []byte("\n\n"))
	return fmt.Appendf(nil, "%s\ngpgsig %s\n\n%s", head, armor, body)
}

func (d *desk) put(text, commit []byte) string {
	hash := fmt.Sprintf("%040d", len(d.commits)+1)
	d.commits[hash] = [2][]byte{commit, text}
	d.see(hash)
	return hash
}

func (d *desk) see(hash string) {
	d.Saw(map[string]string{Ref(d.node.Deployment): hash})
	d.pass(d.t.Context(), d, d)
}

func (d *desk) said() string {
	var all []string
	for _, c := range d.Conditions(d.now) {
		all = append(all, c.Type+": "+c.Message)
	}
	return strings.Join(all, "\n")
}

// obeys wants so many orders in all, and words in the node's report.
func (d *desk) obeys(orders int, words string) {
	d.t.Helper()
	if len(d.orders) != orders || !strings.Contains(d.said(), words) {
		d.t.Errorf("ordered %q\nsays %s\nwanted %d and %q", d.orders, d.said(), orders, words)
	}
}

type memory map[string]any

func (m memory) Save(name string, v any) error { m[name] = v; return nil }
func (m memory) Load(name string, v any) error {
	if err, damaged := m[name].(error); damaged {
		delete(m, name) // it is set aside
		return err
	}
	if m[name] == nil {
		return fs.ErrNotExist
	}
	*v.(*[]taken) = m[name].([]taken)
	return nil
}

// The way of a note: obeyed once, and the node's report says who accepted what and when.
func TestASignedNoteIsObeyedOnce(t *testing.T) {
	d := newDesk(t)
	d.signed(d.note(), "ops")
	d.obeys(1, "AcceptedByNote: ops accepted commit bbbbbbbbbbbb in place of aaaaaaaaaaaa by a signed note, at 2026-11-20T12:00:00Z: restored from Monday")
	if d.orders[0] != "a to b: " {
		t.Errorf("got %q", d.orders)
	}
	if at := d.Conditions(d.now)[0].Since; !at.Equal(noon) {
		t.Errorf("told as of %s", at)
	}
	d.pass(t.Context(), d, d)
	d.obeys(1, "AcceptedByNote")
	d.now = d.now.Add(shown)
	d.obeys(1, "")
	if d.said() != "" {
		t.Errorf("a day later: %s", d.said())
	}
}

// R13: who accepts a rewritten history has stated nothing of both sides of a role, so a commit
// that renames it is refused as without a statement, unless the note says that it is one.
func TestANoteIsAStatementOfBothSidesOnlyWhereItSaysSo(t *testing.T) {
	row(t, "a note about a rewritten history whose newest commit also renames a role", "refused, until a note states what was seen of both sides")
	d := newDesk(t)
	n := d.note()
	n.Nodes["xivo-main"].Commit.Renames = true
	d.signed(n, "ops")
	if len(d.orders) != 1 || d.orders[0] != "a to b: restored from Monday (a note signed by ops)" {
		t.Errorf("got %q", d.orders)
	}
}

// R13: a commit that renames the deployment is accepted by a note below the name that the node
// goes by. Then the node goes by the new name, and a note below the old one is nothing to it.
func TestANoteOfTheOldNameIsOverOnceTheNodeGoesByTheNewOne(t *testing.T) {
	row(t, "a second note below the old name of a deployment, once the node goes by the new one", "not read")
	d := newDesk(t)
	n := d.note()
	e := n.Nodes["xivo-main"]
	e.Commit.Renames = true
	d.signed(n, "ops")
	d.obeys(1, "AcceptedByNote")
	d.node.Deployment = "lyon"
	d.see("") // nothing is below the new name
	d.obeys(1, "AcceptedByNote")
	reads := d.reads
	d.node.Accepted = was
	d.Saw(map[string]string{Ref("paris"): fmt.Sprintf("%040d", 9)})
	d.pass(t.Context(), d, d)
	if d.obeys(1, "AcceptedByNote"); d.reads != reads {
		t.Error("it was read")
	}
}

// Nothing is asked of git for a note that was read, and nothing is done by the listing.
func TestANoteThatWasReadCostsNoRequest(t *testing.T) {
	d := newDesk(t)
	hash := d.signed(d.note(), "ops")
	<-d.poked
	for range 10 {
		d.Saw(map[string]string{"refs/mainstay/paris/accept": hash})
		select {
		case <-d.poked:
			t.Fatal("it is looked at again")
		default:
		}
	}
	if d.reads != 1 {
		t.Errorf("it was read %d times", d.reads)
	}
}

// R10: the claim is put above the highest number on the word of the note, on the node that it
// names.
func TestANoteAboutAClaimIsObeyed(t *testing.T) {
	d := newDesk(t)
	d.claim.Regressed, d.claim.Server = true, is
	n := d.note()
	n.Nodes["xivo-main"] = Entry{Instance: "machine-1", Repository: d.node.Repository, Path: "deployment.yaml", Claim: &Claim{Role: "xivo", Server: is, Seq: 7}}
	d.signed(n, "ops")
	d.obeys(1, "")
	if d.orders[0] != "reroot: restored from Monday (a note signed by ops)" {
		t.Errorf("got %q", d.orders)
	}
	d.pass(t.Context(), d, d)
	if d.obeys(1, ""); d.said() != "" { // the order is under way, and not given again
		t.Error(d.said())
	}
	before := d.claim
	d.now = d.now.Add(2 * underway)
	d.pass(t.Context(), d, d)
	d.obeys(1, "it was taken up here at")
	d.claim = plan.ClaimView{Tip: plan.Tip{ID: was, Claim: plan.Claim{Seq: 8, Action: plan.Reroot}}, Read: true, Reachable: true}
	d.pass(t.Context(), d, d)
	if d.obeys(1, "AcceptedByNote: ops accepted the claim of xivo, which was known up to #7"); strings.Contains(d.said(), "NoteRefused") {
		t.Error(d.said())
	}
	d.claim = before
	d.pass(t.Context(), d, d)
	d.obeys(1, "it was obeyed here at")
}

// Somebody else settled the claim before the order was carried out: that is no obedience.
func TestAClaimThatWasSettledOtherwiseIsNotSaidToBeAccepted(t *testing.T) {
	d := newDesk(t)
	d.claim.Regressed, d.claim.Server = true, is
	n := d.note()
	n.Nodes["xivo-main"] = Entry{Instance: "machine-1", Repository: d.node.Repository, Path: "deployment.yaml", Claim: &Claim{Role: "xivo", Server: is, Seq: 7}}
	d.signed(n, "ops")
	d.claim = plan.ClaimView{Tip: plan.Tip{ID: was, Claim: plan.Claim{Seq: 8, Action: plan.Seize}}, Read: true, Reachable: true}
	d.pass(t.Context(), d, d)
	if d.obeys(1, ""); strings.Contains(d.said(), "AcceptedByNote") {
		t.Error(d.said())
	}
}

// R3: a node whose claim was put above the highest number may change it again at once, before
// anybody looks. The changes tell what came of the note; one by another word is none of its.
func TestAClaimThatWentOnAfterANoteWasObeyedIsToldAsAccepted(t *testing.T) {
	row(t, "a note about a claim that another word put above the highest number, and that went on since", "not said to have been obeyed")
	reroot := func(seq uint64, reason string) plan.Tip {
		return plan.Tip{Claim: plan.Claim{Seq: seq, Action: plan.Reroot, Reason: reason}}
	}
	const order = "restored from Monday (a note signed by ops)"
	for _, c := range []struct {
		what, says string
		changes    []plan.Tip
		err        error
	}{
		{"by the note", "AcceptedByNote: ops accepted the claim of xivo", []plan.Tip{{Claim: plan.Claim{Seq: 9, Action: plan.Renew}}, reroot(8, order)}, nil},
		{"by another word", "NoteRefused", []plan.Tip{{Claim: plan.Claim{Seq: 9, Action: plan.Renew}}, reroot(8, "seen down")}, nil},
		{"long ago", "NoteRefused", []plan.Tip{{Claim: plan.Claim{Seq: 9, Action: plan.Renew}}, reroot(7, order)}, nil},
		{"by a peer", "NoteRefused", []plan.Tip{{Claim: plan.Claim{Seq: 9, Action: plan.Renew, Reason: order}}}, nil},
		{"and nobody can tell", "what came of it is not known yet: git is away", nil, errors.New("git is away")},
	} {
		d := newDesk(t)
		d.claim.Regressed, d.claim.Server = true, is
		n := d.note()
		n.Nodes["xivo-main"] = Entry{Instance: "machine-1", Repository: d.node.Repository, Path: "deployment.yaml", Claim: &Claim{Role: "xivo", Server: is, Seq: 7}}
		d.signed(n, "ops")
		d.Changes = func(_ context.Context, deployment, role, tip string) ([]plan.Tip, error) {
			if deployment != "paris" || role != "xivo" || tip != was {
				t.Errorf("asked for %s of %s at %s", role, deployment, tip)
			}
			return c.changes, c.err
		}
		d.claim = plan.ClaimView{Tip: plan.Tip{ID: was, Claim: plan.Claim{Seq: 9, Action: plan.Renew}}, Read: true, Reachable: true}
		d.pass(t.Context(), d, d)
		if d.obeys(1, c.says); strings.Contains(d.said(), "AcceptedByNote") == strings.Contains(d.said(), "NoteRefused") {
			t.Errorf("%s: %s", c.what, d.said())
		}
		if c.err != nil {
			c.err = nil
			c.changes = []plan.Tip{reroot(8, order)}
			d.pass(t.Context(), d, d)
			d.obeys(1, "AcceptedByNote")
		}
	}
}

// An order that failed is given again, and a note that nobody could keep is not obeyed.
func TestANoteThatFailedIsTriedAgain(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("git does not answer")
	hash := d.signed(d.note(), "ops")
	d.obeys(0, "NoteRefused: a note that accepts something is not obeyed: git does not answer")
	d.fails = nil
	d.see(hash)
	d.obeys(0, "git does not answer") // not at once
	d.boot += soonest
	d.see(hash)
	d.obeys(1, "AcceptedByNote")

	d = newDesk(t)
	d.Disk = full{}
	d.begin()
	d.signed(d.note(), "ops")
	d.obeys(0, "it cannot be kept on disk that it is obeyed: the disk is full")
}

// An order looks at git, and so lists the note again. One that cannot be carried out is not
// given again at once, whoever pokes the desk, but soon once the node is another.
func TestANoteThatCannotBeCarriedOutIsNotOrderedAgainAtOnce(t *testing.T) {
	row(t, "a note that a node can never carry out, for an hour", "one order a minute, and the node says why")
	d := newDesk(t)
	d.fails = errors.New("it cannot be done")
	hash := d.signed(d.note(), "ops")
	for range 100 {
		d.see(hash)
	}
	if d.tries != 1 {
		t.Errorf("ordered %d times at once", d.tries)
	}
	d.obeys(0, "it cannot be done")
	for range 3600 - 5 {
		d.boot += time.Second
		d.see(hash)
	}
	if d.tries < 55 || d.tries > 64 {
		t.Errorf("ordered %d times in an hour", d.tries)
	}
	d.claim.Tip.ID = was // it is not as it was
	d.boot += soonest
	tries := d.tries
	if d.see(hash); d.tries != tries+1 {
		t.Errorf("ordered %d times, then %d", tries, d.tries)
	}
	d.boot += soonest - 1
	if d.see(hash); d.tries != tries+1 {
		t.Errorf("ordered %d times, then %d", tries, d.tries)
	}
}

// R13: that a rewritten history renames a role shows only when it is accepted, so no note can
// state what was seen of both sides: the node says what does.
func TestANoteThatCannotStateWhatIsWantedSaysWhatCan(t *testing.T) {
	const way = "only mainstay accept with --attest, run on this node, does"
	d := newDesk(t)
	d.fails = permit.Unstated(is, "", []plan.Condition{{Type: plan.CondRoleRenamed, Message: "it renames the role"}})
	d.signed(d.note(), "ops")
	d.obeys(0, "it renames the role; no note can state that: "+way)
	d = newDesk(t)
	d.fails = permit.NotAccepted(is, "", other, nil)
	d.signed(d.note(), "ops")
	if d.obeys(0, "was not accepted"); strings.Contains(d.said(), way) {
		t.Error(d.said())
	}
}

type full struct{ memory }

func (full) Save(string, any) error { return errors.New("the disk is full") }

// The agent may end at any instant: what was accepted is known to be, and what was not is.
func TestANoteSurvivesTheEndOfTheAgent(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("the power is gone")
	hash := d.signed(d.note(), "ops")
	d.disk[keptFile] = []taken{{ID: d.word.id, At: noon, Until: noon.Add(time.Hour), What: "ops accepted it"}}
	d.fails = nil
	d.begin()
	d.see(hash)
	d.obeys(1, "AcceptedByNote")

	d = newDesk(t)
	hash = d.signed(d.note(), "ops")
	id := d.kept.all[0].ID
	d.disk[keptFile] = []taken{{ID: id, At: noon, Until: noon.Add(time.Hour), What: "ops accepted it"}} // it ended before it wrote more
	d.begin()
	d.see(hash)
	d.obeys(1, "AcceptedByNote: ops accepted it")
	d.node.Accepted = was // somebody rewrote the branch back
	d.see(hash)
	d.see(d.put(d.commits[hash][1], d.commits[hash][0]))
	d.obeys(1, "a note is good once")
}

// interrupted is a new run after the agent ended once it had kept that it takes up a note.
func (d *desk) interrupted(n *Note) (hash string) {
	hash = d.signed(n, "ops")
	d.disk[keptFile] = []taken{{ID: d.word.id, At: noon, Until: noon.Add(time.Hour), What: "ops accepted it"}}
	d.orders, d.node.Accepted, d.node.Seen = nil, was, ""
	d.claim.Read, d.claim.Reachable = false, false
	d.begin()
	d.see(hash)
	return hash
}

// The agent ended after it had kept that it takes up a note, and before it did anything. That
// it cannot tell yet where it stands is no proof that the note was carried out.
func TestANoteThatWasNeverCarriedOutIsNotRememberedAsObeyed(t *testing.T) {
	row(t, "the agent ends before it carries out a note that it took up, and sees nothing yet when it begins", "obeyed once it sees again")
	d := newDesk(t)
	hash := d.interrupted(d.note())
	d.obeys(0, "the branch is at")
	d.node.Seen = is
	d.see(hash)
	d.obeys(1, "AcceptedByNote: ops accepted commit")

	d = newDesk(t)
	n, e := d.note(), d.note().Nodes["xivo-main"]
	e.Commit, e.Claim = nil, &Claim{Role: "xivo", Server: other, Seq: 7}
	n.Nodes["xivo-main"] = e
	d.claim = plan.ClaimView{Tip: plan.Tip{ID: was, Claim: plan.Claim{Seq: 7, Holder: "main"}}, Read: true, Reachable: true, Regressed: true, Server: other}
	hash = d.interrupted(n)
	d.obeys(0, "cannot be read now")
	d.claim.Read, d.claim.Reachable = true, true
	d.see(hash)
	d.obeys(1, "")
}

// Whether it was carried out is not known any more, and the node is somewhere else: it is
// used up, and not said to have been obeyed.
func TestANoteOfWhichNothingIsKnownAnyMoreIsUsedUp(t *testing.T) {
	d := newDesk(t)
	hash := d.interrupted(d.note())
	d.node.Accepted, d.node.Seen = other, other
	d.see(hash)
	if d.obeys(0, "NoteRefused"); strings.Contains(d.said(), "AcceptedByNote") {
		t.Error(d.said())
	}
	d.node.Accepted, d.node.Seen = was, is
	d.see(hash)
	if d.obeys(0, "it was taken up here at 2026-11-20T12:00:00Z, and what came of it is not known"); strings.Contains(d.said(), "obeyed here") {
		t.Error(d.said())
	}
}

// What was obeyed is damaged: a later run, whose disk looks as if nothing had ever been,
// obeys no note of before.
func TestANoteOfBeforeWhatWasForgottenIsNotObeyed(t *testing.T) {
	row(t, "an old note, for a node whose list of the notes that it obeyed was damaged, after two restarts", "refused: only what is signed later is obeyed")
	d := newDesk(t)
	hash := d.signed(d.note(), "ops")
	d.node.Accepted = was // a second restore
	d.disk[keptFile] = errors.New("it is damaged")
	for range 3 {
		d.begin()
		d.see(hash)
		d.obeys(1, "which notes were obeyed here is not known (it is damaged), so it must be signed after 2026-11-20T12:15:01Z")
	}
	d.now = d.now.Add(d.Trust.Skew + 2*time.Second)
	d.signed(d.note(), "ops")
	d.obeys(2, "AcceptedByNote")
	d.node.Accepted = was
	d.begin()
	d.see(hash)
	d.obeys(2, "is not known")

	d = newDesk(t)
	hash = d.signed(d.note(), "ops")
	d.node.Accepted = was
	d.see("")
	d.disk[keptFile] = errors.New("it is damaged")
	d.begin() // there is no note while this one runs
	d.begin()
	d.see(hash)
	d.obeys(1, "which notes were obeyed here is not known")

	d = newDesk(t)
	d.disk[keptFile], d.Disk = errors.New("it is damaged"), full{d.disk}
	d.begin()
	d.signed(d.note(), "ops")
	d.obeys(0, "that cannot be kept on disk: the disk is full")
}

// The power goes right after the damaged list was set aside, before anything was kept of that:
// the file that was set aside tells the next run.
func TestANoteIsNotObeyedAgainAfterThePowerWentWhileItsListWasSetAside(t *testing.T) {
	row(t, "an old note, for a node whose power went while it set aside its damaged list of the notes that it obeyed", "refused: only what is signed later is obeyed")
	for _, damaged := range []bool{true, false} {
		d := newDesk(t)
		dir := t.TempDir()
		folder := func() *state.Folder {
			t.Helper()
			f, err := state.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		d.Disk = folder()
		d.begin()
		hash := d.signed(d.note(), "ops")
		d.obeys(1, "AcceptedByNote")
		d.node.Accepted = was // a second restore
		if damaged {
			if err := os.WriteFile(state.File(dir, keptFile), []byte("bad"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := folder().Load(keptFile, new([]taken)); !errors.Is(err, state.ErrDamaged) {
				t.Fatal(err)
			}
		}
		for range 2 {
			d.Disk = folder()
			d.begin()
			d.see(hash)
			if !damaged {
				d.obeys(1, "a note is good once")
				continue
			}
			d.obeys(1, "which notes were obeyed here is not known (the list was damaged, and nothing was kept since), so it must be signed after 2026-11-20T12:15:01Z")
		}
	}
	d := newDesk(t)
	f, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.Disk = f
	d.begin()
	d.signed(d.note(), "ops")
	d.obeys(1, "AcceptedByNote") // a new node has forgotten nothing
}

func row(t *testing.T, what, expected string) { attack.Row(t, "notes that accept", what, expected) }

// Each of these is one change of a note that would be obeyed.
func TestANoteThatIsNotOfThisStateIsRefused(t *testing.T) {
	for _, c := range []struct {
		what, words string
		change      func(d *desk, n *Note, e *Entry)
	}{
		{"a note about another commit than the branch is at", "it accepts commit cccccccccccc", func(_ *desk, _ *Note, e *Entry) { e.Commit.To = other }},
		{"a note for a node that goes by another commit", "it is for a node that goes by commit cccccccccccc", func(_ *desk, _ *Note, e *Entry) { e.Commit.From = other }},
		{"a note of another deployment, put on this one's ref", `it is about the deployment "lyon"`, func(_ *desk, n *Note, _ *Entry) { n.Deployment = "lyon" }},
		{"a note about a renamed deployment that names the new name, put on the old name's ref", `it is about the deployment "lyon", and this is paris`, func(_ *desk, n *Note, e *Entry) {
			n.Deployment, e.Commit.Renames = "lyon", true
		}},
		{"a note of a deployment's old name, put on the new name's ref for a node that goes by that", `it is about the deployment "paris", and this is lyon`, func(d *desk, _ *Note, e *Entry) {
			e.Commit.Renames, d.node.Deployment = true, "lyon"
			d.pass(d.t.Context(), d, d)
		}},
		{"a note about another branch", `it is about the branch "refs/heads/drill"`, func(_ *desk, n *Note, _ *Entry) { n.Branch = "refs/heads/drill" }},
		{"a note of another repository with a document of this name", "it is about", func(_ *desk, _ *Note, e *Entry) { e.Repository = "ssh://git@git.example.org/copy.git" }},
		{"a note about another document of the repository", "it is about", func(_ *desk, _ *Note, e *Entry) { e.Path = "other.yaml" }},
		{"a note for a copy of the node's machine", "it is about another machine", func(_ *desk, _ *Note, e *Entry) { e.Instance = "machine-2" }},
		{"a note whose end is over", "it was good until", func(d *desk, n *Note, _ *Entry) { n.Until = d.now.Add(-time.Second) }},
		{"a note that is good for longer than a day", "more than 24h0m0s after it was signed", func(d *desk, n *Note, _ *Entry) { n.Until = d.now.Add(25 * time.Hour) }},
		{"a note about another claim than the server has", "it accepts the claim of xivo as", func(d *desk, _ *Note, e *Entry) {
			e.Commit, e.Claim, d.claim.Regressed, d.claim.Server = nil, &Claim{Role: "xivo", Server: was, Seq: 7}, true, is
		}},
		{"a note about a claim that is gone, and it is there", "it accepts the claim of xivo as", func(d *desk, _ *Note, e *Entry) {
			e.Commit, e.Claim, d.claim.Regressed, d.claim.Server = nil, &Claim{Role: "xivo", Seq: 7}, true, is
		}},
		{"a note about a claim of which the node remembers more", "remembers the claim of xivo up to #6", func(d *desk, _ *Note, e *Entry) {
			e.Commit, e.Claim, d.claim.Regressed, d.claim.Server = nil, &Claim{Role: "xivo", Server: is, Seq: 6}, true, is
		}},
		{"a note about the claim of another role", `it is about the claim of "cc"`, func(_ *desk, _ *Note, e *Entry) {
			e.Commit, e.Claim = nil, &Claim{Role: "cc", Server: is, Seq: 7}
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			row(t, c.what, "refused, and the node says why")
			d := newDesk(t)
			n := d.note()
			e := n.Nodes["xivo-main"]
			c.change(d, n, &e)
			n.Nodes["xivo-main"] = e
			d.signed(n, "ops")
			d.obeys(0, "NoteRefused: a note that accepts something is not obeyed: ")
			d.obeys(0, c.words)
		})
	}
}

func TestANoteThatNobodySignedWhoMayIsRefused(t *testing.T) {
	text := func(d *desk) []byte { b, _ := d.note().Encode(); return b }
	for _, c := range []struct {
		what, words string
		try         func(d *desk)
	}{
		{"a note without a signature", "the commit is not signed", func(d *desk) { d.put(text(d), d.commit(text(d), "", d.now)) }},
		{"a note signed by the stolen key of a node", "who is not listed", func(d *desk) { d.signed(d.note(), "xivo-standby") }},
		{"a note whose commit was altered after it was signed", "does not match", func(d *desk) {
			d.put(text(d), bytes.Replace(d.commit(text(d), "ops", d.now), []byte("accept\n"), []byte("Accept\n"), 1))
		}},
		{"a note signed by a signer who was taken away since", "who is not listed", func(d *desk) {
			d.node.Seen = other
			d.signed(d.note(), "ops")
			if err := os.WriteFile(d.Trust.Signers, []byte("dev "+string(ssh.MarshalAuthorizedKey(d.keys["dev"].PublicKey()))), 0o600); err != nil {
				d.t.Fatal(err)
			}
			d.node.Seen = is
			d.see(*d.listed.Load())
		}},
		{"a note dated ahead", "which has not come yet", func(d *desk) { d.put(text(d), d.commit(text(d), "ops", d.now.Add(time.Hour))) }},
		{"a note signed long ago for an end of today", "after it was signed", func(d *desk) { d.put(text(d), d.commit(text(d), "ops", d.now.Add(-48*time.Hour))) }},
		{"a note signed by somebody whom the policy lets change a part of the document only", "lets only dev change roles", func(d *desk) {
			d.Trust.Policy = &spec.Policy{Roles: []string{"dev"}}
			d.signed(d.note(), "ops")
		}},
		{"a signed note with a field that nobody knows", "unknown field", func(d *desk) {
			b := bytes.Replace(text(d), []byte(`"kind"`), []byte(`"more": 1, "kind"`), 1)
			d.put(b, d.commit(b, "ops", d.now))
		}},
		{"a signed note with something behind it", "something follows", func(d *desk) {
			b := append(text(d), '{')
			d.put(b, d.commit(b, "ops", d.now))
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			row(t, c.what, "refused, and the node says why")
			d := newDesk(t)
			c.try(d)
			d.obeys(0, c.words)
		})
	}
}

func TestANodeThatTrustsNobodySaysWhatToSetUp(t *testing.T) {
	row(t, "a signed note for a node that wants no signatures", "refused, with what to set up")
	d := newDesk(t)
	d.Trust.Signers = ""
	d.signed(d.note(), "ops")
	d.obeys(0, "set verify.allowedSigners in its agent file, or run mainstay accept on it")
}

// The git server went back a second time to the very same place, and somebody shows the note
// of the first time again.
func TestAnOldNoteIsNotObeyedAfterASecondRestore(t *testing.T) {
	row(t, "the note of the first restore, shown again after a second one to the same backup", "refused: a note is good once")
	d := newDesk(t)
	hash := d.signed(d.note(), "ops")
	d.obeys(1, "AcceptedByNote")
	d.node.Accepted, d.node.Seen = other, other // the branch went on
	d.see("")
	d.node.Accepted, d.node.Seen = was, is
	d.see(hash)
	d.obeys(1, "a note is good once: write a new one")

	// Another way to write the same signature is no other note.
	again := bytes.Replace(d.commits[hash][0], []byte("\ngpgsig "), []byte("\nx y\ngpgsig "), 1)
	d.put(d.commits[hash][1], again)
	d.obeys(1, "does not match")

	d.begin() // nor does a new run of the agent forget it
	d.see(hash)
	d.obeys(1, "a note is good once")
	d.signed(d.note2(), "ops")
	d.obeys(2, "AcceptedByNote")
}

// note2 is a new note about the same.
func (d *desk) note2() *Note {
	d.now = d.now.Add(time.Minute)
	return d.note()
}

// A node that the note does not name, or that is there already, has nothing to do or to say.
func TestANoteForOthersIsNoNews(t *testing.T) {
	for what, change := range map[string]func(d *desk, n *Note){
		"not named":     func(_ *desk, n *Note) { n.Nodes["edge"] = n.Nodes["xivo-main"]; delete(n.Nodes, "xivo-main") },
		"there already": func(d *desk, _ *Note) { d.node.Accepted = is },
		"over, and of another time": func(d *desk, n *Note) {
			n.Until, d.node.Accepted, d.node.Seen = d.now.Add(-time.Minute), other, other
		},
	} {
		d := newDesk(t)
		n := d.note()
		change(d, n)
		d.signed(n, "ops")
		if d.obeys(0, ""); d.said() != "" {
			t.Errorf("%s: %s", what, d.said())
		}
	}
}

// What was obeyed is never forgotten before it is over, whoever fills the list.
func TestNotesThatAreNotOverAreNotForgotten(t *testing.T) {
	d := newDesk(t)
	for i := range mostKept {
		d.kept.all = append(d.kept.all, taken{ID: fmt.Sprint(i), Until: noon.Add(time.Minute), Done: true})
	}
	d.signed(d.note(), "ops")
	d.obeys(0, "256 notes that are not over were obeyed here")
	d.now, d.boot = noon.Add(2*time.Minute), soonest
	d.see(*d.listed.Load())
	d.obeys(1, "AcceptedByNote")
}

func FuzzNote(f *testing.F) {
	n := New("paris", "refs/heads/main", "restored", noon)
	n.Nodes["a"] = Entry{Instance: "i", Repository: "r", Path: "p", Commit: &Commit{From: was, To: is}}
	b, err := n.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"nodes":{"a":{"claim":{"seq":1e400}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		attack.Cheap(t, func() {
			n, err := Decode(b)
			if err != nil {
				return
			}
			_, _ = n.For(Node{Branch: n.Branch, Report: plan.Report{Deployment: n.Deployment, Node: "a"}, Now: noon})
			if again, err := n.Encode(); err != nil || len(again) == 0 {
				t.Errorf("%v", err)
			}
		})
	})
}
