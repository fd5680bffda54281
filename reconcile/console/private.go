package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/signin"
)

// acts lists what there is only where people sign in.
func (c *Console) acts() []route {
	if c.options.Desk == nil {
		return nil
	}
	return []route{
		{"GET /signin", c.signInPage},
		{"POST /signin", c.signIn},
		{"POST /signin/provider", c.leave},
		{"GET /signin/return", c.comeBack},
		{"GET /wall/{token}", c.wall},
		{"POST /signout", c.signOut},
		{"GET /audit", c.auditPage},
		{"GET /d/{id}/switch", c.actPage(actSwitch)},
		{"GET /d/{id}/fence/{side}", c.actPage(actFence)},
		{"POST /d/{id}/cancel", c.cancel},
		{"GET /d/{id}/acknowledge", c.seenPage},
		{"POST /d/{id}/acknowledge", c.say},
		{"GET /d/{id}/unfence", c.actPage(actUnfence)},
		{"GET /d/{id}/pause/{node}", c.actPage(actPause)},
		{"GET /d/{id}/resume/{node}", c.actPage(actResume)},
		{"POST /d/{id}/switch", c.switchNow},
	}
}

// personKey is where a request carries who it is of.
type personKey struct{}

// personOf is who asks; ok is false where nobody is asked.
func personOf(r *http.Request) (signin.User, bool) {
	who, ok := r.Context().Value(personKey{}).(signin.User)
	return who, ok
}

// private lets only those in who signed in, where there is a desk. What a browser was
// made to send by another page is refused.
func (c *Console) private(next http.Handler) http.Handler {
	if c.options.Desk == nil {
		return next
	}
	asked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok, err := c.options.Desk.Who(r)
		switch {
		case ok:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, who)))
		case open(r.URL.Path):
			next.ServeHTTP(w, r)
		case errors.Is(err, signin.ErrStranger):
			c.refuse(w, r, http.StatusForbidden, "stranger")
		case err != nil:
			c.options.Log.Error("the users cannot be read", "error", err)
			c.refuse(w, r, http.StatusServiceUnavailable, "unread")
		case wantsJSON(r), r.URL.Path == "/events":
			apiError(w, http.StatusUnauthorized, "sign in first")
		default:
			c.askWho(w, r)
		}
	})
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.note(r, audit.Line{What: "post", Result: audit.Refused, Text: "it came from a page of another origin"})
		http.Error(w, "this was sent by a page of another origin, and nothing was done", http.StatusForbidden)
	}))
	return c.options.Desk.Handler(origin.Handler(asked))
}

// open reports whether an address tells nothing of what a repository says, but for the
// numbers that monitoring reads.
func open(path string) bool {
	return path == "/signin" || strings.HasPrefix(path, "/signin/") || strings.HasPrefix(path, "/wall/") || path == "/healthz" || path == "/metrics" || strings.HasPrefix(path, "/static/")
}

// refuse answers with a page, or with JSON, that something is not for this person.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, code int, key string) {
	p := c.page(w, r, &state{at: c.now()})
	if wantsJSON(r) {
		apiError(w, code, c.languages.All()[0].Word("problem."+key))
		return
	}
	p.Title, p.Events = p.Word("refused.title"), ""
	p.Main = message{p.Title, p.Word("problem." + key)}
	c.render(w, code, "message", p)
}

// note keeps a line of the audit, with who and from where. Of what is refused to people
// who are not signed in it keeps so many a minute.
func (c *Console) note(r *http.Request, one audit.Line) {
	who, known := personOf(r)
	if known && one.Who == "" {
		one.Who = who.Name
	}
	if !known && one.Result == audit.Refused && !c.options.Desk.NotesStranger() {
		return
	}
	one.At, one.From = c.now(), c.options.Desk.Peer(r)
	if err := c.options.Audit.Write(one); err != nil {
		c.options.Log.Error("the audit is incomplete", "error", err, "who", one.Who, "what", one.What, "about", one.About, "result", one.Result)
	}
}

// signInView is the form to sign in, with the form that was sent without a session.
type signInView struct {
	Name, Problem string
	// ID is the deployment to go to then, empty for all.
	ID    string
	Draft string
	// Password and Provider are the ways in that there are.
	Password, Provider bool
}

