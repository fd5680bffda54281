package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/signature"
	"mainstay/schema"
	"mainstay/spec"
)

// begun is when the accepted commit of every story was made.
var begun = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// story is a repository in memory, with the people who commit to it.
type story struct {
	t       *testing.T
	commits map[string]*Commit
	files   map[string]map[string]string
	people  map[string]ssh.Signer
	signers signature.Signers
}

const document = "apiVersion: mainstay/v1\nkind: Deployment\nname: paris\nactive: main\n"

// newStory has a commit "accepted", which ops signed, before it "old", and a document
// with a template.
func newStory(t *testing.T) *story {
	s := &story{t: t, commits: map[string]*Commit{}, files: map[string]map[string]string{}, people: map[string]ssh.Signer{}}
	var lines strings.Builder
	for _, name := range []string{"ops", "dev", "gone"} {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if s.people[name], err = ssh.NewSignerFromKey(key); err != nil {
			t.Fatal(err)
		}
		option := ""
		if name == "gone" {
			option = `valid-before="20260201" `
		}
		fmt.Fprintf(&lines, "%s@example.org %s%s", name, option, ssh.MarshalAuthorizedKey(s.people[name].PublicKey()))
	}
	file := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.signers, err = signature.Read(file); err != nil {
		t.Fatal(err)
	}
	s.commit(commit{id: "old", by: "ops", at: -time.Hour, files: map[string]string{"deployment.yaml": document + "# first\n", "a.conf": "1"}})
	s.commit(commit{id: "accepted", on: "old", by: "ops", files: map[string]string{"deployment.yaml": document}})
	return s
}

// commit is one commit of a story: who signed it, on what, when after begun, and what
// is another than in its first parent.
type commit struct {
	id, on, by, says string
	at               time.Duration
	files            map[string]string
}

func (s *story) commit(c commit) {
	s.t.Helper()
	parents := strings.Fields(c.on)
	files := map[string]string{}
	if len(parents) > 0 {
		for name, text := range s.files[parents[0]] {
			files[name] = text
		}
	}
	for name, text := range c.files {
		files[name] = text
	}
	raw := "tree 0\n"
	for _, p := range parents {
		raw += "parent " + p + "\n"
	}
	raw += fmt.Sprintf("author x <x> 1 +0000\ncommitter x <x> %d +0000\n", begun.Add(c.at).Unix())
	body := "\nchange\n\n" + c.says
	if c.by != "" {
		sig, err := sshsig.Sign(strings.NewReader(raw+body), s.people[c.by], sshsig.HashSHA512, "git")
		if err != nil {
			s.t.Fatal(err)
		}
		raw += "gpgsig " + strings.ReplaceAll(strings.TrimSpace(string(sshsig.Armor(sig))), "\n", "\n ") + "\n"
	}
	s.commits[c.id], s.files[c.id] = &Commit{ID: c.id, Parents: parents, Raw: []byte(raw + body)}, files
}

func (s *story) Commit(id string) (*Commit, error)        { return s.commits[id], nil }
func (s *story) Find(commit, path string) (string, error) { return s.files[commit][path], nil }

func (s *story) Read(commit, path string) ([]byte, error) {
	if text, ok := s.files[commit][path]; ok {
		return []byte(text), nil
	}
	return nil, os.ErrNotExist
}

// judge is what becomes of the commit "tip" an hour after the accepted one.
func (s *story) judge(p *spec.Policy) error {
	s.t.Helper()
	since, err := Between(s, "tip", "accepted")
	if err != nil {
		s.t.Fatal(err)
	}
	q := Question{Tip: "tip", Since: since, Document: "deployment.yaml", Files: []string{"deployment.yaml", "a.conf"}, Deployment: "paris",
		Branch: "main", Signers: s.signers, Policy: p, Now: begun.Add(time.Hour), Skew: 15 * time.Minute}
	return q.Judge(s)
}

