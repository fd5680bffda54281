// Package carrying is the command line of what a person does with the places of claims:
// carrying them from one to another.
//
// It must not know how that is done safely: that is package carry's.
package carrying

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/reconcile"
	"mainstay/reconcile/carry"
	"mainstay/reconcile/git"
	"mainstay/reconcile/places"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/state"
	"mainstay/spec"
)

// Carried is one claim in its new place.
type Carried struct {
	Role   string      `json:"role"`
	From   string      `json:"from"`
	To     string      `json:"to"`
	Seq    uint64      `json:"seq"`
	Holder plan.Holder `json:"holder"`
}

// Command is the command line. Load reads an agent's own file.
func Command(out io.Writer, load func(file string) (*spec.AgentFile, error), config, exits string) *cobra.Command {
	var from, to string
	var roles []string
	c := &cobra.Command{
		Use:       "coordination move",
		Short:     "Carry a claim to another place, such as etcd, and back",
		ValidArgs: []string{"move"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		Long: "move carries the claim of a role, with all that was ever changed of it, from\n" +
			"the place of coordination that --from names to the one that --to names. Both are\n" +
			"agents' own files. Whoever serves goes on serving, and nobody starts or takes\n" +
			"over before the nodes have the new file: give it to each of them then, first to\n" +
			"the one that serves, and restart their agents. At no moment both places count.\n" +
			"What broke off is run again, or taken back by naming the two files the other way\n" +
			"round; for either both places must take changes. Run it on the node that serves,\n" +
			"for each role: the nodes believe signed claims only from there.\n" + exits,
		Example: "  mainstay coordination move --to /etc/mainstay/agent-etcd.yaml\n" +
			"  # and back\n  mainstay coordination move --from agent-etcd.yaml --to agent.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			done, err := move(c.Context(), load, from, to, roles)
			format, _ := c.Flags().GetString("output")
			return errors.Join(show(out, format, done), err)
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", config, "an agent's own file, which names the place that counts now")
	f.StringVar(&to, "to", "", "an agent's own file, which names the new place")
	f.StringSliceVar(&roles, "role", nil, "whose claim (default: this node's own role)")
	_ = c.MarkFlagRequired("to")
	return c
}

func show(out io.Writer, format string, done []Carried) error {
	if format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"carried": slices.Concat([]Carried{}, done)})
	}
	for _, d := range done {
		holds := string(d.Holder) + " holds it"
		if d.Holder == plan.HeldByNone {
			holds = "nobody holds it"
		}
		if _, err := fmt.Fprintf(out, "the claim of %s counts in %s from seq %d on, and in %s no more; %s\n", d.Role, d.To, d.Seq, d.From, holds); err != nil {
			return err
		}
	}
	if len(done) > 0 {
		_, err := fmt.Fprintln(out, "now give every node the new file, first the one that serves, and restart its agent")
		return err
	}
	return nil
}

// move carries the claims of some roles, and returns those that it did.
func move(ctx context.Context, load func(string) (*spec.AgentFile, error), from, to string, roles []string) ([]Carried, error) {
	folder, err := os.MkdirTemp("", "mainstay-move-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	disk, err := state.Open(folder)
	if err != nil {
		return nil, err
	}
	var at [2]*places.Places
	var files [2]*spec.AgentFile
	for i, name := range []string{from, to} {
		if files[i], err = load(name); err != nil {
			return nil, err
		}
		if at[i], err = places.Open(files[i], disk, reconcile.DefaultTimeout, slog.New(slog.DiscardHandler)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if at[i].Place == nil {
			return nil, fmt.Errorf("%s names no place of coordination", name)
		}
	}
	d, err := document(ctx, files[0], at[0])
	if err != nil {
		return nil, err
	}
	if roles, err = rolesOf(d, files[0].Node, roles); err != nil {
		return nil, err
	}
	c := &carry.Carrier{From: at[0].Place, To: at[1].Place, Chains: git.NewChainStore(disk),
		Notary: git.NewNotary(files[1].SigningKey(), files[1].Verify.Nodes), Try: carry.TryOut(at[1].Place, d.Name, files[1].Node), Now: time.Now}
	for _, p := range at {
		p.Place.Narrow("", d.Name)
	}
	var done []Carried
	for _, role := range roles {
		tip, err := c.Claim(ctx, plan.ClaimRef(d.Name, role), d.Active)
		if err != nil {
			return done, fmt.Errorf("the claim of %s: %w", role, err)
		}
		done = append(done, Carried{Role: role, From: carry.Word(c.From.URL()), To: carry.Word(c.To.URL()), Seq: tip.Seq, Holder: tip.Holder})
	}
	return done, nil
}

// document is the newest one, as an agent reads it.
func document(ctx context.Context, f *spec.AgentFile, at *places.Places) (*spec.Deployment, error) {
	l, err := at.Document.List(ctx)
	if err != nil {
		return nil, err
	}
	tip := l.Refs[at.Branch]
	if tip == "" {
		return nil, fmt.Errorf("the repository has no %s", at.Branch)
	}
	rev, err := at.Document.Revision(ctx, tip, "")
	if err != nil {
		return nil, err
	}
	b, err := rev.Read(f.Repository.Path)
	if err != nil {
		return nil, err
	}
	d, problems := reconcile.LoadDocument(f.Repository.Path, b, spec.TemplatesBeside(f.Repository.Path, rev.Read))
	if len(problems) > 0 {
		return nil, fmt.Errorf("the newest document is not valid: %s", problems[0].Message)
	}
	return d, nil
}

// rolesOf are the exclusive roles whose claims are to be carried.
func rolesOf(d *spec.Deployment, node string, asked []string) ([]string, error) {
	if len(asked) == 0 {
		n, ok := d.Nodes[node]
		if !ok {
			return nil, fmt.Errorf("the document names no node %q: name a role with --role", node)
		}
		asked = []string{n.Role}
	}
	for _, role := range asked {
		if r, ok := d.Roles[role]; !ok || !r.Exclusive {
			return nil, fmt.Errorf("%q is no exclusive role of %s, so it has no claim", role, d.Name)
		}
	}
	return asked, nil
}
