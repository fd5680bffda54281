package reconcile

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
)

// shelved are folders that can be listed.
type shelved struct{ folders }

func (l shelved) Revision(context.Context, string, string) (Revision, error) { return l, nil }

// Files is what the learner asks for to find a document of the same name.
func (l shelved) Files() ([]string, error) {
	var names []string
	for name := range l.files {
		names = append(names, name)
	}
	return names, nil
}

// One file of git under many names costs its bytes as many times.
func TestOneFileUnderManyNamesIsRefused(t *testing.T) {
	large := "# " + strings.Repeat("x", 1<<20-3) + "\n"
	for what, fill := range map[string]func(map[string]string){
		"templates": func(files map[string]string) {
			var list []string
			for i := range 60 {
				list = append(list, fmt.Sprintf("{ path: /etc/m%d.conf, template: t/%d }", i, i))
				files[fmt.Sprintf("t/%d", i)] = large
			}
			files["deployment.yaml"] = strings.Replace(media, "{ path: /etc/m.conf, template: t/m.tmpl }", strings.Join(list, ", "), 1)
		},
		"documents beside this one": func(files map[string]string) {
			files["deployment.yaml"], files["t/m.tmpl"] = media, "x"
			for i := range 80 {
				files[fmt.Sprintf("%d.yaml", i)] = large
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			attack.Row(t, "hostile document", "one large file under many names: "+what, "refused, and the accepted document stays")
			files := map[string]string{}
			files["deployment.yaml"], files["t/m.tmpl"] = media, "x"
			git := shelved{folders{newVault(""), files}}
			config := LearnerConfig{Node: "m", Branch: tip, Path: "deployment.yaml", Repository: git, Coordination: git.vault,
				Shared: true, Beside: inline, Clock: newStill(), Disk: newShelf(&journal{}), Log: quiet()}
			l := NewLearner(config)
			if snap := l.Look(t.Context()); snap.Accepted == nil {
				t.Fatalf("%+v", snap.Conditions)
			}
			before := git.refs[tip]
			git.refs[tip] = strings.Repeat("c", 40)
			fill(files)
			snap := l.Look(t.Context())
			if snap.Accepted.Commit != before || !hasCondition(snap.Conditions, plan.CondDocumentInvalid) {
				t.Errorf("accepted %s, %+v", snap.Accepted.Commit, snap.Conditions)
			}
		})
	}
}