// holds wants the commit to be refused with these words, or not at all.
func (s *story) holds(p *spec.Policy, id, want string) {
	s.t.Helper()
	err := s.judge(p)
	var refused *Refused
	switch {
	case want == "" && err != nil:
		s.t.Errorf("got %v", err)
	case want != "" && (!errors.As(err, &refused) || refused.Commit != id || !strings.Contains(err.Error(), want)):
		s.t.Errorf("got %v, want %s to be refused: %s", err, id, want)
	}
}

func says(word string) map[string]string {
	return map[string]string{"deployment.yaml": strings.Replace(document, "active: main", word, 1)}
}

// Every commit since the accepted one that changed what is accepted has to be signed.
func TestASignedCommitDoesNotVouchForAnUnsignedOneBelowIt(t *testing.T) {
	for name, c := range map[string]struct {
		below commit
		want  string
	}{
		"the document":            {commit{files: says("active: standby")}, "not signed"},
		"a template that it has":  {commit{files: map[string]string{"a.conf": "2"}}, "not signed"},
		"the document, by dev":    {commit{by: "dev", files: says("active: standby")}, ""},
		"something else":          {commit{files: map[string]string{"README.md": "x", "b.conf": "x"}}, ""},
		"something, in the past":  {commit{at: -time.Hour * 9999, files: map[string]string{"README.md": "x"}}, ""},
		"something, in times far": {commit{at: time.Hour * 9999, files: map[string]string{"README.md": "x"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want != "" {
				attack.Row(t, "commit signatures", "an unsigned commit that changes "+name+", below a signed one", "refused")
			}
			s := newStory(t)
			c.below.id, c.below.on = "below", "accepted"
			s.commit(c.below)
			s.commit(commit{id: "tip", on: "below", by: "ops", at: time.Minute})
			s.holds(nil, "below", c.want)
		})
	}
}

func TestAnUnsignedChangeThatWasTakenBackIsNoPartOfWhatIsAcceptedUnseen(t *testing.T) {
	s := newStory(t)
	s.commit(commit{id: "below", on: "accepted", files: says("active: standby")})
	s.commit(commit{id: "tip", on: "below", by: "ops", files: says("active: main")})
	s.holds(nil, "below", "not signed")
}

// A merge changes what is not as in its first parent. One whose first parent does not
// come after the accepted commit changes what is not as in each of its parents.
func TestAMergeCountsAsAChangeOfWhatItBringsIn(t *testing.T) {
	for name, c := range map[string]struct {
		story []commit
		id    string
		want  string
	}{
		"of a signed branch, signed": {[]commit{
			{id: "branch", on: "accepted", by: "dev", files: says("active: standby")},
			{id: "tip", on: "accepted branch", by: "ops", files: says("active: standby")}}, "", ""},
		"of an unsigned branch, signed": {[]commit{
			{id: "branch", on: "accepted", files: says("active: standby")},
			{id: "tip", on: "accepted branch", by: "ops", files: says("active: standby")}}, "branch", "not signed"},
		"of a signed branch, unsigned, below": {[]commit{
			{id: "branch", on: "accepted", by: "dev", files: says("active: standby")},
			{id: "merge", on: "accepted branch", files: says("active: standby")},
			{id: "tip", on: "merge", by: "ops"}}, "merge", "not signed"},
		"of something else, unsigned, below": {[]commit{
			{id: "branch", on: "old", files: map[string]string{"README.md": "x"}},
			{id: "merge", on: "accepted branch"},
			{id: "tip", on: "merge", by: "ops"}}, "", ""},
		"that goes back to an old document, from the old side": {[]commit{
			{id: "branch", on: "old", files: map[string]string{"README.md": "x"}},
			{id: "merge", on: "branch accepted"},
			{id: "tip", on: "merge", by: "ops"}}, "merge", "not signed"},
		"that goes back to an old document": {[]commit{
			{id: "branch", on: "old", files: map[string]string{"README.md": "x"}},
			{id: "merge", on: "accepted branch", files: map[string]string{"deployment.yaml": document + "# first\n"}},
			{id: "tip", on: "merge", by: "ops"}}, "merge", "not signed"},
		"of another repository": {[]commit{
			{id: "root", files: map[string]string{"deployment.yaml": "else"}},
			{id: "tip", on: "accepted root", by: "ops"}}, "root", "not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			for _, one := range c.story {
				s.commit(one)
			}
			s.holds(nil, c.id, c.want)
		})
	}
}

