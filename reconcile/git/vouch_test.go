package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"mainstay/e2e/gitserver"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/spec"
)

// garden is a repository whose commits are made here, without a program.
type garden struct {
	t       *testing.T
	bare    string
	repo    *filesystem.Storage
	key     ssh.Signer
	options git.Options
}

func newGarden(t *testing.T) *garden {
	g := &garden{t: t, bare: gitserver.Bare(t)}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if g.key, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	g.repo = filesystem.NewStorage(osfs.New(g.bare), cache.NewObjectLRUDefault())
	g.options = git.Options{URL: g.bare, AllowedSigners: filepath.Join(t.TempDir(), "allowed_signers")}
	save(t, g.options.AllowedSigners, append([]byte("ops@example.org "), ssh.MarshalAuthorizedKey(g.key.PublicKey())...))
	return g
}

func (g *garden) store(kind plumbing.ObjectType, content []byte) plumbing.Hash {
	g.t.Helper()
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	if _, err := o.Write(content); err != nil {
		g.t.Fatal(err)
	}
	hash, err := g.repo.SetEncodedObject(o)
	if err != nil {
		g.t.Fatal(err)
	}
	return hash
}

// commit makes a commit of files in one folder, and puts main there.
func (g *garden) commit(signed bool, files map[string]string, parents ...string) string {
	g.t.Helper()
	var tree object.Tree
	for _, name := range slices.Sorted(maps.Keys(files)) {
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: g.store(plumbing.BlobObject, []byte(files[name]))})
	}
	o := &plumbing.MemoryObject{}
	if err := tree.Encode(o); err != nil {
		g.t.Fatal(err)
	}
	root, err := g.repo.SetEncodedObject(o)
	if err != nil {
		g.t.Fatal(err)
	}
	raw := fmt.Sprintf("tree %s\n", root)
	for _, p := range parents {
		raw += "parent " + p + "\n"
	}
	raw += fmt.Sprintf("author x <x@example.org> %[1]d +0000\ncommitter x <x@example.org> %[1]d +0000\n", time.Now().Unix())
	if signed {
		sig, err := sshsig.Sign(strings.NewReader(raw+"\nsay so\n"), g.key, sshsig.HashSHA512, "git")
		if err != nil {
			g.t.Fatal(err)
		}
		raw += "gpgsig " + strings.ReplaceAll(strings.TrimSpace(string(sshsig.Armor(sig))), "\n", "\n ") + "\n"
	}
	hash := g.store(plumbing.CommitObject, []byte(raw+"\nsay so\n"))
	if err := g.repo.SetReference(plumbing.NewHashReference("refs/heads/main", hash)); err != nil {
		g.t.Fatal(err)
	}
	return hash.String()
}

// vouched reads the newest commit as an agent that accepted another one does.
func (g *garden) vouched(tip, accepted string) error {
	g.t.Helper()
	rev, err := git.NewDocument(open(g.t, g.options), "main").Revision(ctx(g.t), tip, accepted)
	if err != nil {
		return err
	}
	return rev.(interface {
		Vouch(deployment string, files []string) error
	}).Vouch("paris", []string{"deployment.yaml", "a.conf"})
}

func active(side string) map[string]string {
	return map[string]string{"deployment.yaml": "active: " + side}
}

func with(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}

func TestEveryCommitSinceTheAcceptedOneIsVerified(t *testing.T) {
	g := newGarden(t)
	accepted := g.commit(true, active("main"), g.commit(false, active("main")))
	unsigned := g.commit(false, active("standby"), accepted)
	tip := g.commit(true, with(active("standby"), "README.md", "x"), unsigned)
	err := g.vouched(tip, accepted)
	if !errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), unsigned) || !strings.Contains(err.Error(), "mainstay accept") {
		t.Errorf("an unsigned change below a signed commit: %v", err)
	}
	if err := g.vouched(tip, ""); err != nil {
		t.Errorf("as a person accepts it: %v", err)
	}
	later := tip
	for i := range 8 {
		later = g.commit(false, with(active("standby"), "README.md", fmt.Sprint(i)), later)
	}
	later = g.commit(true, active("main"), later)
	if err := g.vouched(later, tip); err != nil {
		t.Errorf("unsigned commits of something else: %v", err)
	}
	g.options.AllowedSigners = ""
	if err := g.vouched(later, accepted); err != nil {
		t.Errorf("where nobody verifies: %v", err)
	}
}

// A merged branch that began before the accepted commit makes the agent look deeper.
func TestAMergedBranchIsFollowedToItsBeginning(t *testing.T) {
	g := newGarden(t)
	root := g.commit(false, active("main"))
	side := g.commit(false, with(active("main"), "a.conf", "unsigned"), root)
	accepted := root
	for i := range 5 {
		accepted = g.commit(true, active(fmt.Sprint("main # ", i)), accepted)
	}
	tip := g.commit(true, with(active("main # 4"), "a.conf", "unsigned"), accepted, side)
	if err := g.vouched(tip, accepted); !errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), side) {
		t.Errorf("an unsigned branch: %v", err)
	}
	side = g.commit(false, with(active("main"), "README.md", "x"), root)
	tip = g.commit(true, with(active("main # 4"), "README.md", "x"), accepted, side)
	if err := g.vouched(tip, accepted); err != nil {
		t.Errorf("a branch of something else: %v", err)
	}
}

func TestACommitFromTheFutureIsTriedAgain(t *testing.T) {
	g := newGarden(t)
	tip := g.commit(true, active("standby"))
	g.options.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	if err := g.vouched(tip, ""); err != nil {
		t.Errorf("within the default: %v", err)
	}
	g.options.Skew = time.Second
	err := g.vouched(tip, "")
	var p interface{ Permanent() bool }
	if !errors.Is(err, failure.ErrAhead) || !errors.As(err, &p) || p.Permanent() {
		t.Errorf("got %v", err)
	}
}

func TestThePolicyOfTheAgentsFileIsHeldAgainstEachCommit(t *testing.T) {
	g := newGarden(t)
	accepted := g.commit(true, active("main"))
	tip := g.commit(true, active("standby"), accepted)
	for name, c := range map[string]struct {
		policy spec.Policy
		want   string
	}{
		"theirs": {spec.Policy{Active: []string{"ops@example.org"}}, ""}, "another's": {spec.Policy{Active: []string{"boss@example.org"}}, "changes active"},
		"bound": {spec.Policy{Bound: true}, "Mainstay-"},
	} {
		g.options.Policy = &c.policy
		err := g.vouched(tip, accepted)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, failure.ErrSignature) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
