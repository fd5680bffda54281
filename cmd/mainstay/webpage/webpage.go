// Package webpage puts the web page together for one process: what reads the
// repositories, what tells of their past, and the listener that browsers come to.
//
// It has the flags of the page and the command that keeps its users, and must not know how anything is
// shown.
package webpage

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"mainstay/reconcile/console"
	"mainstay/reconcile/console/agenda"
	"mainstay/reconcile/console/archive"
	"mainstay/reconcile/console/door"
	"mainstay/reconcile/fleet"
)

// Options say what is shown, and where.
type Options struct {
	// Places are the repositories.
	Places []fleet.Location
	// Listen is an address as net.Listen takes it, Prefix the path below which
	// everything is.
	Listen, Prefix string
	// Public is the whole address under which browsers come, where that is another one.
	Public string
	// Hosts are the names under which browsers come here, beside addresses and
	// localhost.
	Hosts []string
	// Certificate and Key are files, both empty for plain http.
	Certificate, Key string
	// Every is how often a repository is looked at.
	Every time.Duration
	// State is the folder of what the page keeps between its runs, empty for nothing.
	State string
	Signing

	repositories []string
	alerts       string
	list         string
	locks        []*os.File
	Log          *slog.Logger
	// Ready is called once with the address of the page.
	Ready func(address string)
}

// Flags adds to a command what says what is shown, where, and to whom.
func (o *Options) Flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.repositories, "repo", nil, "a repository, as git takes it; may be given again (default: origin of this checkout)")
	f.StringVar(&o.list, "repos", "", "a file of repositories: on each line an address, and perhaps a branch")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "the address to listen on")
	f.StringArrayVar(&o.Hosts, "host", nil, "a name under which browsers ask for the page, beside addresses, localhost and --listen; may be given again")
	f.StringVar(&o.Prefix, "prefix", "", "the path below which everything is, behind a proxy")
	f.StringVar(&o.Public, "public-url", "", "the whole address under which browsers come, such as https://page.example.org/, where a proxy is before the page")
	f.StringVar(&o.Certificate, "tls-cert", "", "a certificate, to serve https")
	f.StringVar(&o.Key, "tls-key", "", "its private key")
	f.StringVar(&o.State, "state", "", "a folder of the page's own, for what it keeps between its runs")
	f.StringVar(&o.alerts, "alerts", "", "a file of alerts: who is told of what the page sees, as in an agent's file")
	f.DurationVar(&o.Every, "every", console.DefaultEvery, "how often to look at git")
	o.flags(c)
}

// wrong is an error with what to do about it.
type wrong struct {
	error
	hint string
}

// Unwrap returns the cause.
func (w wrong) Unwrap() error { return w.error }

// Hint returns what to do.
func (w wrong) Hint() string { return w.hint }

// Run serves the page until ctx ends.
func Run(ctx context.Context, o Options) error {
	desk, log, err := o.desk()
	if err != nil {
		return err
	}
	if desk != nil {
		defer log.Close()
	}
	book, err := o.words()
	if err != nil {
		return err
	}
	defer o.unlock()
	orders, err := o.orders()
	if err != nil {
		return err
	}
	told, err := o.teller()
	if err != nil {
		return err
	}
	var places []console.Repository
	names := named(o.Places)
	for i, where := range o.Places {
		past := archive.New(where)
		defer past.Close()
		place := console.Repository{
			Name: names[i], Past: past,
			Open: func() (console.Looker, error) {
				l, err := fleet.Open(where)
				return told.Shown(names[i], l, err)
			},
		}
		if desk != nil {
			place.Pen = past
		}
		places = append(places, place)
	}
	page, err := console.New(console.Options{Repositories: places, Prefix: o.Prefix, Hosts: o.names(), Secure: o.secure(), Every: o.Every,
		Desk: desk, Audit: log, Seen: book, Orders: orders, Log: o.Log})
	if err != nil {
		return err
	}
	l, scheme, err := o.open(ctx)
	if err != nil {
		return err
	}
	o.Ready(fmt.Sprintf("%s://%s%s/", scheme, l.Addr(), page.Prefix()))
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		o.Log.Warn("tell systemd", "error", err)
	}
	ctx, end := context.WithCancel(ctx)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		var both sync.WaitGroup
		both.Go(func() { page.Run(ctx) })
		both.Go(func() { told.Run(ctx) })
		if orders != nil {
			both.Go(func() {
				agenda.New(agenda.Options{Page: page, Orders: orders, Users: desk.Users, Audit: log, Log: o.Log}).Run(ctx)
			})
		}
		both.Wait()
	}()
	err = door.Serve(ctx, l, page.Handler())
	end()
	<-reading
	return err
}

// path is where the cookies of the page count.
func (o *Options) path() string {
	if p := strings.Trim(o.Prefix, "/"); p != "" {
		return "/" + p + "/"
	}
	return "/"
}

// names are those of --host, and the ones that --listen and --public-url name.
func (o *Options) names() []string {
	out := slices.Clone(o.Hosts)
	if host, _, err := net.SplitHostPort(o.Listen); err == nil && host != "" {
		out = append(out, host)
	}
	if u, err := o.public(); err == nil && u != nil {
		out = append(out, u.Hostname())
	}
	return out
}

// open listens, with TLS where a certificate was named.
func (o Options) open(ctx context.Context) (l net.Listener, scheme string, err error) {
	var config *tls.Config
	scheme = "http"
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, "", wrong{fmt.Errorf("read the certificate: %w", err), "correct --tls-cert and --tls-key"}
		}
		config, scheme = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, "https"
	}
	var how net.ListenConfig
	if l, err = how.Listen(ctx, "tcp", o.Listen); err != nil {
		return nil, "", wrong{err, "name another address with --listen"}
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	return l, scheme, nil
}