func TestTheTimeOfACommitIsHeldAgainstTheAcceptedOneAndNow(t *testing.T) {
	for name, c := range map[string]struct {
		by   string
		at   time.Duration
		want string
	}{
		"now": {"ops", time.Hour, ""}, "a little before": {"ops", -10 * time.Minute, ""}, "a little ahead": {"ops", time.Hour + 10*time.Minute, ""},
		"long before":                      {"ops", -time.Hour, "before that of the accepted commit"},
		"ahead":                            {"ops", 2 * time.Hour, "has not come yet"},
		"with a key that is valid no more": {"gone", time.Minute, "valid before"},
		"with a key that is valid no more, as if in time": {"gone", -40 * 24 * time.Hour, "before that of the accepted commit"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want != "" {
				attack.Row(t, "commit signatures", "a signed commit dated "+name, "refused")
			}
			s := newStory(t)
			s.commit(commit{id: "tip", on: "accepted", by: c.by, at: c.at, files: says("active: standby")})
			s.holds(nil, "tip", c.want)
		})
	}
}

// A machine that started without the time must not refuse a failover for that.
func TestAClockThatIsBehindTheAcceptedCommitIsNoEvidence(t *testing.T) {
	s := newStory(t)
	s.commit(commit{id: "tip", on: "accepted", by: "ops", at: time.Hour, files: says("active: standby")})
	since, _ := Between(s, "tip", "accepted")
	q := Question{Tip: "tip", Since: since, Document: "deployment.yaml", Files: []string{"deployment.yaml"}, Signers: s.signers, Now: time.Unix(0, 0), Skew: time.Minute}
	if err := q.Judge(s); err != nil {
		t.Error(err)
	}
	q.Since = nil
	var refused *Refused
	if err := q.Judge(s); !errors.As(err, &refused) || !refused.Ahead {
		t.Errorf("without an accepted commit: %v", err)
	}
}

func TestThePolicySaysWhoMayChangeWhat(t *testing.T) {
	p := &spec.Policy{Active: []string{"ops@example.org"}, Fenced: []string{"ops@example.org"}, Roles: []string{"dev@example.org"}}
	for name, c := range map[string]struct {
		by    string
		files map[string]string
		want  string
	}{
		"active by ops":                     {"ops", says("active: standby"), ""},
		"active by dev":                     {"dev", says("active: standby"), "changes active"},
		"fenced by dev":                     {"dev", says("active: main\nfenced: standby"), "changes fenced"},
		"fenced by ops":                     {"ops", says("active: main\nfenced: standby"), ""},
		"roles by dev":                      {"dev", says("active: main\nroles: { a: {} }"), ""},
		"roles by ops":                      {"ops", says("active: main\nroles: { a: {} }"), "changes roles"},
		"a template by ops":                 {"ops", map[string]string{"a.conf": "2"}, "changes roles"},
		"a template by dev":                 {"dev", map[string]string{"a.conf": "2"}, ""},
		"nodes, which nobody keeps, by dev": {"dev", says("active: main\nnodes: {}"), ""},
		"a comment by dev":                  {"dev", says("active: main # now"), ""},
		"a document that cannot be read":    {"dev", says("active: ["), "changes active"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want != "" {
				attack.Row(t, "commit signatures", "under verify.policy, "+name+", whose field it is not", "refused")
			}
			s := newStory(t)
			s.commit(commit{id: "below", on: "accepted", by: c.by, files: c.files})
			s.commit(commit{id: "tip", on: "below", by: "ops", at: time.Minute})
			s.holds(p, "below", c.want)
		})
	}
	s := newStory(t)
	s.commit(commit{id: "tip", on: "accepted", by: "ops", files: says("active: standby")})
	s.holds(&spec.Policy{Active: []string{ssh.FingerprintSHA256(s.people["ops"].PublicKey())}}, "tip", "")
	s.holds(&spec.Policy{Active: []string{ssh.FingerprintSHA256(s.people["dev"].PublicKey())}}, "tip", "changes active")
}

