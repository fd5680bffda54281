package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/gitcmd"
	"mainstay/schema"
	"mainstay/spec"
)

// Request is what a person asks for.
type Request struct {
	// To is the side that is to serve; empty is the one that is not active, or the
	// other one than Fenced, or the one that is active for a request to stay or
	// about a node.
	To spec.Side
	// Fenced is the side that the person states to be off. Unfence takes such a
	// statement out again.
	Fenced  spec.Side
	Unfence bool
	// Stay leaves the side that is active, whichever that is.
	Stay bool
	// Pause is a node whose agent is to look only, Resume one that is to act again.
	Pause, Resume string
	// Until is when the pause ends, zero for a commit that resumes the node.
	Until time.Time
	// At is when the change is to be made, zero for now. The commit tells it, and nothing
	// here waits for it.
	At time.Time
	// Reason is for the people who read the history.
	Reason string
	// Force are the words of the objections that are overridden.
	Force []string
}

// Misuse is a request that contradicts itself or the document.
type Misuse struct{ Reason, Advice string }

// Error returns the reason.
func (m *Misuse) Error() string { return m.Reason }

// Hint returns what would be right.
func (m *Misuse) Hint() string { return m.Advice }

// Refused is a request that a rule of safety speaks against.
type Refused struct{ Reason, Advice string }

// Error returns the reason.
func (r *Refused) Error() string { return r.Reason }

// Hint returns what to do about it.
func (r *Refused) Hint() string { return r.Advice }

// Broken is a document that no node would accept.
type Broken struct {
	Path     string
	Problems []schema.Problem
}

// Error counts the problems.
func (b *Broken) Error() string { return fmt.Sprintf("%s has %d problems", b.Path, len(b.Problems)) }

// Proposal is a change that was thought through and not made yet.
type Proposal struct {
	// Forecast is what it will do.
	Forecast *forecast.Forecast
	// Objections speak against it; Forced are those that the person overrides.
	Objections, Forced []forecast.Objection
	// Declared says that the document declares it already: nothing is to be pushed.
	Declared bool
	// Now is what the deployment is, Next what it becomes, Base the commit that the
	// change is made on.
	Now     *fleet.Deployment
	Next    *spec.Deployment
	Base    string
	request Request
	content []byte
}

// Prepare makes the new document of a deployment, and says what it will do and
// what speaks against it. The repository must have the commit of the view.
// Errors: Misuse, Refused, Broken, ErrByHand, and those of reading.
func Prepare(ctx context.Context, repo gitcmd.Repo, v *fleet.View, now *fleet.Deployment, r Request) (*Proposal, error) {
	if len(now.Problems) > 0 {
		return nil, &Broken{now.Path, now.Problems}
	}
	if r.To == "" {
		r.To = r.side(now)
	}
	if err := r.check(now); err != nil {
		return nil, err
	}
	tree := repo.At(ctx, v.Commit)
	before, err := tree.Read(now.Path)
	if err != nil {
		return nil, err
	}
	p := &Proposal{Now: now, Base: v.Commit, request: r}
	if p.content, err = Edit(before, r.word(now)); err != nil {
		return nil, fmt.Errorf("%s: %w", now.Path, err)
	}
	next, problems, err := fleet.Load(changed{tree, now.Path, p.content}, now.Path)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, &Broken{now.Path, problems}
	}
	p.Next = next
	p.Declared = now.Active == next.Active && now.Fenced == next.Fenced && !p.repauses()
	p.Forecast = forecast.Of(forecast.Input{From: now.Spec, To: next, Now: now, Coordinated: v.Coordinated})
	p.weigh(r.Force)
	return p, nil
}

// side is the one that a request means which names none.
func (r Request) side(now *fleet.Deployment) spec.Side {
	switch {
	case r.Fenced != "":
		return r.Fenced.Other()
	case r.Stay || r.Pause != "" || r.Resume != "":
		return now.Active
	}
	return now.Active.Other()
}

// word is what the document is to say. The switch is left as it is written where it
// stands as asked.
func (r Request) word(now *fleet.Deployment) Word {
	w := Word{Active: r.To, Fenced: r.Fenced, Unfence: r.Unfence, Pause: r.Pause, Until: r.Until, Resume: r.Resume}
	if now.Active == r.To {
		w.Active = ""
	}
	return w
}

// repauses reports whether the change pauses a node that is not paused, or the
// reverse.
func (p *Proposal) repauses() bool {
	r := p.request
	was, will := p.Now.Spec.Nodes[r.Pause], p.Next.Nodes[r.Pause]
	return r.Pause != "" && (was.Paused != will.Paused || !was.Until.Equal(will.Until)) || r.Resume != "" && p.Now.Spec.Nodes[r.Resume].Paused
}

// check returns what a request contradicts.
func (r Request) check(now *fleet.Deployment) error {
	for _, node := range []string{r.Pause, r.Resume} {
		if _, ok := now.Node(node); node != "" && !ok {
			return &Misuse{fmt.Sprintf("%s has no node %s", now.Path, node), "name a node of the document"}
		}
	}
	switch {
	case r.Pause != "" && r.Pause == r.Resume:
		return &Misuse{r.Pause + " cannot be both paused and resumed", "ask for one of the two"}
	case r.Fenced != "" && r.Unfence:
		return &Misuse{"the request both states a side to be off and takes such a statement out", "use one of --fenced and --unfence"}
	case r.Fenced == r.To:
		return &Misuse{fmt.Sprintf("%s cannot be both active and off", r.To), "--fenced names the side that goes down"}
	case r.Unfence && now.Fenced == "":
		return &Misuse{now.Path + " fences nobody", "leave --unfence out"}
	case now.Fenced == r.To && !r.Unfence:
		return &Refused{fmt.Sprintf("the document says fenced: %s, so that side stays down", r.To), "if it may serve again, add --unfence"}
	}
	return nil
}

