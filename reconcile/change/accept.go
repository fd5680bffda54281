package change

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/acceptance"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
)

// Accept is what a person asks of every node at once.
type Accept struct {
	// Branch is the full name of the branch that the nodes follow.
	Branch string
	// Commit is the first of the digits of the branch's newest commit, empty for whichever it
	// is. Claim asks for the claims that went back instead.
	Commit string
	Claim  bool
	// Attest is what the person saw. Until is when the note is over.
	Attest string
	Until  time.Time
}

// Consent is a note and what it means for each node.
type Consent struct {
	Note  *acceptance.Note
	Nodes []Consenting
	// Leaves says which claims stay behind under the name that the nodes go by still, empty
	// unless the commit renames the deployment.
	Leaves []string
	// before is what nodes said of an older note, and obeyed when they obeyed it.
	before map[string]string
	obeyed map[string]time.Time
	// Changes reads every change of a role's claim, nil where only the newest is known. By
	// them the nodes in put were seen to have done what the note says of their claims.
	Changes func(ctx context.Context, role string) ([]plan.Tip, error)
	put     map[string]bool
	traced  map[string]string // the claim that was looked at last
}

// Consenting is what one node would do upon a note.
type Consenting struct {
	Node string `json:"node"`
	// Takes says that the note is for the node.
	Takes bool `json:"takes"`
	// Says is what it would take, or why nothing.
	Says string `json:"says"`
}

// Consent makes the note that lets the nodes go on. Nothing is in it that no node has said
// that it sees and refuses: a node that was not heard since is not in it. Errors: Misuse,
// Refused.
func (a Accept) Consent(v *fleet.View, d *fleet.Deployment) (*Consent, error) {
	switch {
	case !v.Coordinated:
		return nil, &Refused{"in read-only mode nodes publish no reports, so nobody can see from here what they refuse", "run mainstay accept on each node"}
	case len(d.Problems) > 0 || d.Spec == nil:
		return nil, &Broken{d.Path, d.Problems}
	case strings.TrimSpace(a.Attest) == "":
		return nil, &Misuse{"a note needs a person's statement", `say what you saw: --attest "the git server was restored from Monday"`}
	case a.Claim && a.Commit != "":
		return nil, &Misuse{"accept takes a commit or the claim", "name one of them"}
	case !strings.HasPrefix(v.Commit, a.Commit):
		return nil, &Refused{fmt.Sprintf("the newest commit on the branch is %.12s, and only that one can be accepted", v.Commit), "look at it, then name it"}
	}
	c := &Consent{Note: acceptance.New(d.Name, a.Branch, strings.TrimSpace(a.Attest), a.Until)}
	c.before, c.obeyed, c.put = refusals(d), obediences(d), map[string]bool{}
	c.traced = map[string]string{}
	if a.Claim {
		if err := c.claims(d); err != nil {
			return nil, err
		}
	} else {
		c.commits(v, d)
	}
	if len(c.Note.Nodes) == 0 {
		return c, &Refused{"no node waits for anything that a note could accept", "mainstay status says what each node waits for"}
	}
	return c, c.under(d)
}

func (c *Consent) say(node string, e *acceptance.Entry, format string, args ...any) {
	if e != nil {
		c.Note.Nodes[node] = *e
	}
	c.Nodes = append(c.Nodes, Consenting{Node: node, Takes: e != nil, Says: fmt.Sprintf(format, args...)})
}

func entryOf(r *plan.Report) acceptance.Entry {
	return acceptance.Entry{Instance: r.Instance, Repository: r.Repository, Path: r.Path}
}

// commits accepts the newest commit on the nodes that refuse it for its history, or for who
// signed it.
func (c *Consent) commits(v *fleet.View, d *fleet.Deployment) {
	for _, n := range d.Nodes {
		r := n.Report
		switch {
		case r == nil:
			c.say(n.Name, nil, "was never heard: run mainstay accept on it")
		case r.Accepted == v.Commit:
			c.say(n.Name, nil, "goes by this commit already")
		case r.Seen != v.Commit || n.Stale:
			c.say(n.Name, nil, "has not said that it sees this commit (heard %s ago)", fleet.Age(n.Heard()))
		case r.Accepted == "":
			c.say(n.Name, nil, "goes by no commit, so it needs no note")
		default:
			c.refusal(v, d, &n)
		}
	}
}

func (c *Consent) refusal(v *fleet.View, d *fleet.Deployment, n *fleet.Node) {
	r := n.Report
	i := slices.IndexFunc(r.Conditions, func(k plan.Condition) bool {
		return slices.Contains([]string{plan.CondRewound, plan.CondSignatureRefused, plan.CondDeploymentRenamed, plan.CondRoleRenamed, plan.CondRoleRetyped}, k.Type)
	})
	if i < 0 {
		c.say(n.Name, nil, "does not go by this commit for a reason that no note accepts: mainstay status %s", n.Name)
		return
	}
	e, kind := entryOf(r), r.Conditions[i].Type
	e.Commit = &acceptance.Commit{From: r.Accepted, To: v.Commit, Renames: slices.Contains(renaming(), kind)}
	effect := ""
	if name := nameOf(r, d); name != d.Name {
		effect = fmt.Sprintf(", and go from the name %s to %s", name, d.Name)
	}
	if r.Declared != "" && r.Declared != d.Active {
		effect = fmt.Sprintf(", and go from active: %s to active: %s", r.Declared, d.Active)
	}
	if e.Commit.Renames {
		effect += ", on your statement of what you saw on both sides"
	}
	c.say(n.Name, &e, "would take commit %.12s in place of %.12s%s (%s)", v.Commit, r.Accepted, effect, kind)
	if e.Commit.Renames {
		c.Nodes[len(c.Nodes)-1].Says += "; it " + lastWord(n)
	}
}

