package compose

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// The labels that Compose puts on what belongs to a project.
const (
	labelProject     = "com.docker.compose.project"
	labelService     = "com.docker.compose.service"
	labelOneOff      = "com.docker.compose.oneoff"
	labelDirectory   = "com.docker.compose.project.working_dir"
	labelFiles       = "com.docker.compose.project.config_files"
	labelEnvironment = "com.docker.compose.project.environment_file"
)

// connectBound bounds the making of a connection.
const connectBound = 5 * time.Second

// key names a service of a project.
type key struct{ project, service string }

// link is one connection to the engine, from its making to its loss. The loss of
// the event stream is the loss of the link: the next one also agrees on the
// version of the API again, which another engine may need.
type link struct {
	client *client.Client
	ctx    context.Context
	close  context.CancelFunc

	mu      sync.Mutex
	watched map[key]*watched
}

// watched is a service whose events come in.
type watched struct {
	wakes map[*func()]struct{}
	// changes counts the events.
	changes uint64
	// kept are the containers as they were read since the last event, or nil.
	kept map[string]container
}

func newLink(ctx context.Context, options []client.Opt) (*link, error) {
	l := &link{watched: map[key]*watched{}}
	l.ctx, l.close = context.WithCancel(context.Background())
	bound := time.AfterFunc(connectBound, l.close)
	ended := context.AfterFunc(ctx, l.close)
	err := l.open(options)
	inTime := bound.Stop()
	if err == nil && (!ended() || !inTime) {
		err = errors.New("it did not answer in time")
	}
	ended()
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *link) open(options []client.Opt) error {
	c, err := client.New(options...)
	if err != nil {
		return err
	}
	context.AfterFunc(l.ctx, func() { _ = c.Close() })
	if _, err := c.Ping(l.ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return err
	}
	l.client = c
	stream := c.Events(l.ctx, client.EventsListOptions{Filters: eventFilter()})
	go l.dispatch(stream)
	return nil
}

// eventFilter leaves out what a health check causes every few seconds.
func eventFilter() client.Filters {
	f := make(client.Filters).Add("type", "container").Add("label", labelProject)
	return f.Add("event", "create", "start", "restart", "die", "stop", "oom", "pause", "unpause", "destroy", "update", "health_status")
}

// dispatch wakes whom an event concerns, until the connection ends. Events say
// when to look, never what is true.
func (l *link) dispatch(stream client.EventsResult) {
	defer l.close()
	for {
		select {
		case m := <-stream.Messages:
			l.wake(m)
		case <-stream.Err:
			return
		}
	}
}

func (l *link) wake(m events.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.watched[key{m.Actor.Attributes[labelProject], m.Actor.Attributes[labelService]}]
	if w == nil {
		return
	}
	w.changes++
	w.kept = nil
	for wake := range w.wakes {
		(*wake)()
	}
}

// watch calls wake at every change of a service until stop is called.
func (l *link) watch(k key, wake func()) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched[k] == nil {
		l.watched[k] = &watched{wakes: map[*func()]struct{}{}}
	}
	l.watched[k].wakes[&wake] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.watched[k].wakes, &wake); len(l.watched[k].wakes) == 0 {
			delete(l.watched, k)
		}
	}
}

// recall returns what is kept of a service's containers, and how many events of
// it came so far.
func (l *link) recall(k key) (kept map[string]container, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.watched[k]; w != nil {
		return w.kept, w.changes
	}
	return nil, 0
}

// remember remembers what was read, unless an event came since the reading began.
func (l *link) remember(k key, all []container, changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.watched[k]
	if w == nil || w.changes != changes {
		return
	}
	w.kept = map[string]container{}
	for _, c := range all {
		w.kept[c.id] = c
	}
}
