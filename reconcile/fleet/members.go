package fleet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mainstay/reconcile/etcd"
)

// ClaimMember is one member of the etcd cluster that claims and reports live on.
type ClaimMember struct {
	At string `json:"at"`
	// Error says why it does not answer, empty when it does.
	Error string `json:"error,omitempty"`
	// Milliseconds is how long its answer took.
	Milliseconds float64 `json:"milliseconds,omitempty"`
	Version      string  `json:"version,omitempty"`
	// Leads says that it leads, and Led that it knows of a leader.
	Leads bool `json:"leads"`
	Led   bool `json:"led"`
	// Alarms are those that it raises, such as NOSPACE.
	Alarms []string `json:"alarms,omitempty"`
}

// membersBound is how long the members may take together.
const membersBound = 2 * time.Second

// LookAtMembers makes every view say how the members of the cluster are that claims and
// reports live on, if they do.
func (s *Source) LookAtMembers() { s.asks = true }

// members asks them, if somebody wants to know.
func (s *Source) members(ctx context.Context) []ClaimMember {
	c, is := s.coord.(*etcd.Client)
	if !is || !s.asks {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, membersBound)
	defer cancel()
	var out []ClaimMember
	for _, m := range c.Members(ctx) {
		one := ClaimMember{At: m.At, Version: m.Version, Leads: m.Leads, Led: m.Led, Alarms: m.Alarms}
		if m.Err != nil {
			one.Error = m.Err.Error()
		} else {
			one.Milliseconds = float64(m.Took.Microseconds()) / 1000
		}
		out = append(out, one)
	}
	return out
}

// Cluster says in one line how the members are, empty where there are none.
func (v *View) Cluster() string {
	answer, slowest := 0, 0.0
	var wrong []string
	for _, m := range v.Members {
		if m.Error != "" {
			wrong = append(wrong, m.At+" does not answer")
			continue
		}
		answer, slowest = answer+1, max(slowest, m.Milliseconds)
		if !m.Led {
			wrong = append(wrong, m.At+" knows no leader")
		}
		for _, alarm := range m.Alarms {
			wrong = append(wrong, m.At+" raises "+alarm)
		}
	}
	if len(v.Members) == 0 {
		return ""
	}
	text := fmt.Sprintf("claims on etcd: %d of %d members answer", answer, len(v.Members))
	if answer > 0 {
		text += fmt.Sprintf(", in %.1f ms at most", slowest)
	}
	return strings.Join(append([]string{text}, wrong...), "; ")
}