// claims accepts the claim of each role that went back, on the node that should hold it: the
// one that runs, or else the one whose side is declared.
func (c *Consent) claims(d *fleet.Deployment) error {
	for _, role := range slices.Sorted(maps.Keys(d.Spec.Roles)) {
		if !d.Spec.Roles[role].Exclusive {
			continue
		}
		if err := c.claim(d, role); err != nil {
			return err
		}
	}
	return nil
}

func (c *Consent) claim(d *fleet.Deployment, role string) error {
	doubted, running := false, []*fleet.Node{}
	var holder, former *fleet.Node
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Role != role || n.Report == nil {
			continue
		}
		doubted = doubted || doubts(n.Report)
		if !d.Own(n.Report) {
			former = n
		}
		if n.Report.Running && !n.Stale {
			running = append(running, n)
		}
		if n.Side == d.Active {
			holder = n
		}
	}
	if doubted && former != nil {
		return &Refused{fmt.Sprintf("%s goes by the name %s, and what it says of a claim is of that name's", former.Name, former.Report.Deployment),
			"accept the commit that renames the deployment first, or take the old name back"}
	}
	switch len(running) {
	case 0:
	case 1:
		holder = running[0]
	default:
		return &Refused{fmt.Sprintf("%s and %s both say that they run", running[0].Name, running[1].Name), "stop one of them first"}
	}
	tip := d.Claims[role]
	switch {
	case !doubted:
		return nil
	case tip.Error != "":
		return &Refused{fmt.Sprintf("the claim of %s cannot be read: %s", role, tip.Error), "mend that first"}
	case holder == nil:
		c.say(role, nil, "no node of this role was heard that could hold the claim")
		return nil
	case holder.Stale || !doubts(holder.Report):
		c.say(holder.Name, nil, "should hold the claim of %s, and has not said that it went back", role)
		return nil
	}
	r := holder.Report
	e := entryOf(r)
	e.Claim = &acceptance.Claim{Role: role, Server: tip.ID, Seq: r.Seq}
	there := "is gone"
	if tip.ID != "" {
		there = fmt.Sprintf("is at #%d (%.12s)", tip.Seq, tip.ID)
	}
	c.say(holder.Name, &e, "would put the claim of %s, which %s, above #%d, as the node last knew it: %s", role, there, r.Seq, held(r))
	for i := range d.Nodes {
		if n := &d.Nodes[i]; n.Role == role && n.Name != holder.Name {
			c.say(n.Name, nil, "%s", lastWord(n))
		}
	}
	return nil
}

// held says who holds a claim that a node puts above the highest number: nothing else of it
// changes.
func held(r *plan.Report) string {
	if r.Holder.Side() == "" {
		return "held by nobody, and no side serves before it may take it (R4, R12)"
	}
	if r.Holder != plan.HeldBy(r.Side) {
		return fmt.Sprintf("held by %s, which is not this node's side", r.Holder)
	}
	return fmt.Sprintf("held by %s, this node's side", r.Holder)
}

// lastWord is what is known of the side that does not take the claim. Silence proves nothing.
func lastWord(n *fleet.Node) string {
	r := n.Report
	switch {
	case r == nil && n.Unreadable != "":
		return "said something that cannot be read: it may serve"
	case r == nil:
		return "was never heard: it may serve"
	}
	does := "does not run"
	if r.Running || r.Status == plan.Active || r.Status == plan.Unknown {
		does = "runs, or may do so"
	}
	if n.Stale {
		return fmt.Sprintf("said %s that it %s, and has not been heard since: it may serve", n.When(), does)
	}
	return fmt.Sprintf("says that it %s (heard %s)", does, n.When())
}

// doubts reports whether a node says that the claim of its role went back.
func doubts(r *plan.Report) bool {
	return slices.ContainsFunc(r.Conditions, func(k plan.Condition) bool {
		return k.Type == plan.CondClaimRegressed || k.Type == plan.CondClaimBehind || k.Type == plan.CondCoordinationMoved
	})
}

// Sign makes the note's commit with the person's own key, as their git is set up to sign.
// It is on no ref yet.
func (c *Consent) Sign(ctx context.Context, repo gitcmd.Repo) (string, error) {
	text, err := c.Note.Encode()
	if err != nil {
		return "", err
	}
	blob, err := repo.Text(ctx, gitcmd.Git("hash-object", "-w", "--stdin", "--no-filters").Reading(text))
	if err != nil {
		return "", err
	}
	tree, err := repo.Text(ctx, gitcmd.Git("mktree").Reading([]byte("100644 blob "+blob+"\t"+acceptance.File+"\n")))
	if err != nil {
		return "", err
	}
	commit, err := repo.Text(ctx, gitcmd.Git("commit-tree", "-S").On(tree).Reading([]byte("accept: "+c.Note.Attest+"\n")))
	if err != nil {
		return "", &Refused{fmt.Sprintf("the note was not signed: %v", err), "set up git to sign: user.signingkey, and gpg.format ssh for an SSH key"}
	}
	return commit, nil
}

// Push puts a signed note where the nodes find it, in place of an older one.
func (c *Consent) Push(ctx context.Context, repo gitcmd.Repo, remote, commit string) error {
	_, err := repo.Run(ctx, gitcmd.Git("push", "--quiet").On(remote, "+"+commit+":"+acceptance.Ref(c.Note.Deployment)))
	return err
}
