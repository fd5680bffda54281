package git_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git"
	"mainstay/reconcile/git/failure"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// site is a repository whose nodes sign their claims and reports.
type site struct {
	*work
	t    *testing.T
	keys map[string]string // node -> private key file
	file string            // what verify.nodes names
}

func newSite(t *testing.T) site {
	t.Helper()
	s := site{work: newWork(t), t: t, keys: map[string]string{}, file: filepath.Join(t.TempDir(), "node_keys")}
	var lines []string
	for node, claim := range map[string]string{"xivo-main": "claim=xivo/main ", "xivo-standby": "claim=xivo/standby ", "cc-main": "claim=cc/main ", "edge": ""} {
		signer, pem := newSigner(t)
		s.keys[node] = filepath.Join(t.TempDir(), "id")
		save(t, s.keys[node], pem)
		lines = append(lines, "paris/"+node+" "+claim+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))))
	}
	save(t, s.file, []byte("# the keys of paris\n"+strings.Join(lines, "\n")+"\n"))
	return s
}

// as opens the repository with the key of a node, or of none.
func (s site) as(node string) *git.Remote {
	s.t.Helper()
	return open(s.t, git.Options{URL: s.bare, SignKey: s.keys[node], NodeKeys: s.file})
}

func (s site) read(known plan.Tip) (git.ClaimChain, error) {
	s.t.Helper()
	r := s.as("xivo-standby")
	return r.Claim(ctx(s.t), claimRef, listed(s.t, r)[claimRef], known)
}

// begun is a site whose claim main has taken.
func begun(t *testing.T) (site, plan.Tip) {
	t.Helper()
	s := newSite(t)
	change(t, s.as("xivo-main"), claim(1, plan.Take, spec.Main, "xivo-main"))
	read, err := s.read(plan.Tip{})
	if err != nil || read.Tip.Seq != 1 {
		t.Fatalf("a claim that its node signed: %+v, %v", read, err)
	}
	return s, read.Tip
}