// weigh parts the objections into those that are overridden and those that stand.
func (p *Proposal) weigh(force []string) {
	for _, o := range p.Forecast.Objections {
		if slices.Contains(force, o.What) {
			p.Forced = append(p.Forced, o)
		} else {
			p.Objections = append(p.Objections, o)
		}
	}
}

// Refusal is what stands against the proposal, nil when nothing does.
func (p *Proposal) Refusal() error {
	if len(p.Objections) == 0 {
		return nil
	}
	var words, reasons []string
	for _, o := range p.Objections {
		words = append(words, o.What)
		reasons = append(reasons, o.Reason())
	}
	slices.Sort(words)
	return &Refused{"refused: " + strings.Join(reasons, "; "),
		fmt.Sprintf("%s. Or override it: --force %s", strings.TrimSuffix(p.Objections[0].Advice, "."), strings.Join(slices.Compact(words), ","))}
}

// Push commits the change and puts it on a branch of a remote, without force, and
// returns the commit. It does not look at Objections: whoever calls it did.
// Errors: ErrNotCommitted, ErrMoved, and gitcmd.Error.
func (p *Proposal) Push(ctx context.Context, repo gitcmd.Repo, remote, branch string) (string, error) {
	hash, err := Commit(ctx, repo, File{Base: p.Base, Path: p.Now.Path, Content: p.content, Message: p.message(branch)})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotCommitted, err)
	}
	return hash, Push(ctx, repo, remote, hash, branch)
}

// ErrNotCommitted means that git made no commit: most of all because it does not
// know who the person is.
var ErrNotCommitted = errors.New("commit")

// changed is a tree with one file in another content.
type changed struct {
	gitcmd.Tree
	path    string
	content []byte
}

// Read returns a file as the change makes it.
func (c changed) Read(path string) ([]byte, error) {
	if path == c.path {
		return c.content, nil
	}
	return c.Tree.Read(path)
}

// message is the commit's: what, why, what to expect, and trailers for programs. The
// branch ties it, with a signature, to where it is put (verify.policy.bound).
func (p *Proposal) message(branch string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", p.Now.Name, p.verb())
	reason := strings.TrimSpace(p.request.Reason)
	if reason != "" {
		fmt.Fprintf(&b, "%s\n\n", reason)
	}
	for _, h := range p.Forecast.Handovers {
		guarantee := h.Guarantee
		if guarantee == "" {
			guarantee = "none"
		}
		fmt.Fprintf(&b, "%s: guarantee %s expected: %s.\n", h.Role, guarantee, h.Why)
	}
	if len(p.Forecast.Handovers) > 0 {
		b.WriteString("\n")
	}
	p.trailers(&b, branch, strings.Join(strings.Fields(reason), " "))
	return b.String()
}

// verb says in a few words what the change is.
func (p *Proposal) verb() string {
	r := p.request
	switch {
	case p.Next.Active != p.Now.Active && p.Next.Active == spec.Main:
		return "fail back to main"
	case p.Next.Active != p.Now.Active:
		return "fail over to " + string(p.Next.Active)
	case r.Pause != "":
		return "pause " + r.Pause
	case r.Resume != "":
		return "resume " + r.Resume
	case p.Next.Fenced != p.Now.Fenced && p.Next.Fenced != "":
		return "fence " + string(p.Next.Fenced)
	case p.Next.Fenced != p.Now.Fenced:
		return "take the fence of " + string(p.Now.Fenced) + " out"
	}
	return "stay on " + string(p.Next.Active)
}

// TrailerAt is the key under which a commit tells when it is to be made.
const TrailerAt = "Mainstay-At"

func (p *Proposal) trailers(b *strings.Builder, branch, reason string) {
	fmt.Fprintf(b, "Mainstay-Deployment: %s\nMainstay-Branch: %s\nMainstay-From: %s\nMainstay-To: %s\n", p.Now.Name, branch, p.Now.Active, p.Next.Active)
	if p.Next.Fenced != "" {
		fmt.Fprintf(b, "Mainstay-Fenced: %s\n", p.Next.Fenced)
	}
	if at := p.request.At; !at.IsZero() {
		fmt.Fprintf(b, "%s: %s\n", TrailerAt, at.UTC().Format(time.RFC3339))
	}
	if p.request.Pause != "" {
		fmt.Fprintf(b, "Mainstay-Paused: %s\n", p.request.Pause)
	}
	if p.request.Resume != "" {
		fmt.Fprintf(b, "Mainstay-Resumed: %s\n", p.request.Resume)
	}
	if reason != "" {
		fmt.Fprintf(b, "Mainstay-Reason: %s\n", reason)
	}
	for _, o := range p.Forced {
		fmt.Fprintf(b, "Mainstay-Forced: %s %s: %s\n", o.What, o.Node, strings.Join(strings.Fields(o.Why), " "))
	}
}
