package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/draw"
	"mainstay/cmd/mainstay/plugin"
	"mainstay/cmd/mainstay/ui"
	"mainstay/reconcile/control"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/service"
)

// watchEvery is how often status --watch looks.
const watchEvery = time.Second

// looker answers what a deployment is now.
type looker func(ctx context.Context) (*fleet.View, error)

func (a *app) statusCommand() *cobra.Command {
	l := &locator{}
	var socket string
	var watch, check bool
	d := &draw.Details{}
	c := &cobra.Command{
		Use:   "status [NODE…]",
		Short: "What every node is, and why",
		Long: "status reads the documents, the claims and the nodes' reports from the repository and says what\n" +
			"every node is. COMMIT is the one that the node goes by. HEARD is how long ago the node made its\n" +
			"report; a node that is overdue is shown as 'was Active'. With many documents it shows one line for\n" +
			"each.\n\n" +
			"With the name of a node it shows what runs there: services with their restarts and what they said\n" +
			"last, checks, jobs, and what to do about each condition. --services shows that of every node.\n\n" +
			"With --socket it asks the agent of this node instead, which needs no git.\n" +
			"\nEXIT STATUS\n  0  every node was heard, is what the document says and has nothing to tell\n" +
			"  1  something is not: a node is Failed, Held, Paused, changing, lagging or not\n" +
			"     heard; both sides serve; a readiness check fails; a document has problems;\n" +
			"     or nothing could be read\n  2  usage\n" +
			"With --check: 0 well, 1 something is not, 2 nobody or both sides serve,\n  3 not known\n",
		Args: cobra.ArbitraryArgs,
		Example: "  mainstay status\n  mainstay status xivo-main\n  mainstay status --services\n  mainstay status --watch\n  mainstay status --repo ssh://git@git.example.org/voice/paris.git -o json\n" +
			"  mainstay status --socket /run/mainstay/agent.sock",
		RunE: func(c *cobra.Command, names []string) error {
			d.Nodes = names
			look := a.agentLooker(socket)
			if socket == "" {
				s, err := l.open(c.Context())
				if err != nil && check {
					look = func(context.Context) (*fleet.View, error) { return nil, err }
					return a.checkStatus(c.Context(), look)
				}
				if err != nil {
					return err
				}
				defer s.Close()
				s.LookAtMembers()
				look = func(ctx context.Context) (*fleet.View, error) {
					v, err := l.read(ctx, s)
					return v, withoutGit(err, "on a node, `mainstay status --socket "+defaultSocket+"` needs no git")
				}
			}
			if check {
				return a.checkStatus(c.Context(), look)
			}
			if watch {
				return a.watch(c.Context(), look, d)
			}
			return a.status(c.Context(), look, d)
		},
	}
	l.flags(c, "branch")
	a.complete(c, l, map[string]choices{"deployment": nil})
	c.ValidArgsFunction = a.nodesOf(l)
	c.Flags().StringVar(&socket, "socket", "", "ask the agent of this node, at its control socket")
	c.Flags().BoolVar(&d.All, "services", false, "show what runs on every node")
	c.Flags().BoolVar(&check, "check", false, "say it in one line, as Icinga and Nagios read it, and end with 0, 1, 2 or 3")
	c.Flags().BoolVar(&watch, "watch", false, "look again every second, until q or Ctrl-C; -o json prints one line for each look")
	return c
}

// agentLooker asks an agent through its control socket.
func (a *app) agentLooker(socket string) looker {
	return func(ctx context.Context) (*fleet.View, error) {
		s, err := control.NewClient(socket, service.SystemClock{}.Boot).Status(ctx)
		if err != nil {
			return nil, failf(exitFailed, "%w", err).hintf("is `mainstay agent` running, and may you use %s?", socket)
		}
		claims := map[string]plan.Tip{}
		for role, c := range s.Claims {
			claims[role] = c.Tip
		}
		return fleet.OfNode(s.Node, s.Others, claims, time.Now()), nil
	}
}

// status looks once. What is not as it should be is exit code 1, already told by
// the result.
func (a *app) status(ctx context.Context, look looker, d *draw.Details) error {
	v, err := look(ctx)
	if err != nil {
		return err
	}
	if err := checkNames(d, v); err != nil {
		return err
	}
	if a.format == "json" {
		err = a.printJSON(v)
	} else {
		err = d.Draw(ui.ScreenOf(a.out), v)
	}
	if err == nil && !v.OK {
		return &fault{code: exitFailed, err: errSaid{}}
	}
	return err
}

// checkBound is how long a look may take for a program that runs plugins.
const checkBound = 50 * time.Second

// checkStatus looks once, for a program that monitors.
func (a *app) checkStatus(ctx context.Context, look looker) error {
	ctx, cancel := context.WithTimeout(ctx, checkBound)
	defer cancel()
	line, code := plugin.Check(look(ctx))
	if err := a.tell("%s", line); err != nil || code == plugin.OK {
		return err
	}
	return &fault{code: code, err: errSaid{}}
}

// errSaid is an error that the result has told already.
type errSaid struct{}

func (errSaid) Error() string { return "" }

// checkNames refuses the name of a node that no deployment has.
func checkNames(d *draw.Details, v *fleet.View) error {
	var known []string
	for i := range v.Deployments {
		for _, n := range v.Deployments[i].Nodes {
			known = append(known, n.Name)
		}
	}
	for _, name := range d.Nodes {
		if !slices.Contains(known, name) {
			return failf(exitUsage, "there is no node %q", name).hintf("it has %s", ui.Some(known))
		}
	}
	return nil
}

// watch looks again and again until ctx ends.
func (a *app) watch(ctx context.Context, look looker, d *draw.Details) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	ctx, out, leave := a.untilKey(ctx)
	defer leave()
	p := painter{live: ui.Live{Out: out}, Details: d}
	for {
		v, err := look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := a.show(&p, v, err); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// show shows one look: to people a table, to programs one line of JSON, and
// nothing where a look came to nothing.
func (a *app) show(p *painter, v *fleet.View, failed error) error {
	if a.format != "json" {
		return p.paint(a, v, failed)
	}
	if failed != nil {
		a.say("%s; trying again", failed)
		return nil
	}
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// painter draws over what it drew before.
type painter struct {
	last *fleet.View
	live ui.Live
	*draw.Details
}

// paint draws a look; one that came to nothing leaves the last one standing,
// with its age.
func (p *painter) paint(a *app, v *fleet.View, failed error) error {
	if v != nil {
		p.last = v
	}
	var text bytes.Buffer
	s := ui.ScreenOf(a.out)
	s.Out = &text
	s.Cut(ui.Dim, "%s · every %s · q or Ctrl-C ends", time.Now().Format("15:04:05"), watchEvery)
	if p.last != nil {
		if err := p.Draw(s, p.last); err != nil {
			return err
		}
	}
	if failed != nil {
		s.Say(ui.Bad, "! %s", failed)
		if p.last != nil {
			s.Say(ui.Bad, "! what is shown was read %s ago", fleet.Age(time.Since(p.last.Read)))
		}
	}
	if !ui.IsTerminal(a.out) {
		_, err := fmt.Fprintln(a.out, text.String())
		return err
	}
	return p.live.Draw(text.String(), ui.Height(a.out))
}
