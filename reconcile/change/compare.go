package change

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"mainstay/reconcile/fleet"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/gitcmd"
	"mainstay/schema"
	"mainstay/spec"
)

// Comparison is a document in two revisions; either may lack it.
type Comparison struct {
	Path     string
	From, To *spec.Deployment
}

// Document is the newer one that there is.
func (c Comparison) Document() *spec.Deployment { return cmp.Or(c.To, c.From) }

// Compare reads documents in two revisions, all of them or those of one deployment. One
// that is broken in the newer revision is a Broken; in the older one it counts as not
// being there.
func Compare(paths []string, from, to gitcmd.Tree, deployment string) ([]Comparison, error) {
	before, after := fleet.NewLoader(from), fleet.NewLoader(to)
	var out []Comparison
	for _, path := range paths {
		c := Comparison{Path: path}
		var problems []schema.Problem
		var err error
		if c.From, _, err = before.Load(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if c.To, problems, err = after.Load(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if len(problems) > 0 {
			return nil, &Broken{path, problems}
		}
		if d := c.Document(); d != nil && (deployment == "" || d.Name == deployment) {
			out = append(out, c)
		}
	}
	return out, nil
}

// All lists every document that nodes would accept, or that of one deployment, as one
// that stays as it is.
func All(tree gitcmd.Tree, deployment string) ([]Comparison, error) {
	files, err := tree.Files()
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !fleet.IsDocument(tree, f) })
	load := fleet.NewLoader(tree)
	var out []Comparison
	for _, path := range files {
		d, problems, err := load.Load(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if d != nil && len(problems) == 0 && (deployment == "" || d.Name == deployment) {
			out = append(out, Comparison{Path: path, From: d, To: d})
		}
	}
	return out, nil
}

// Ask reads what the nodes of documents say, in the order of the documents.
func Ask(ctx context.Context, s *fleet.Source, all []Comparison) (*fleet.View, error) {
	if len(all) == 0 {
		return &fleet.View{}, nil
	}
	var about []fleet.Subject
	for _, c := range all {
		about = append(about, fleet.Subject{Path: c.Path, Spec: c.Document()})
	}
	return s.About(ctx, about...)
}

// Forecasts says of each document what its change will do, from what the nodes were
// heard to say. A document that was not there before is compared with the one that
// most nodes accepted.
func Forecasts(v *fleet.View, all []Comparison, from gitcmd.Tree) []*forecast.Forecast {
	out := []*forecast.Forecast{}
	for i, c := range all {
		now := &v.Deployments[i]
		if c.From == nil {
			c.From = fleet.AcceptedOf(from, c.Path, now)
		}
		out = append(out, forecast.Of(forecast.Input{From: c.From, To: c.To, Now: now, Coordinated: v.Coordinated}))
	}
	return out
}
