package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/git/packet"
	"mainstay/reconcile/git/transport"
	"mainstay/reconcile/git/trust"
	"mainstay/spec"
)

// maxFile bounds one file of the repository, in bytes: the document's own bound.
const maxFile = 1 << 20

// largeFilter leaves out files nobody may read anyway.
const largeFilter = "blob:limit=1048577"

// Revision is one commit of the document's branch, held in memory.
type Revision struct {
	Commit  string
	Author  string
	Subject string
	// When is the committer's time.
	When time.Time
	// Signer is who signed, when signatures are verified.
	Signer string
	// From is the address it came from, without credentials; Mirror says that it
	// was not the repository itself.
	From   string
	Mirror bool

	store *store
	tree  *object.Tree
	// since is what the commit has that the accepted one has not, when signatures
	// are verified.
	since  *trust.Since
	remote *Remote
}

// Revision fetches the commit that a listing showed for ref, into memory. It
// verifies the signature when Options.AllowedSigners is set, and refuses a
// commit that does not descend from accepted; an empty accepted means nothing
// was accepted yet.
//
// The history is only looked at as deep as the question of descent needs, and
// each deeper look is one more connection. A mirror that is behind gives
// failure.ErrRewound too.
//
// Errors: failure.ErrMoved, failure.ErrRewound, failure.ErrSignature, failure.ErrTooLarge, failure.ErrDamaged,
// failure.ErrUnreachable, failure.ErrAuth, failure.ErrHostKey, failure.ErrNoBranch.
func (r *Remote) Revision(ctx context.Context, ref, hash, accepted string) (*Revision, error) {
	var errs []error
	start := int(r.answered.Load())
	for i := range r.dialers {
		at := (start + i) % len(r.dialers)
		v, err := r.revisionFrom(ctx, r.dialers[at], question{Branch(ref), hash, accepted})
		if err == nil {
			v.Mirror = at > 0
			return v, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil || !elsewhere(err) {
			break
		}
	}
	return nil, firstOf(errs)
}

// elsewhere reports whether another copy of the repository may know better.
func elsewhere(err error) bool {
	for _, kind := range []error{failure.ErrUnreachable, failure.ErrAuth, failure.ErrHostKey, failure.ErrMoved, failure.ErrNoBranch} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// question is whether hash, which ref points at, may follow known.
type question struct{ ref, hash, known string }

func (r *Remote) revisionFrom(ctx context.Context, d transport.Dialer, q question) (*Revision, error) {
	depth := 1
	if r.signers != "" && q.known != "" {
		depth = nearest
	}
	v, err := r.revisionAt(ctx, d, q, depth)
	if err != nil {
		return nil, err
	}
	if v.Signer, err = r.verify(v.store, q.hash); err != nil {
		return nil, err
	}
	if err := r.descends(ctx, d, q, v.store); err != nil || r.signers == "" || q.known == "" {
		return v, err
	}
	return r.withHistory(ctx, d, q, v)
}

// revisionAt fetches a commit and so many generations in all.
func (r *Remote) revisionAt(ctx context.Context, d transport.Dialer, q question, depth int) (*Revision, error) {
	st := newStore()
	if err := r.fetchRef(ctx, d, q, fetchRequest{depth: depth, filter: largeFilter}, st); err != nil {
		return nil, err
	}
	v, err := newRevision(st, q.hash)
	if err != nil {
		return nil, err
	}
	v.From, v.remote = d.Shown(), r
	return v, nil
}

// fetchRef fetches the commit that a listing showed a ref at, and nothing else. A ref that
// has moved since is an error, or what it was at is sent still: both are as old as the
// listing.
func (r *Remote) fetchRef(ctx context.Context, d transport.Dialer, q question, f fetchRequest, into *store) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	f.wants = []string{q.hash}
	done, err := false, error(nil)
	if q.known != "" { // the first of all is of a ref that may be misspelt
		done, err = r.fetchAtOnce(ctx, d, f, into)
	}
	if !done {
		err = r.fetchListed(ctx, d, q, f, into)
	}
	if err != nil {
		return err
	}
	into.tips = f.wants
	c, err := into.commit(q.hash)
	if err == nil && c == nil {
		return into.missing("commit " + q.hash)
	}
	return err
}

// fetchListed asks first whether the ref is still where it was.
func (r *Remote) fetchListed(ctx context.Context, d transport.Dialer, q question, f fetchRequest, into *store) error {
	s, err := r.openSession(ctx, d, transport.UploadPack, "fetch")
	if err != nil {
		return err
	}
	defer s.close()
	switch s.refs[q.ref] {
	case q.hash:
	case "":
		return &failure.Error{Kind: failure.ErrNoBranch, Step: "fetch", At: d.Shown(), Err: errors.New(q.ref),
			Setting: failure.BranchMissing, Advice: "check repository.branch in the agent file"}
	default:
		return &failure.Error{Kind: failure.ErrMoved, Step: "fetch", At: d.Shown(), Err: fmt.Errorf("%s is at %s", q.ref, s.refs[q.ref])}
	}
	return s.fetch(ctx, f, into)
}

// depths are how far back descent is looked for, in generations. The last look
// is at everything.
func depths() []int { return []int{50, 500, infinite} }

// descends looks for q.known among the ancestors of q.hash, deeper and deeper.
// Servers that can leave the files of older commits out.
func (r *Remote) descends(ctx context.Context, d transport.Dialer, q question, st *store) error {
	if q.known == "" {
		return nil
	}
	steps := depths()
	for {
		found, err := st.hasAncestor(q.hash, q.known)
		if err != nil || found {
			return err
		}
		if st.whole() || len(steps) == 0 {
			break
		}
		if err := r.fetchRef(ctx, d, q, fetchRequest{depth: steps[0], filter: "tree:0", commits: true}, st); err != nil {
			return err
		}
		steps = steps[1:]
	}
	return &failure.Error{
		Kind:   failure.ErrRewound,
		Err:    fmt.Errorf("at %s it does not descend from %.12s, which this node goes by", d.Shown(), q.known),
		Advice: fmt.Sprintf("if this is meant, run `mainstay accept %.12s` on the node", q.hash),
	}
}

// hasAncestor reports whether ancestor is hash itself or named as a parent by one
// of the commits at hand.
func (s *store) hasAncestor(hash, ancestor string) (bool, error) {
	found := hash == ancestor
	err := s.walk(hash, func(c *object.Commit) bool {
		found = found || slices.Contains(c.ParentHashes, plumbing.NewHash(ancestor))
		return !found
	})
	return found, err
}

// walk visits hash and its ancestors at hand, nearest first, each once, until
// visit returns false.
func (s *store) walk(hash string, visit func(*object.Commit) bool) error {
	seen := map[plumbing.Hash]bool{}
	next := []plumbing.Hash{plumbing.NewHash(hash)}
	for len(next) > 0 {
		h := next[0]
		next = next[1:]
		if seen[h] {
			continue
		}
		seen[h] = true
		c, err := s.commit(h.String())
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if !visit(c) {
			return nil
		}
		next = append(next, c.ParentHashes...)
	}
	return nil
}

func newRevision(st *store, hash string) (*Revision, error) {
	c, err := st.commit(hash)
	if err == nil && c == nil {
		err = st.missing("commit " + hash)
	}
	if err != nil {
		return nil, err
	}
	v := &Revision{
		Commit: hash, Author: packet.Message([]byte(c.Author.Name + " <" + c.Author.Email + ">")),
		When: c.Committer.When, store: st,
	}
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	v.Subject = packet.Message([]byte(subject))
	err = guard(func() (err error) {
		v.tree, err = object.GetTree(st.objects, c.TreeHash)
		return err
	})
	if err != nil {
		return nil, damaged("tree of "+hash, failure.Scrub(err))
	}
	return v, nil
}

// Read returns a file of the commit, by its slash-separated path from the root.
// Errors: failure.ErrNotFound, failure.ErrTooLarge (1 MiB), failure.ErrDamaged. A symbolic link or a
// folder is not a file.
func (v *Revision) Read(name string) ([]byte, error) {
	clean := path.Clean(name)
	if clean != strings.TrimPrefix(name, "./") || path.IsAbs(name) || clean == "." || strings.HasPrefix(clean, "..") {
		return nil, &failure.Error{Kind: failure.ErrNotFound, Step: "read", At: name, Err: errors.New("wants a plain path inside the repository")}
	}
	var b []byte
	err := guard(func() (err error) {
		b, err = v.read(clean)
		return err
	})
	return b, err
}

func (v *Revision) read(name string) ([]byte, error) {
	at := name + " of " + v.Commit
	entry, err := v.tree.FindEntry(name)
	if err != nil {
		return nil, &failure.Error{Kind: failure.ErrNotFound, Step: "read", At: at}
	}
	if entry.Mode != filemode.Regular && entry.Mode != filemode.Executable && entry.Mode != filemode.Deprecated {
		return nil, &failure.Error{Kind: failure.ErrNotFound, Step: "read", At: at, Err: spec.NotPlain(entry.Mode.String())}
	}
	blob, err := object.GetBlob(v.store.objects, entry.Hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) || err == nil && blob.Size > maxFile {
		return nil, &failure.Error{Kind: failure.ErrTooLarge, Step: "read", At: at, Err: spec.TooLarge()}
	}
	if err != nil {
		return nil, damaged(at, failure.Scrub(err))
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, damaged(at, failure.Scrub(err))
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

// mostFilesBytes bounds what the names of a commit's files take, each with its
// folders, in bytes: a folder that holds another one ten times, and so on, is a few
// hundred bytes in git.
const mostFilesBytes = 8 << 20

// Files lists the plain files of the commit by path, in git's order. Errors:
// failure.ErrTooLarge, failure.ErrDamaged.
func (v *Revision) Files() ([]string, error) {
	var names []string
	err := guard(func() error {
		walker := object.NewTreeWalker(v.tree, true, nil)
		defer walker.Close()
		for held := 0; ; {
			name, entry, err := walker.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return damaged("tree of "+v.Commit, failure.Scrub(err))
			}
			if held += len(name) + objectCost/8; held > mostFilesBytes {
				return tooLarge("the commit %s has too many files", v.Commit)
			}
			if entry.Mode.IsFile() && entry.Mode != filemode.Symlink {
				names = append(names, name)
			}
		}
	})
	return names, err
}

// Said is who signed the commit, or else who says to have made it, and its subject.
func (v *Revision) Said() (who, subject string) { return cmp.Or(v.Signer, v.Author), v.Subject }
