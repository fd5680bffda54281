package reconcile

import (
	"context"
	"io/fs"
	"testing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/plan"
	"mainstay/spec"
)

// folders is a repository whose one commit holds files by their paths.
type folders struct {
	*vault
	files map[string]string
}

func (f folders) Revision(context.Context, string, string) (Revision, error) { return f, nil }

// Read is part of Revision.
func (f folders) Read(path string) ([]byte, error) {
	if text, ok := f.files[path]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
}

const media = `apiVersion: mainstay/v1
kind: Deployment
name: paris
active: main
nodes: { m: { role: media } }
roles: { media: { files: [{ path: /etc/m.conf, template: t/m.tmpl }] } }
`

// TestTemplatesAreBesideTheDocument: every reader looks for templates
// in the document's own folder, so that one repository can hold several
// deployments.
func TestTemplatesAreBesideTheDocument(t *testing.T) {
	for path, c := range map[string]struct {
		template string
		accepted bool
	}{
		"deployment.yaml":             {"t/m.tmpl", true},
		"paris/deployment.yaml":       {"paris/t/m.tmpl", true},
		"sites/paris/deployment.yaml": {"sites/paris/t/m.tmpl", true},
		"lyon/deployment.yaml":        {"t/m.tmpl", false},
	} {
		t.Run(path, func(t *testing.T) {
			git := folders{newVault(""), map[string]string{path: media, c.template: "here\n"}}
			disk := newShelf(&journal{})
			config := LearnerConfig{Node: "m", Branch: tip, Path: path, Repository: git, Coordination: git.vault,
				Shared: true, Beside: inline, Clock: newStill(), Disk: disk, Log: quiet()}
			snap := NewLearner(config).Look(t.Context())
			if (snap.Accepted != nil) != c.accepted {
				t.Fatalf("accepted %v, want %v: %v", snap.Accepted != nil, c.accepted, snap.Conditions)
			}
			if !c.accepted {
				return
			}
			if again := NewLearner(config).Snapshot(); again.Accepted == nil {
				t.Error("the document and its templates are not read again from the disk")
			}
		})
	}
}

// linked is a revision whose template is a symbolic link.
type linked struct{ folders }

func (l linked) Revision(context.Context, string, string) (Revision, error) { return l, nil }

// Read is part of Revision.
func (l linked) Read(path string) ([]byte, error) {
	if path == "t/m.tmpl" {
		return nil, spec.NotPlain("0120000")
	}
	return l.folders.Read(path)
}

func TestATemplateThatIsALinkIsRefusedInTheWordsOfEveryReader(t *testing.T) {
	attack.Row(t, "repository", "a template is a link", "refused by agent, plan and validate")
	git := linked{folders{newVault(""), map[string]string{"deployment.yaml": media}}}
	snap := NewLearner(LearnerConfig{Node: "m", Branch: tip, Path: "deployment.yaml", Repository: git, Coordination: git.vault,
		Shared: true, Clock: newStill(), Disk: newShelf(&journal{}), Log: quiet()}).Look(t.Context())
	want := plan.Condition{Type: plan.CondDocumentInvalid, Message: "deployment.yaml:6:58: roles.media.files[0].template: " +
		"t/m.tmpl cannot be read: it is a symbolic link and not a plain file (mode 0120000)"}
	if len(snap.Conditions) != 1 || snap.Conditions[0] != want {
		t.Errorf("%+v", snap.Conditions)
	}
}
