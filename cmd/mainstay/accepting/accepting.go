// Package accepting is the command line of what a person accepts on every node at once, by
// a signed note.
//
// It must not know what a node obeys: that is package acceptance's.
package accepting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/acceptance"
	"mainstay/reconcile/change"
	"mainstay/reconcile/control"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/git"
	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
)

// Face is what the command line gives to the command.
type Face struct {
	In       io.Reader
	Out, Err io.Writer
	// Place is where the repository is, once Open found it.
	Place *fleet.Location
	Open  func(ctx context.Context) (*fleet.Source, error)
	Look  func(ctx context.Context, s *fleet.Source) (*fleet.View, *fleet.Deployment, error)
	// OnNode asks this node's agent. Fault gives an error its exit code.
	OnNode func(ctx context.Context, q control.AcceptRequest) error
	Fault  func(error) error
}

// options are the flags.
type options struct {
	control.AcceptRequest
	everywhere, yes, dryRun, json bool
	good, wait                    time.Duration
}

// Command is the command line.
func Command(f *Face, exits string) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:     "accept [COMMIT|--claim] [--everywhere] [--attest TEXT]",
		Short:   "Accept a rewritten branch, or a claim that went back",
		Long:    help + exits,
		Example: examples,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Commit = args[0]
			}
			format, _ := c.Flags().GetString("output")
			if o.json = format == "json"; !o.everywhere {
				return f.OnNode(c.Context(), o.AcceptRequest)
			}
			return f.Fault(f.everywhere(c.Context(), o))
		},
	}
	flags := c.Flags()
	flags.BoolVar(&o.Claim, "claim", false, "accept the claim, not a commit")
	flags.StringVar(&o.Attest, "attest", "", "what you saw, which nothing else tells")
	flags.BoolVar(&o.everywhere, "everywhere", false, "from anywhere, on every node, by a note that you sign")
	flags.DurationVar(&o.good, "good-for", time.Hour, "how long the note is good, at most 24h")
	flags.DurationVar(&o.wait, "wait", 2*time.Minute, "how long to follow the nodes; 0 does not")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what each node would take, and write no note")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	return c
}

// result is the JSON form of a note.
type result struct {
	Deployment string              `json:"deployment"`
	Formerly   string              `json:"formerly,omitempty"`
	Leaves     []string            `json:"leaves,omitempty"`
	Note       string              `json:"note,omitempty"`
	Until      time.Time           `json:"until"`
	Nodes      []change.Consenting `json:"nodes"`
	Obeyed     bool                `json:"obeyed"`
}

// everywhere shows what each node would take, asks, signs, pushes and follows.
func (f *Face) everywhere(ctx context.Context, o *options) error {
	if o.good <= 0 || o.good > acceptance.Longest || o.wait < 0 {
		return &change.Misuse{Reason: fmt.Sprintf("--good-for is %s and --wait %s", o.good, o.wait), Advice: "a note is good for 24h at most; --wait 0 follows nothing"}
	}
	s, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	look := func(ctx context.Context) (*fleet.View, *fleet.Deployment, error) { return f.look(ctx, s, o.Claim) }
	v, d, err := look(ctx)
	if err != nil {
		return err
	}
	a := change.Accept{Branch: git.Branch(f.Place.Branch), Commit: o.Commit, Claim: o.Claim, Attest: o.Attest, Until: time.Now().Add(o.good)}
	c, err := a.Consent(v, d)
	if c != nil {
		for _, line := range c.Leaves {
			f.say("%s", line)
		}
		for _, n := range c.Nodes {
			f.say("%s %s", n.Node, n.Says)
		}
	}
	if err != nil {
		return err
	}
	r := &result{Deployment: d.Name, Until: c.Note.Until, Leaves: c.Leaves, Nodes: c.Nodes}
	if c.Note.Deployment != d.Name {
		r.Formerly = c.Note.Deployment
	}
	if o.dryRun {
		return f.end(o, r)
	}
	if err := f.confirmed(ctx, o.yes); err != nil {
		return err
	}
	if r.Note, err = f.write(ctx, c); err != nil {
		return err
	}
	f.say("the note %.12s is written; it is good until %s", r.Note, c.Note.Until.Local().Format(time.RFC3339))
	if o.wait > 0 {
		c.Changes = func(ctx context.Context, role string) ([]plan.Tip, error) { return changes(ctx, s, d.Name, role) }
		err = f.follow(ctx, o.wait, look, c)
		r.Obeyed = err == nil
	}
	return errors.Join(f.end(o, r), err)
}

// look reads what the nodes say, those that go by another name of the deployment too: no
// other node waits for a commit.
func (f *Face) look(ctx context.Context, s *fleet.Source, claim bool) (*fleet.View, *fleet.Deployment, error) {
	v, d, err := f.Look(ctx, s)
	if err != nil || claim || !slices.ContainsFunc(d.Nodes, func(n fleet.Node) bool { return n.Report == nil || n.Report.Accepted != v.Commit }) {
		return v, d, err
	}
	return v, d, s.Formerly(ctx, v, d)
}

// write signs the note and puts it where the nodes find it.
func (f *Face) write(ctx context.Context, c *change.Consent) (string, error) {
	repo, done, err := f.Place.Workplace(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	commit, err := c.Sign(ctx, repo)
	if err != nil {
		return "", err
	}
	return commit, c.Push(ctx, repo, f.Place.URL, commit)
}

func (f *Face) follow(ctx context.Context, wait time.Duration, look change.Look, c *change.Consent) error {
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	err := c.Follow(bounded, look, func(node, says string) { f.say("%s: %s", node, says) }, tick.C)
	if err == nil {
		f.say("every node that the note names has obeyed it")
	}
	return err
}

// changes reads every change of a claim.
func changes(ctx context.Context, s *fleet.Source, deployment, role string) (all []plan.Tip, err error) {
	read, err := s.Chain(ctx, deployment, role)
	for _, c := range read {
		all = append(all, c.Tip)
	}
	return all, err
}

// confirmed asks the person, unless they said yes before.
func (f *Face) confirmed(ctx context.Context, yes bool) error {
	if yes {
		return nil
	}
	if in, ok := f.In.(*os.File); !ok || !ui.IsTerminal(in) {
		return &change.Misuse{Reason: "nobody is here to be asked", Advice: "add --yes, or --dry-run"}
	}
	fmt.Fprint(f.Err, "These nodes will take this on your word. Type accept to go on: ")
	if line, err := ui.Answer(ctx, f.In); err != nil || line != "accept" {
		return errors.New("nothing was changed")
	}
	return nil
}

func (f *Face) say(format string, args ...any) {
	fmt.Fprintln(f.Err, plain.Line(fmt.Sprintf(format, args...)))
}

func (f *Face) end(o *options, r *result) error {
	if !o.json {
		return nil
	}
	e := json.NewEncoder(f.Out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
