package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/reconcile/control"
	"mainstay/reconcile/plan"
	"mainstay/reconcile/record"
)

func (a *app) explainCommand() *cobra.Command {
	var r reach
	var last int
	var replay, state, rule string
	c := &cobra.Command{
		Use:   "explain",
		Short: "Tell in words what this node decided, and why",
		Long: "explain tells the newest decisions of this node's agent, each with its rule. Without a running\n" +
			"agent it reads what the agent left in its state folder. With --replay it decides again on saved\n" +
			"inputs, as explain -o json prints them, and fails unless every decision is the same. With --rule it\n" +
			"tells a rule in full.\n" + endsWith(),
		Example: "  mainstay explain --last 5\n  mainstay explain -o json >passes.json\n  mainstay explain --replay passes.json\n" +
			"  mainstay explain --rule R4",
		RunE: func(c *cobra.Command, _ []string) error {
			if rule != "" {
				return a.explainRule(plan.Rule(rule))
			}
			if last < 1 {
				return failf(exitUsage, "--last %d: it must be above zero", last)
			}
			if replay != "" {
				return a.replay(replay)
			}
			e, err := a.explained(c.Context(), &r, state, last)
			if err != nil {
				return err
			}
			return a.printExplained(e)
		},
	}
	r.flags(c)
	c.Flags().IntVar(&last, "last", 20, "how many decisions")
	c.Flags().StringVar(&replay, "replay", "", "decide again on the inputs in this file, - for the standard input")
	c.Flags().StringVar(&rule, "rule", "", "tell this rule in full, such as R4, follow or services")
	a.complete(c, nil, map[string]choices{"rule": ruleNames})
	c.Flags().StringVar(&state, "state", "", "read this state folder instead of asking the agent")
	return c
}

// explainRule tells a rule in full.
func (a *app) explainRule(r plan.Rule) error {
	text := r.Text()
	if text == "" {
		return failf(exitUsage, "there is no rule %q; the rules are %s", r, joinRules())
	}
	if a.format == "json" {
		return a.printJSON(map[string]string{"rule": string(r), "text": text})
	}
	return a.tell("%s", text)
}

func joinRules() string { return strings.Join(ruleNames(), ", ") }

func ruleNames() []string {
	var all []string
	for _, r := range plan.Rules() {
		all = append(all, string(r))
	}
	return all
}

// explained asks the agent, or its state folder when there is no agent.
func (a *app) explained(ctx context.Context, r *reach, state string, last int) (control.Explanation, error) {
	if state == "" {
		agent, err := r.client()
		if err != nil {
			return control.Explanation{}, err
		}
		e, err := agent.Explain(ctx, last)
		if !errors.Is(err, control.ErrNoAgent) || r.socket != "" {
			return e, fromAgent(err)
		}
		f, ferr := r.file()
		if ferr != nil {
			return e, ferr
		}
		if _, serr := os.Stat(f.State); serr != nil {
			return e, fromAgent(err)
		}
		a.say("warning: no agent answers: this is from %s", f.State)
		state = f.State
	}
	entries, err := record.Read(state, last)
	return control.Explanation{Entries: entries}, err
}

func (a *app) printExplained(e control.Explanation) error {
	if a.format == "json" {
		return a.printJSON(e)
	}
	for _, entry := range e.Entries {
		if err := a.tell("%s", record.Words(entry)); err != nil {
			return err
		}
	}
	if len(e.Entries) == 0 {
		fmt.Fprintln(a.err, "nothing was decided yet")
	}
	return nil
}

// replay decides again on every saved input of a file.
func (a *app) replay(path string) error {
	entries, err := a.readEntries(path)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return failf(exitFailed, "%s holds no saved decision", path).hintf("make one with mainstay explain -o json")
	}
	all, differ := record.ReplayAll(entries)
	for i, e := range entries {
		if again := e; !all[i].Same && a.format == "text" {
			again.Decision = all[i].Decision
			_ = a.tell("saved:\n%sdecided now:\n%s", record.Words(e), record.Words(again))
		}
	}
	if a.format == "json" {
		if err := a.printJSON(all); err != nil {
			return err
		}
	}
	if differ > 0 {
		return failf(exitFailed, "%d of %s came out otherwise", differ, count(len(all), "decision")).
			hintf("another version of mainstay may decide otherwise: use the one that saved them")
	}
	if a.format == "text" {
		return a.tell("%s, the same again\n", count(len(all), "decision"))
	}
	return nil
}

func (a *app) readEntries(path string) ([]record.Entry, error) {
	if path == "-" {
		return record.ReadEntries(a.in)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return record.ReadEntries(f)
}
