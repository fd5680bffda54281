package compose

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"sync"

	api "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// The engine starts a container with a restart policy again when it starts itself,
// stopped or not: beside the other side, if this one stepped down meanwhile. So a
// stop takes the policy away, and the next start gives it back.

// policies remembers the restart policies of stopped containers. The file is for
// the next agent; a policy that is forgotten stays away, and the agent heals.
type policies struct {
	log  *slog.Logger
	file string

	mu    sync.Mutex
	known map[string]api.RestartPolicy
}

func newPolicies(log *slog.Logger, remember string) *policies {
	p := &policies{log: log, known: map[string]api.RestartPolicy{}}
	if remember == "" {
		return p
	}
	p.file = remember + ".restart"
	content, err := os.ReadFile(p.file)
	if err == nil {
		err = json.Unmarshal(content, &p.known)
	}
	if err != nil && !os.IsNotExist(err) || p.known == nil {
		log.Warn("restart policies of stopped containers are not remembered", "file", p.file, "error", err)
		p.known = map[string]api.RestartPolicy{}
	}
	return p
}

func (p *policies) of(id string) (api.RestartPolicy, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	policy, ok := p.known[id]
	return policy, ok
}

// change keeps a policy, or forgets it when it is nil.
func (p *policies) change(id string, policy *api.RestartPolicy) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if policy == nil {
		delete(p.known, id)
	} else {
		p.known[id] = *policy
	}
	if p.file == "" {
		return
	}
	if err := save(p.file, maps.Clone(p.known)); err != nil {
		p.log.Warn("restart policies of stopped containers are remembered until the agent ends only", "file", p.file, "error", err)
	}
}

// takeRestart takes the restart policies of containers away.
func (s *Service) takeRestart(ctx context.Context, l *link, all []container) error {
	for _, c := range all {
		if c.policy.Name == "" || c.policy.IsNone() {
			continue
		}
		s.engine.restarts.change(c.id, &c.policy)
		none := api.RestartPolicy{Name: api.RestartPolicyDisabled}
		_, err := l.client.ContainerUpdate(ctx, c.id, client.ContainerUpdateOptions{RestartPolicy: &none})
		if err != nil && !isNotFound(err) {
			return l.explain(ctx, err)
		}
	}
	return nil
}

// restoreRestart gives them back. A container without its policy serves all the
// same, so that trouble is logged.
func (s *Service) restoreRestart(ctx context.Context, l *link, all []container) {
	for _, c := range all {
		policy, ok := s.engine.restarts.of(c.id)
		if !ok {
			continue
		}
		_, err := l.client.ContainerUpdate(ctx, c.id, client.ContainerUpdateOptions{RestartPolicy: &policy})
		if err != nil {
			s.log.Warn("the container runs without its restart policy", "container", c.name, "policy", policy.Name, "error", err)
			continue
		}
		s.engine.restarts.change(c.id, nil)
	}
}
