package console

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrNoCommit is of a commit that no branch has.
var ErrNoCommit = errors.New("no branch has that commit")

// Commit is one, with what it changed.
type Commit struct {
	Hash, Author, Subject, Body string
	When                        time.Time
	// Diff is what it changed; Cut says that there was more.
	Diff string
	Cut  bool
}

// commitView is the page of a commit.
type commitView struct {
	Commit
	Failed string
}

// commitPage shows the commit that a switch was made by.
func (c *Console) commitPage(w http.ResponseWriter, r *http.Request) {
	_, p, e := c.about(w, r, "history")
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askBound)
	defer cancel()
	one, err := e.reader.place.Past.Commit(ctx, r.PathValue("hash"))
	if errors.Is(err, ErrNoCommit) {
		c.missing(w, r)
		return
	}
	v := &commitView{Commit: one}
	if err != nil {
		v.Failed = err.Error()
	}
	p.Title, p.Events, p.Main = p.Short(one.Hash)+" · "+e.Title, "", v
	c.render(w, http.StatusOK, "commit", p)
}