// A failover that was made on another branch, for review, is none here.
func TestAFailoverIsBoundToItsDeploymentAndItsBranch(t *testing.T) {
	for trailers, want := range map[string]string{
		"Mainstay-Deployment: paris\nMainstay-Branch: main\n":                         "",
		"Mainstay-Deployment: paris\nMainstay-Branch: drill\n":                        "Mainstay-Branch: drill",
		"Mainstay-Deployment: rome\nMainstay-Branch: main\n":                          "Mainstay-Deployment: rome",
		"Mainstay-Deployment: paris\nMainstay-Branch: drill\nMainstay-Branch: main\n": "drill and main",
		"Mainstay-Deployment: paris\n":                                                "has no line Mainstay-Branch: main",
		"Mainstay-Deployment: paris\nMainstay-Branch: main\n\nnot the last\n":         "has no line",
		"": "has no line",
	} {
		t.Run(trailers, func(t *testing.T) {
			if want != "" {
				attack.Row(t, "commit signatures", "under verify.policy.bound, a signed failover that says "+strings.ReplaceAll(trailers, "\n", "; "), "refused")
			}
			s := newStory(t)
			s.commit(commit{id: "tip", on: "accepted", by: "ops", says: trailers, files: says("active: standby")})
			s.holds(&spec.Policy{Bound: true}, "tip", want)
			s.holds(&spec.Policy{}, "tip", "")
			s.holds(nil, "tip", "")
		})
	}
	s := newStory(t)
	s.commit(commit{id: "tip", on: "accepted", by: "ops", files: says("active: main\nroles: {}")})
	s.holds(&spec.Policy{Bound: true}, "tip", "")
}

// What is at hand may end before it is known where a merged branch began.
func TestABranchWhoseBeginningIsNotAtHandIsOpen(t *testing.T) {
	s := newStory(t)
	s.commit(commit{id: "a1", on: "accepted", by: "ops"})
	s.commit(commit{id: "tip", on: "a1 side", by: "ops"})
	s.commit(commit{id: "side", on: "before", by: "ops"})
	since, err := Between(s, "tip", "accepted")
	if err != nil || !since.Open {
		t.Errorf("got %+v, %v", since, err)
	}
	s.commit(commit{id: "before", on: "old", by: "ops"})
	since, err = Between(s, "tip", "accepted")
	if err != nil || since.Open || len(since.Commits) != 4 || since.Depth != 4 {
		t.Errorf("got %+v, %v", since, err)
	}
	delete(s.commits, "old")
	if since, err = Between(s, "tip", "accepted"); err != nil || since.Open {
		t.Errorf("a branch that began at a known parent: got %+v, %v", since, err)
	}
}

// A field that is added to the document is kept by a policy, or left out on purpose.
func TestAPolicyCanKeepEveryFieldOfADocument(t *testing.T) {
	b, err := schema.JSON(schema.Deployment)
	if err != nil {
		t.Fatal(err)
	}
	var top struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(b, &top); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(top.Properties))
	// The first three have one value each, or are refused when they change (R13).
	want := slices.Sorted(slices.Values(append(spec.PolicyFields(), "apiVersion", "kind", "name")))
	if !slices.Equal(got, want) {
		t.Errorf("the document has %v, decided are %v", got, want)
	}
	if who := (&spec.Policy{Handover: []string{"x"}}).Who("handover"); !slices.Equal(who, []string{"x"}) {
		t.Errorf("got %v", who)
	}
}
