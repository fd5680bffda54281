package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console"
	"mainstay/reconcile/fleet"
	"mainstay/reconcile/gitcmd"
)

// Prepare reads the place anew, and says what a change of the deployment at a path
// would do.
func (a *Archive) Prepare(ctx context.Context, path string, r change.Request) (console.Draft, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return console.Draft{}, err
	}
	defer leave()
	if a.source == nil {
		if a.source, err = fleet.Open(a.place); err != nil {
			return console.Draft{}, err
		}
	}
	v, err := a.source.Read(ctx)
	if err != nil {
		return console.Draft{}, err
	}
	i := slices.IndexFunc(v.Deployments, func(d fleet.Deployment) bool { return d.Path == path })
	if i < 0 {
		return console.Draft{}, fmt.Errorf("%s is not on %s any more", path, v.Branch)
	}
	out := console.Draft{View: v, Now: &v.Deployments[i]}
	if err := a.copy(ctx, 0); err != nil {
		return console.Draft{}, err
	}
	out.Proposal, err = change.Prepare(ctx, a.repo, v, out.Now, r)
	return out, err
}

// Has reports whether a branch has a commit now. A branch that is not there has none.
func (a *Archive) Has(ctx context.Context, branch, commit string) (bool, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if err := a.copy(ctx, 0); err != nil {
		return false, err
	}
	text, err := a.repo.Text(ctx, gitcmd.Git("for-each-ref", "--format=%(refname)", "--contains="+commit, "refs/heads/"+branch))
	if err != nil {
		return false, err
	}
	return text == "refs/heads/"+branch, nil
}

// Tip is the commit that a branch is at now, empty for one that is not there.
func (a *Archive) Tip(ctx context.Context, branch string) (string, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	if err := a.copy(ctx, 0); err != nil {
		return "", err
	}
	return a.repo.Text(ctx, gitcmd.Git("for-each-ref", "--format=%(objectname)", "--count=1", "refs/heads/"+branch))
}

// Drop deletes a branch that is at a commit. One that is not there is deleted already.
func (a *Archive) Drop(ctx context.Context, branch, commit string) error {
	leave, err := a.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	a.copied, a.openAt = time.Time{}, time.Time{}
	_, err = a.repo.Run(ctx, gitcmd.Git("push", "--quiet", "--force-with-lease=refs/heads/"+branch+":"+commit).On(a.place.URL, ":refs/heads/"+branch))
	if err == nil {
		return nil
	}
	if copyErr := a.copy(ctx, 0); copyErr != nil {
		return errors.Join(err, copyErr)
	}
	if text, _ := a.repo.Text(ctx, gitcmd.Git("for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)); text == "" {
		return nil
	}
	return err
}

// Push commits a proposal in a person's name, as the git program of this machine signs
// and pushes. Who commits is this machine, and the person where git knows no name for
// it.
func (a *Archive) Push(ctx context.Context, p *change.Proposal, by console.Author, branch string) (commit string, err error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	repo := a.repo
	repo.Env = append(slices.Clone(repo.Env), "GIT_AUTHOR_NAME="+by.Name, "GIT_AUTHOR_EMAIL="+by.Email)
	if _, err := repo.Run(ctx, gitcmd.Git("var", "GIT_COMMITTER_IDENT")); err != nil {
		repo.Env = append(repo.Env, "GIT_COMMITTER_NAME="+by.Name, "GIT_COMMITTER_EMAIL="+by.Email)
	}
	a.copied, a.openAt = time.Time{}, time.Time{} // the branches are others now
	return p.Push(ctx, repo, a.place.URL, branch)
}
