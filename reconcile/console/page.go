package console

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/console/terms"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/forecast"
	"mainstay/reconcile/plain"
)

// languageCookie keeps the language that a person chose.
const languageCookie = "mainstay-language"

// page is what every page is made from.
type page struct {
	*words.Language
	// Base is put before every address; Here is the page's own, without a language.
	Base, Here string
	Title      string
	// Style, Script and Icon are addresses of what is built in, Events of the stream,
	// empty on a page that does not change.
	Style, Script, Icon, Events string
	// Version is how often something had changed when this was made.
	Version uint64
	At      time.Time
	// Old says which data is old, and since when.
	Old []oldData
	// Others are the languages to change to.
	Others []*words.Language
	// Entry is the deployment that the page is about, nil on the others; Tab is which
	// of its pages it is.
	Entry *entry
	Tab   string
	// Acts is set where a switch can be made.
	Acts bool
	// Times is set where a switch can be asked for at a time.
	Times bool
	// Person is who asks, nil on a page that asks nobody who they are.
	Person *signin.User
	Main   any
}

// oldData is a repository that could not be read of late.
type oldData struct {
	Repository, Why string
	// Read is when the data that is shown was read, zero when none ever was.
	Read time.Time
	Age  time.Duration
}

// page begins one. It keeps the language that the address asks for.
func (c *Console) page(w http.ResponseWriter, r *http.Request, s *state) *page {
	version, _ := c.hub.now()
	p := &page{
		Language: c.language(w, r), Base: c.base, Here: c.base + r.URL.EscapedPath(), At: s.at, Version: version,
		Style: c.assets.Address(c.base, "console.css"), Script: c.assets.Address(c.base, "console.js"),
		Icon: c.assets.Address(c.base, "icon.svg"), Events: c.base + "/events",
	}
	p.Acts, p.Times = c.options.Desk != nil, c.options.Orders != nil
	if who, ok := personOf(r); ok {
		p.Person = &who
	}
	for _, l := range c.languages.All() {
		if l != p.Language {
			p.Others = append(p.Others, l)
		}
	}
	for _, reading := range s.readings {
		if reading.old(s.at, c.every()) {
			p.Old = append(p.Old, oldOf(reading, s.at))
		}
	}
	return p
}

func oldOf(r *Reading, now time.Time) oldData {
	o := oldData{Repository: r.Repository, Why: r.Failed}
	if r.View != nil {
		o.Read, o.Age = r.View.Read, now.Sub(r.View.Read)
	}
	return o
}

func (c *Console) every() time.Duration {
	if c.options.Every <= 0 {
		return DefaultEvery
	}
	return c.options.Every
}

// language is the one that the address names, or that was chosen before, or that the
// browser wants.
func (c *Console) language(w http.ResponseWriter, r *http.Request) *words.Language {
	w.Header().Add("Vary", "Accept-Language, Cookie")
	if l := c.languages.Named(r.URL.Query().Get("lang")); l != nil {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: l.Tag, Path: c.base + "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: r.TLS != nil || c.options.Secure, SameSite: http.SameSiteLaxMode,
		})
		return l
	}
	if kept, err := r.Cookie(languageCookie); err == nil {
		if l := c.languages.Named(kept.Value); l != nil {
			return l
		}
	}
	return c.languages.Accepted(r.Header.Get("Accept-Language"))
}

// render writes a page. Whatever documents, nodes and people wrote is made fit to be
// shown here, for all of the page at once; html/template has escaped it before.
func (c *Console) render(w http.ResponseWriter, code int, name string, p *page) {
	var out bytes.Buffer
	if err := c.pages.byName[name].Execute(&out, p); err != nil {
		c.options.Log.Error("a page cannot be made", "page", name, "error", err)
		http.Error(w, "this page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(plain.Text(out.String())))
}

// message is a page that says one thing.
type message struct{ Heading, Text string }

// missing answers with a page, or with JSON, that something is not there.
func (c *Console) missing(w http.ResponseWriter, r *http.Request) {
	if wantsJSON(r) {
		apiError(w, http.StatusNotFound, "there is no such deployment or address")
		return
	}
	s := c.state()
	if _, ok := personOf(r); c.options.Desk != nil && !ok {
		s = &state{at: s.at} // what cannot be read is not for everybody either
	}
	p := c.page(w, r, s)
	p.Title, p.Events = p.Word("missing.title"), ""
	p.Main = message{p.Title, p.Word("missing.text")}
	c.render(w, http.StatusNotFound, "message", p)
}

func (c *Console) notFound(w http.ResponseWriter, r *http.Request) { c.missing(w, r) }

// about finds the deployment that an address names; when there is none it has answered.
func (c *Console) about(w http.ResponseWriter, r *http.Request, tab string) (*state, *page, *entry) {
	s := c.state()
	e, err := s.entry(r.PathValue("id"))
	if err != nil {
		c.unmet(w, r, err)
		return nil, nil, nil
	}
	p := c.page(w, r, s)
	p.Entry, p.Tab, p.Title = e, tab, e.Title
	return s, p, e
}

// unmet answers that an address means no deployment, or that nobody knows which.
func (c *Console) unmet(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case !errors.Is(err, terms.ErrWhich):
		c.missing(w, r)
	case r.Method == http.MethodGet && !wantsJSON(r):
		http.Redirect(w, r, c.base+"/?"+url.Values{"q": {r.PathValue("id")}}.Encode(), http.StatusFound)
	default:
		c.refuse(w, r, http.StatusConflict, "which")
	}
}

// Link is the address of a page about the deployment.
func (e *entry) Link(parts ...string) string {
	link := "/d/" + url.PathEscape(e.ID)
	for _, p := range parts {
		link += "/" + url.PathEscape(p)
	}
	return link
}

// told is a text in the page's language, or in English where there is none.
type told struct {
	Text    string
	Foreign bool
}

// tongue is the page's language for forecasts.
func (p *page) tongue() forecast.Language { return forecast.Language{Forms: p.Sentences, Lasts: p.Age} }

// Told tells a text of a forecast in the page's language.
func (p *page) Told(f *forecast.Forecast, text string) told {
	if p.Sentences == nil {
		return told{text, false}
	}
	text, ok := f.In(p.tongue(), text)
	return told{text, !ok}
}

// Objection tells what speaks against a change: the node, why, and what to do.
func (p *page) Objection(f *forecast.Forecast, o forecast.Objection) told {
	if p.Sentences == nil {
		return told{o.String(), false}
	}
	why, known := f.In(p.tongue(), o.Why)
	do, _ := f.In(p.tongue(), o.Advice)
	o.Why, o.Advice = why, do
	return told{o.String(), !known}
}

// Sentenced tells a sentence that another package words.
func (p *page) Sentenced(english string) told {
	text, foreign := p.Sentence(english)
	return told{text, foreign}
}

// Short is a commit as people read it.
func (p *page) Short(commit string) string { return commit[:min(len(commit), 7)] }

// Author leaves the address out of "Name <address>".
func (p *page) Author(text string) string {
	name, _, _ := strings.Cut(text, " <")
	return name
}

// Since is how long ago a moment was when the page was made.
func (p *page) Since(t time.Time) string { return p.Ago(p.At.Sub(t)) }

// ISO is a moment for programs.
func (p *page) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }
