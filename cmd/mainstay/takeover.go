package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/control"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
)

func (a *app) takeoverCommand() *cobra.Command {
	var r reach
	var q control.TakeoverRequest
	var force bool
	c := &cobra.Command{
		Use:   "takeover --attest TEXT | --end",
		Short: "Activate this node by a person's word",
		Long: "takeover activates this node whatever the document says and also without git, because a person\n" +
			"states that the other side does not serve. The statement is kept in the claim's history, as soon\n" +
			"as git can be read.\n" +
			"Nothing else keeps the two sides apart then: look before you state it. When the other side was just\n" +
			"heard serving it asks on a terminal, and is refused elsewhere without --force. It ends once the\n" +
			"document agrees, or by --end.\n\n" +
			"With --adopt it makes the claim of a dead or replaced machine of this very side this node's own,\n" +
			"to serve or to release it as the document says.\n" + endsWith(exitRefused),
		Example: "  mainstay takeover --attest \"main is powered off, seen in the rack by me\"\n" +
			"  mainstay takeover --adopt --attest \"the old machine is in the skip\"\n" +
			"  mainstay takeover --end",
		RunE: func(c *cobra.Command, _ []string) error {
			agent, err := r.client()
			if err != nil {
				return err
			}
			if !q.End && !q.Adopt && !force && q.Attest != "" {
				if err := a.otherSideIsOff(c.Context(), agent); err != nil {
					return err
				}
			}
			q.Attest = stated(q.Attest)
			return a.answered(agent.Takeover(c.Context(), q))
		},
	}
	r.flags(c)
	c.Flags().StringVar(&q.Attest, "attest", "", "what you state about the other side")
	c.Flags().BoolVar(&q.Adopt, "adopt", false, "only take the claim of a dead machine of this side")
	c.Flags().BoolVar(&force, "force", false, "take over although the other side was just heard serving")
	c.Flags().BoolVar(&q.End, "end", false, "end a takeover that is in force")
	return c
}

// otherSideIsOff asks the person, or refuses where nobody can be asked, when the
// last word of the other side's node was that it serves and its silence since was
// not observed: another machine's clock is no proof of it. This is the one statement
// by which two sides can come to serve at once (R9). What the agent does not know
// stops nobody.
func (a *app) otherSideIsOff(ctx context.Context, agent *control.Client) error {
	s, err := agent.Status(ctx)
	if err != nil || s.Node.Status == plan.Active {
		return nil // the order itself says what is wrong
	}
	d := fleet.OfNode(s.Node, s.Others, nil, time.Now()).Deployments[0]
	for _, n := range d.Nodes {
		r := n.Report
		if n.Role != s.Node.Role || n.Side != s.Node.Side.Other() || !d.MayServe(n) {
			continue
		}
		text := fmt.Sprintf("%s (%s) was %s when it was last heard, %s", n.Name, r.Side, r.Status, n.When())
		if !ui.IsTerminal(a.in) {
			return failf(exitRefused, "refused: %s: %s is not off", text, r.Side).
				hintf("stop it first, or cut its power; when you know that it is off, add --force")
		}
		a.say("%s. If both serve, both answer.", text)
		fmt.Fprintf(a.err, "Type %s to go on: ", s.Node.Side)
		if line, err := ui.Answer(ctx, a.in); err != nil || line != string(s.Node.Side) {
			return failf(exitFailed, "nothing was changed")
		}
	}
	return nil
}

// stated adds to a statement who made it, when they became root by sudo.
func stated(text string) string {
	who := os.Getenv("SUDO_USER")
	if who == "" || strings.TrimSpace(text) == "" {
		return text
	}
	return strings.TrimSpace(text) + " (by " + who + ")"
}
