package change

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
	"mainstay/reconcile/plan"
)

// Refusal is why nodes of a deployment will not accept by themselves what the branch
// has.
type Refusal struct {
	Deployment string `json:"deployment"`
	// Commit is the one that they refuse.
	Commit string   `json:"commit"`
	Nodes  []string `json:"nodes"`
	// Condition is the type under which the nodes report it, and Why says it in words.
	Condition string `json:"condition"`
	Why       string `json:"why"`
	// Advice is what a person does about it.
	Advice string `json:"advice"`
}

// String says what is so.
func (r Refusal) String() string {
	return fmt.Sprintf("%s: %s will not accept %.7s, the newest commit: %s: %s",
		r.Deployment, strings.Join(r.Nodes, ", "), r.Commit, r.Condition, r.Why)
}

// Outlook is what is to come after the newest commit of a branch.
type Outlook struct {
	// Tip is that commit.
	Tip string
	// Target is the revision that is to come: it mends a branch that was rewritten
	// when it descends from what the nodes go by.
	Target string
	// Stays says that it changes no document.
	Stays bool
}

// Refusals foretells which nodes will not accept the newest commit because it does not
// descend from the one that they go by. Whether it does is not known in a copy without
// its whole history. What the nodes say by themselves of that commit counts when no
// document changes after it.
func (o Outlook) Refusals(ctx context.Context, repo gitcmd.Repo, v *fleet.View) []Refusal {
	l := lineage{repo: repo, known: map[[2]string]bool{}}
	tip := o.Tip
	var out []Refusal
	for _, d := range v.Deployments {
		for _, n := range d.Nodes {
			r := n.Report
			if r == nil || r.Accepted == "" {
				continue
			}
			said, _, _ := strings.Cut(refuses(r), ":")
			switch {
			case l.lacks(ctx, tip, r.Accepted) && l.lacks(ctx, o.Target, r.Accepted):
				out = add(out, Refusal{Deployment: d.Name, Commit: tip, Condition: plan.CondRewound,
					Why: fmt.Sprintf("it does not descend from %.7s, which they go by", r.Accepted),
					Advice: fmt.Sprintf("push a commit that descends from %.7s; or, if the history was rewritten on purpose, run `mainstay accept %.12s` on each of these nodes",
						r.Accepted, tip)}, n.Name)
			case said != "" && said != plan.CondRewound && o.Stays && r.Seen == tip:
				out = add(out, Refusal{Deployment: d.Name, Commit: tip, Condition: said, Why: strings.TrimPrefix(refuses(r), said+": "),
					Advice: "mend it and push again; mainstay status says what each node finds"}, n.Name)
			}
		}
	}
	return out
}

// add names a node of a refusal, one for all nodes that refuse for the same reason.
func add(all []Refusal, r Refusal, node string) []Refusal {
	i := slices.IndexFunc(all, func(o Refusal) bool {
		return o.Deployment == r.Deployment && o.Condition == r.Condition && o.Why == r.Why
	})
	if i < 0 {
		i, all = len(all), append(all, r)
	}
	all[i].Nodes = append(all[i].Nodes, node)
	return all
}

// lineage knows which commits descend from which.
type lineage struct {
	repo    gitcmd.Repo
	known   map[[2]string]bool
	shallow *bool
}

// lacks reports whether ancestor is known not to be one of a commit's ancestors, nor
// the commit itself.
func (l *lineage) lacks(ctx context.Context, commit, ancestor string) bool {
	if commit == ancestor || l.isShallow(ctx) {
		return false
	}
	key := [2]string{commit, ancestor}
	if lacks, ok := l.known[key]; ok {
		return lacks
	}
	_, err := l.repo.Run(ctx, gitcmd.Git("merge-base", "--is-ancestor").On(ancestor, commit))
	var exit *exec.ExitError
	// All ancestors of a commit are at hand: one that is not here (128) is none of them.
	l.known[key] = errors.As(err, &exit) && slices.Contains([]int{1, 128}, exit.ExitCode())
	return l.known[key]
}

func (l *lineage) isShallow(ctx context.Context) bool {
	if l.shallow == nil {
		text, err := l.repo.Text(ctx, gitcmd.Git("rev-parse", "--is-shallow-repository"))
		shallow := err != nil || text != "false"
		l.shallow = &shallow
	}
	return *l.shallow
}
