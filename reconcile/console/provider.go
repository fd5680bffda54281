package console

import (
	"errors"
	"net/http"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/plain"
)

// leave sends a browser to the provider that says who its person is.
func (c *Console) leave(w http.ResponseWriter, r *http.Request) {
	v := signInView{ID: r.PostFormValue("id"), Draft: r.PostFormValue("draft")}
	to, err := c.options.Desk.Leave(w, r, v.ID, v.Draft)
	if err != nil {
		if c.options.Desk.NotesStranger() { // anybody can ask
			c.options.Log.Error("nobody can sign in by the provider", "error", err)
		}
		v.Problem = "provider"
		c.showSignIn(w, r, http.StatusBadGateway, v)
		return
	}
	// A page that goes on by itself: browsers hold a redirect of a form to the policy of
	// forms, which knows this page alone.
	w.Header().Set("Refresh", "0; url="+to)
	p := c.page(w, r, &state{at: c.now()})
	p.Title, p.Events, p.Main = p.Word("signin.title"), "", to
	c.render(w, http.StatusOK, "away", p)
}

// comeBack takes in a browser that was at the provider.
func (c *Console) comeBack(w http.ResponseWriter, r *http.Request) {
	who, about, draft, err := c.options.Desk.Return(w, r)
	v := signInView{ID: about, Draft: draft}
	if err == nil {
		c.signedIn(w, r, who, v)
		return
	}
	line := audit.Line{Who: plain.Line(who.Name), What: "sign-in", Result: audit.Refused, Text: plain.Line(err.Error())}
	code := http.StatusUnauthorized
	switch {
	case errors.Is(err, signin.ErrTooMany):
		v.Problem, code = "many", http.StatusTooManyRequests
		w.Header().Set("Retry-After", "60")
	case errors.Is(err, signin.ErrStranger):
		v.Problem, code = "stranger", http.StatusForbidden
	case errors.Is(err, signin.ErrTrip):
		v.Problem = "trip"
	case errors.Is(err, signin.ErrDenied), errors.Is(err, signin.ErrUnproven):
		v.Problem = "denied"
	default:
		v.Problem, code, line.Result = "provider", http.StatusBadGateway, audit.Failed
		c.options.Log.Error("nobody can sign in by the provider", "error", err)
	}
	c.note(r, line)
	c.showSignIn(w, r, code, v)
}

// wall lets a screen in that only looks: its browser keeps the token, and the address
// with it is left at once.
func (c *Console) wall(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	if !c.options.Desk.Watch(w, r, token) {
		c.note(r, audit.Line{What: "wall board", Result: audit.Refused, Text: "the token is not right"})
		c.missing(w, r)
		return
	}
	c.note(r, audit.Line{Who: signin.Watcher().Name, What: "wall board", Result: audit.OK})
	http.Redirect(w, r, c.base+"/", http.StatusSeeOther)
}