// longestDraft bounds what a form without a session carries along.
const longestDraft = 4 << 10

// askWho answers with the form to sign in. What a person had filled in goes with it.
func (c *Console) askWho(w http.ResponseWriter, r *http.Request) {
	v := signInView{}
	rest, about := strings.CutPrefix(r.URL.Path, "/d/")
	if about {
		v.ID, _, _ = strings.Cut(rest, "/")
	}
	if r.Method == http.MethodPost && about && strings.HasSuffix(r.URL.Path, "/switch") && r.ParseForm() == nil {
		if draft := r.PostForm.Encode(); len(draft) <= longestDraft {
			v.Draft, v.Problem = draft, "ended"
		}
	}
	c.showSignIn(w, r, http.StatusUnauthorized, v)
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	if _, ok := personOf(r); ok {
		http.Redirect(w, r, c.base+"/", http.StatusSeeOther)
		return
	}
	c.showSignIn(w, r, http.StatusOK, signInView{})
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, code int, v signInView) {
	p := c.page(w, r, &state{at: c.now()})
	p.Title, p.Events, p.Here = p.Word("signin.title"), "", c.base+"/signin"
	if v.Problem != "" {
		v.Problem = p.Word("problem." + v.Problem)
	}
	v.Password, v.Provider = c.options.Desk.Users != nil, c.options.Desk.Provider != nil
	p.Main = v
	c.render(w, code, "signin", p)
}

// signIn begins a session, and goes to the deployment that was asked for: to no address
// that a form could name.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	v := signInView{Name: r.PostFormValue("name"), ID: r.PostFormValue("id"), Draft: r.PostFormValue("draft")}
	who, err := c.options.Desk.SignIn(r, v.Name, r.PostFormValue("password"))
	if err != nil {
		c.notSignedIn(w, r, v, err)
		return
	}
	c.signedIn(w, r, who, v)
}

// signedIn goes on to what the person wanted before.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request, who signin.User, v signInView) {
	c.note(r, audit.Line{Who: who.Name, What: "sign-in", Result: audit.OK})
	to := c.base + "/"
	if e, err := c.state().entry(v.ID); err == nil {
		to = c.base + e.Link()
		if v.Draft != "" && len(v.Draft) <= longestDraft {
			c.options.Desk.Keep(r, e.ID+"\n"+v.Draft)
			to = c.base + e.Link("switch")
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (c *Console) notSignedIn(w http.ResponseWriter, r *http.Request, v signInView, err error) {
	line := audit.Line{What: "sign-in", Result: audit.Refused, Text: err.Error()}
	// What is no user's name may be a password, typed into the wrong field.
	if c.options.Desk.Users != nil {
		if _, known, _ := c.options.Desk.Users.Find(v.Name); known {
			line.Who = v.Name
		}
	}
	code, key := http.StatusUnauthorized, "wrong"
	switch {
	case errors.Is(err, signin.ErrTooMany):
		code, key = http.StatusTooManyRequests, "many"
		w.Header().Set("Retry-After", "60")
	case !errors.Is(err, signin.ErrWrong):
		code, key, line.Result = http.StatusServiceUnavailable, "unread", audit.Failed
		c.options.Log.Error("nobody can sign in", "error", err)
	}
	c.note(r, line)
	v.Problem = key
	c.showSignIn(w, r, code, v)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.options.Desk.SignOut(r); err != nil {
		c.options.Log.Error("a session cannot be ended", "error", err)
	}
	c.note(r, audit.Line{What: "sign-out", Result: audit.OK})
	http.Redirect(w, r, c.base+"/signin", http.StatusSeeOther)
}

func (c *Console) auditPage(w http.ResponseWriter, r *http.Request) {
	if who, _ := personOf(r); who.Watches() {
		c.refuse(w, r, http.StatusForbidden, "watcher")
		return
	}
	c.options.Desk.Acted(r)
	p := c.page(w, r, c.state())
	p.Title, p.Events, p.Main = p.Word("audit.title"), "", c.options.Audit.Last()
	c.render(w, http.StatusOK, "audit", p)
}

// formOf reads what a form carried along. What cannot be read is empty.
func formOf(draft string) url.Values {
	v, err := url.ParseQuery(draft)
	if err != nil {
		return url.Values{}
	}
	return v
}
