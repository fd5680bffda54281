package compose

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"mainstay/reconcile/service"
	"mainstay/spec"
)

// Engine is the connection to the Docker engine that all services of an agent
// share. It is made on first use and again after it was lost. Its methods may
// be used at any time from any goroutine.
type Engine struct {
	log     *slog.Logger
	options []client.Opt
	places  *places
	// restarts keeps the restart policies that stops took from containers.
	restarts *policies
	compose  composer
	// turn is held while a connection is made, so that one is enough for all.
	turn chan struct{}

	mu      sync.Mutex
	current *link
	closed  bool
}

// composer runs Compose in a project's place and returns the error with what it
// said.
type composer func(ctx context.Context, at place, args ...string) error

// NewEngine returns an Engine that is not connected yet. It is found by the
// environment that Docker's own programs use. remember is the file that keeps
// where projects lie, for the day when their containers are gone; empty keeps
// that in memory only.
func NewEngine(log *slog.Logger, remember string) *Engine {
	e := newEngine(log, remember, client.FromEnv)
	e.compose = (&program{}).run
	return e
}

func newEngine(log *slog.Logger, remember string, options ...client.Opt) *Engine {
	return &Engine{log: log, options: options, places: newPlaces(log, remember), restarts: newPolicies(log, remember), turn: make(chan struct{}, 1)}
}

// Service returns the driver of a service. The folder is the service's own below
// the state folder; empty keeps in memory only that a start was ordered.
func (e *Engine) Service(s spec.ComposeService, folder string) *Service {
	log := e.log.With("project", s.Project, "service", s.Service)
	return &Service{
		engine: e, key: key{labelOf(s.Project), s.Service}, directory: s.Directory, log: log,
		ordered: service.NewMark(folder, log), settle: defaultSettle,
	}
}

// defaultSettle is for how long after an order of Compose's the engine may still be
// starting what it does not list as running.
const defaultSettle = 2 * time.Second

// labelOf is the project's name as Compose makes it: the one that the labels of its
// containers carry, whatever the document says.
func labelOf(project string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(project))
}

// named refuses names that Compose would read as something else.
func (k key) named() error {
	switch {
	case k.project == "" || strings.HasPrefix(k.project, "-"):
		return fmt.Errorf("%w: compose.project is %q, which Compose does not take as a name: use lower-case letters, digits, - and _, with a letter or a digit first", service.ErrRefused, k.project)
	case k.service == "" || strings.HasPrefix(k.service, "-") || strings.ContainsFunc(k.service, odd):
		return fmt.Errorf("%w: compose.service is %q, which Compose does not take as a name: use letters, digits, ., - and _, with a letter or a digit first", service.ErrRefused, k.service)
	}
	return nil
}

func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
}

// Close ends the connection and every watch on it; the Engine is of no use then.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.current != nil {
		e.current.close()
	}
}

var errClosed = fmt.Errorf("connect to the docker engine: %w: the agent is ending", service.ErrUnavailable)

// link returns the connection, making it if there is none. Its error wraps
// service.ErrUnavailable.
func (e *Engine) link(ctx context.Context) (*link, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the docker engine: %w", service.Ended(ctx))
	}
	if l, err := e.alive(); l != nil || err != nil {
		return l, err
	}
	l, err := newLink(ctx, e.options)
	if err != nil {
		if ended := service.Ended(ctx); ended != nil {
			return nil, fmt.Errorf("connect to the docker engine: %w", ended)
		}
		return nil, fmt.Errorf("connect to the docker engine: %w: %w", service.ErrUnavailable, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		l.close()
		return nil, errClosed
	}
	e.current = l
	return l, nil
}

func (e *Engine) alive() (*link, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed
	}
	if e.current != nil && e.current.ctx.Err() == nil {
		return e.current, nil
	}
	return nil, nil
}
