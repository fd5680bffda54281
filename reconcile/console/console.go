package console

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"mainstay/reconcile/change"
	"mainstay/reconcile/console/audit"
	"mainstay/reconcile/console/door"
	"mainstay/reconcile/console/kept"
	"mainstay/reconcile/console/signin"
	"mainstay/reconcile/console/words"
	"mainstay/reconcile/fleet"
)

// DefaultEvery is how often a repository is looked at.
const DefaultEvery = 5 * time.Second

// Looker reads a repository again and again. It belongs to one reader.
type Looker interface {
	// Read returns what the repository says now. It ends when ctx does.
	Read(ctx context.Context) (*fleet.View, error)
	// Close lets go of what reading held open.
	Close()
}

// Past tells what was and what may come, when a page asks. It may be called by several
// at a time.
type Past interface {
	// History tells every switch of a deployment, newest first.
	History(ctx context.Context, d *fleet.Deployment) (*fleet.History, error)
	// Branches lists the open branches beside the one that the nodes read, newest
	// first.
	Branches(ctx context.Context, v *fleet.View) ([]Branch, error)
	// Commit tells of a commit that a branch has, by its hash. Errors: ErrNoCommit, and
	// those of reading.
	Commit(ctx context.Context, hash string) (Commit, error)
}

// Pen prepares changes from what git says at that moment, and commits them. It may be
// called by several at a time.
type Pen interface {
	// Prepare says what a change of the deployment at a path would do. The view and the
	// deployment are there too when only the change itself is wrong.
	Prepare(ctx context.Context, path string, r change.Request) (Draft, error)
	// Push commits a proposal in a person's name and pushes it to a branch. The commit
	// is told also when it is not known whether it was pushed.
	Push(ctx context.Context, p *change.Proposal, by Author, branch string) (commit string, err error)
	// Has reports whether a branch has a commit, as git says at that moment.
	Has(ctx context.Context, branch, commit string) (bool, error)
	// Tip is the commit that a branch is at, as git says at that moment, empty for one
	// that is not there.
	Tip(ctx context.Context, branch string) (commit string, err error)
	// Drop deletes a branch that is at a commit, and does nothing to one that is not.
	Drop(ctx context.Context, branch, commit string) error
}

// Draft is a change that was prepared.
type Draft struct {
	View     *fleet.View
	Now      *fleet.Deployment
	Proposal *change.Proposal
}

// Author is who a commit is by.
type Author struct{ Name, Email string }

// Branch is an open branch with the documents that it changes.
type Branch struct {
	Name, Commit, Author, Subject string
	// Reason is what the person recorded, else what the commit says below its subject.
	Reason  string
	When    time.Time
	Changes []change.Comparison
	// Broken says why no node would accept it, empty when they would.
	Broken string
}

// Repository is one place whose deployments are shown.
type Repository struct {
	// Name is its address as it may be printed, with more where another place has that
	// address too: orders and words go by it.
	Name string
	// Open prepares to read. An error is shown, and it is tried again.
	Open func() (Looker, error)
	Past Past
	// Pen is nil for a page that only reads.
	Pen Pen
}

// Options say what is shown, and how.
type Options struct {
	Repositories []Repository
	// Prefix is the path below which everything is, such as /mainstay; empty is the
	// root.
	Prefix string
	// Hosts are the names under which browsers come here, beside addresses and
	// localhost.
	Hosts []string
	// Secure is set where browsers come by https, also where a proxy speaks it for this
	// page.
	Secure bool
	// Every is how often a repository is looked at; zero means DefaultEvery.
	Every time.Duration
	// Streams is how many browsers may follow live at once; zero means mostStreams.
	Streams int
	// Desk says who a person is; nil asks nobody, and lets nobody commit. Audit keeps
	// what each did, and goes with it.
	Desk  *signin.Desk
	Audit *audit.Log
	// Seen keeps what people say of what is wrong; nil keeps it in memory.
	Seen *kept.Words
	// Orders are the switches that people ask for at a time; nil lets nobody ask for one.
	Orders *kept.Orders
	Log    *slog.Logger
	// Now is the clock, nil for the machine's own.
	Now func() time.Time
}

// Console shows deployments.
type Console struct {
	options   Options
	now       func() time.Time
	base      string
	readers   []*reader
	hub       *hub
	languages *words.Languages
	pages     *pages
	assets    *door.Files
	once      *door.Once
}

// New prepares a console. Nothing is read before Run.
func New(o Options) (*Console, error) {
	base, err := prefix(o.Prefix)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{options: o, now: o.Now, base: base, hub: newHub(o.Streams), once: door.NewOnce()}
	if c.options.Seen == nil {
		if c.options.Seen, err = kept.OpenWords(""); err != nil {
			return nil, err
		}
	}
	if c.languages, err = words.Load(); err != nil {
		return nil, err
	}
	if c.assets, err = door.Load(embedded, "assets/console.css", "assets/console.js", "assets/icon.svg", "assets/openapi.json"); err != nil {
		return nil, err
	}
	if c.pages, err = loadPages(); err != nil {
		return nil, err
	}
	for i, place := range o.Repositories {
		if slices.ContainsFunc(o.Repositories[:i], func(other Repository) bool { return other.Name == place.Name }) {
			return nil, fmt.Errorf("two repositories are called %s", place.Name)
		}
		c.readers = append(c.readers, newReader(place, o, c.hub.tell, c.wordsEnd))
	}
	return c, nil
}

// prefix makes a path begin with a slash and end without one.
func prefix(p string) (string, error) {
	p = strings.Trim(p, "/")
	if p == "" {
		return "", nil
	}
	if strings.ContainsFunc(p, func(r rune) bool { return !strings.ContainsRune(prefixLetters, r) }) || strings.Contains(p, "..") {
		return "", fmt.Errorf("the prefix %q is no path: use letters, digits, dashes and slashes", p)
	}
	return "/" + p, nil
}

const prefixLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"

// Run looks at the repositories until ctx ends.
func (c *Console) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, r := range c.readers {
		wg.Go(func() { r.run(ctx) })
	}
	wg.Wait()
}

// Prefix is the path below which everything is, empty for the root.
func (c *Console) Prefix() string { return c.base }
