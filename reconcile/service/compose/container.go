package compose

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// container is what was read of one container.
type container struct {
	id, name string
	// state is the engine's word: created, running, paused, restarting,
	// removing, exited or dead.
	state       string
	exit        int
	outOfMemory bool
	problem     string // the engine's own, such as a program that is missing
	health      string // empty without a health check
	healthSaid  string // what the last failed check said
	restarts    int
	policy      api.RestartPolicy // what the engine restarts it for
	pid         int
	since       time.Time
	place       place
}

// list reads the containers of a service, sorted by name. Their states are
// always read; the rest only if an event came or the state is another one than
// before.
func (l *link) list(ctx context.Context, k key) ([]container, error) {
	kept, changes := l.recall(k)
	filters := make(client.Filters).Add("label", labelProject+"="+k.project, labelService+"="+k.service)
	found, err := l.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return nil, err
	}
	var all []container
	for _, summary := range found.Items {
		if strings.EqualFold(summary.Labels[labelOneOff], "true") {
			continue
		}
		c, known := kept[summary.ID]
		if !known || c.state != string(summary.State) {
			c, err = l.inspect(ctx, summary)
			if isNotFound(err) {
				continue // Removed since it was listed.
			}
			if err != nil {
				return nil, err
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b container) int { return strings.Compare(a.name, b.name) })
	l.remember(k, all, changes)
	return all, nil
}

func (l *link) inspect(ctx context.Context, summary api.Summary) (container, error) {
	result, err := l.client.ContainerInspect(ctx, summary.ID, client.ContainerInspectOptions{})
	if err != nil {
		return container{}, err
	}
	return readContainer(result.Container, summary.Labels), nil
}

func readContainer(r api.InspectResponse, labels map[string]string) container {
	c := container{id: r.ID, name: strings.TrimPrefix(r.Name, "/"), restarts: r.RestartCount, place: placeOf(labels)}
	if r.HostConfig != nil {
		c.policy = r.HostConfig.RestartPolicy
	}
	if r.State == nil {
		return c
	}
	c.state, c.exit, c.outOfMemory = string(r.State.Status), r.State.ExitCode, r.State.OOMKilled
	c.problem, c.pid = r.State.Error, r.State.Pid
	at := r.State.FinishedAt
	if r.State.Running {
		at = r.State.StartedAt
	}
	// The engine writes the year 1 for what did not happen yet.
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil && t.Year() > 1 {
		c.since = t
	}
	if h := r.State.Health; h != nil && h.Status != api.NoHealthcheck {
		c.health = string(h.Status)
		if n := len(h.Log); n > 0 && h.Log[n-1].ExitCode != 0 {
			c.healthSaid = h.Log[n-1].Output
		}
	}
	return c
}