func TestSignedClaimsAndReportsAreBelieved(t *testing.T) {
	s, known := begun(t)
	change(t, s.as("xivo-main"), claim(2, plan.Release, "", "xivo-main"))
	change(t, s.as("xivo-standby"), claim(3, plan.Take, spec.Standby, "xivo-standby"))
	change(t, s.as("xivo-main"), claim(4, plan.Seize, spec.Main, "xivo-main"))
	if read, err := s.read(known); err != nil || !read.Descends || read.Tip.Seq != 4 {
		t.Errorf("got %+v, %v", read, err)
	}
	ref := git.ReportRef("paris", "edge")
	id, err := s.as("edge").PublishReport(ctx(t), ref, report("edge", plan.Active), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readReport(t, s.as("xivo-main"), ref, id); err != nil {
		t.Error(err)
	}
	notes := s.as("").Notes(ctx(t), map[string]string{ref: id, claimRef: s.ref(claimRef)})
	if len(notes.Errors) > 0 || len(notes.Claims) != 1 || len(notes.Reports) != 1 {
		t.Errorf("got %+v", notes)
	}
	s.git("fetch", "--quiet", "origin", claimRef)
	s.git("fsck", "--strict")
}

// A person may vouch on any node of the role (R9).
func TestAVouchedClaimIsSignedByTheNodeThatWasTold(t *testing.T) {
	s, known := begun(t)
	c := claim(9, plan.Reroot, spec.Main, "xivo-main")
	change(t, s.as("xivo-standby"), c)
	if read, err := s.read(known); err != nil || !read.Rerooted {
		t.Errorf("got %+v, %v", read, err)
	}
	change(t, s.as("edge"), claim(12, plan.Reroot, "", "edge"))
	if _, err := s.read(known); !errors.Is(err, failure.ErrDamaged) {
		t.Errorf("R9, told to edge: got %v", err)
	}
}

// Every forgery reads as damaged, so that nobody believes or answers it.
func TestAForgedClaimIsDamaged(t *testing.T) {
	for _, row := range []struct {
		what, key string
		claim     plan.Claim
		why       string
	}{
		{"edge's key seizes the claim", "edge", claim(2, plan.Seize, spec.Standby, "edge"), "a key of paris/edge"},
		{"edge's key seizes the claim in standby's name", "edge", claim(2, plan.Seize, spec.Standby, "xivo-standby"), "a key of paris/edge"},
		{"edge's key vouches for a claim", "edge", claim(2, plan.Reroot, spec.Main, "xivo-main"), "a key of paris/edge"},
		{"standby's key releases in main's name", "xivo-standby", claim(2, plan.Release, "", "xivo-main"), "a key of paris/xivo-standby"},
		{"standby's key releases what main held", "xivo-standby", claim(2, plan.Release, "", "xivo-standby"), "releases what main held"},
		{"standby's key gives the claim to main", "xivo-standby", claim(2, plan.Seize, spec.Main, "xivo-standby"), "gives it to main"},
		{"the key of another role's node", "cc-main", claim(2, plan.Seize, spec.Main, "cc-main"), "a key of paris/cc-main"},
		{"no signature", "", claim(2, plan.Release, "", "xivo-main"), "not signed"},
	} {
		t.Run(row.what, func(t *testing.T) {
			attack.Row(t, "signed claims", row.what, "damaged, not believed")
			s, known := begun(t)
			r := open(t, git.Options{URL: s.bare, SignKey: s.keys[row.key]})
			change(t, r, row.claim)
			for _, k := range []plan.Tip{known, {}} {
				read, err := s.read(k)
				if row.claim.Action == plan.Release && row.key == "xivo-standby" && k.ID == "" {
					continue // who never saw the claim goes by the newest change's parent
				}
				if !errors.Is(err, failure.ErrDamaged) || !strings.Contains(err.Error(), row.why) || read.Tip.ID != "" {
					t.Errorf("known %d: got %+v, %v; want %q", k.Seq, read.Tip, err, row.why)
				}
			}
			notes := s.as("").Notes(ctx(t), map[string]string{claimRef: s.ref(claimRef)})
			if len(notes.Claims) > 0 && !strings.Contains(row.what, "what main held") {
				t.Errorf("who only looks is shown %+v", notes.Claims)
			}
		})
	}
}

// A forged change is not hidden by a good one above it.
func TestAForgedChangeBelowAGoodOneIsFound(t *testing.T) {
	attack.Row(t, "signed claims", "an unsigned release with the next taker's own change on top", "damaged, not believed")
	s, known := begun(t)
	change(t, open(t, git.Options{URL: s.bare}), claim(2, plan.Release, "", "xivo-main"))
	change(t, s.as("xivo-standby"), claim(3, plan.Take, spec.Standby, "xivo-standby"))
	if _, err := s.read(known); !errors.Is(err, failure.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// A signature is of one ref and of one parent.
func TestASignedChangeIsGoodInOnePlaceOnly(t *testing.T) {
	s, _ := begun(t)
	first := s.ref(claimRef)
	t.Run("another deployment", func(t *testing.T) {
		attack.Row(t, "signed claims", "a signed claim is pushed to the claim of another deployment", "damaged, not believed")
		other := git.ClaimRef("rome", "xivo")
		s.git("fetch", "--quiet", "origin", claimRef)
		s.git("push", "--quiet", "origin", first+":"+other)
		keys := strings.ReplaceAll(readFile(t, s.file), "paris/", "rome/")
		r := open(t, git.Options{URL: s.bare, NodeKeys: written(t, keys)})
		if _, err := r.Claim(ctx(t), other, first, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) || !strings.Contains(err.Error(), "another ref") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another role", func(t *testing.T) {
		attack.Row(t, "signed claims", "a signed claim is pushed to the claim of another role", "damaged, not believed")
		other := git.ClaimRef("paris", "cc")
		s.git("push", "--quiet", "origin", first+":"+other)
		if _, err := s.as("").Claim(ctx(t), other, first, plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another parent", func(t *testing.T) {
		attack.Row(t, "signed claims", "the signature and text of a signed claim are put on another parent", "damaged, not believed")
		s.git("fetch", "--quiet", "origin", claimRef)
		raw := s.git("cat-file", "commit", first) + "\n"
		tree, rest, _ := strings.Cut(raw, "\n")
		moved := s.hashObject(tree + "\nparent " + first + "\n" + rest)
		s.git("push", "--quiet", "origin", moved+":"+claimRef)
		if _, err := s.read(plan.Tip{}); !errors.Is(err, failure.ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAForgedReportIsDamaged(t *testing.T) {
	ref := git.ReportRef("paris", "xivo-main")
	for what, key := range map[string]string{
		"edge's key reports in main's name": "edge", "standby's key reports that main is down": "xivo-standby", "an unsigned report": "",
	} {
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "signed reports", what, "damaged, not believed")
			s := newSite(t)
			r := open(t, git.Options{URL: s.bare, SignKey: s.keys[key]})
			id, err := r.PublishReport(ctx(t), ref, report("xivo-main", plan.Inactive), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := readReport(t, s.as("xivo-standby"), ref, id); !errors.Is(err, failure.ErrDamaged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A file that is not fully understood believes nobody.
func TestAFileOfNodeKeysIsReadStrictly(t *testing.T) {
	signer, _ := newSigner(t)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	s, _ := begun(t)
	for _, text := range []string{
		"", "paris " + key, "paris/* " + key, "paris/a,paris/b " + key, "paris/a claim=xivo " + key, "paris/a claim=xivo/both " + key,
		"paris/a cert-authority " + key, "paris/a ssh-ed25519 AAAA", "!paris/a " + key, "/a " + key,
	} {
		attackers := open(t, git.Options{URL: s.bare, NodeKeys: written(t, text)})
		if _, err := attackers.Claim(ctx(t), claimRef, s.ref(claimRef), plan.Tip{}); !errors.Is(err, failure.ErrSignature) || hint(err) == "" {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// The history says whose key signed each change: of a forged one too.
func TestTheChainSaysWhoSignedEachChange(t *testing.T) {
	s, _ := begun(t)
	change(t, s.as("edge"), claim(2, plan.Seize, spec.Standby, "xivo-standby"))
	change(t, open(t, git.Options{URL: s.bare}), claim(3, plan.Seize, spec.Main, "xivo-main"))
	hash := s.ref(claimRef)
	for list, want := range map[string]string{s.file: "missing paris/edge:forged paris/xivo-main:verified", "": "unsigned unchecked unchecked"} {
		chain, err := open(t, git.Options{URL: s.bare, NodeKeys: list}).Chain(ctx(t), claimRef, hash, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range chain {
			got = append(got, strings.TrimPrefix(c.Signer.Node+":"+c.Signer.State, ":"))
			if (c.Signer.Key == "") != (c.Seq == 3) {
				t.Errorf("change %d: %+v", c.Seq, c.Signer)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}
