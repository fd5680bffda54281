package etcd

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"mainstay/reconcile/git/failure"
	"mainstay/spec/cluster"
)

type status struct {
	Header  header `json:"header"`
	Version string `json:"version"`
	Size    number `json:"dbSize"`
	Leader  string `json:"leader"`
}

// longestAlarm bounds the name of an alarm that is passed on, in bytes.
const longestAlarm = 40

type alarms struct {
	Header header `json:"header"`
	Alarms []struct {
		Member string `json:"memberID"`
		Alarm  string `json:"alarm"`
	} `json:"alarms"`
}

// Member is what one listed member says of itself.
type Member struct {
	// At is host:port, and Err why it does not answer, nil when it does.
	At  string
	Err error
	// Took is how long the answer took, and Version its etcd.
	Took             time.Duration
	Version, Cluster string
	// Leads says that it leads, and Led that it knows of a leader: without one there is
	// no majority, and nothing can be read.
	Leads, Led bool
	// Bytes is the size of its database.
	Bytes uint64
	// Alarms are those of this member that are raised, such as NOSPACE.
	Alarms []string
}

// Members asks every listed member how it is, all at once.
func (c *Client) Members(ctx context.Context) []Member {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out := make([]Member, len(c.place.Hosts))
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() { out[i] = c.health(ctx, i) })
	}
	wg.Wait()
	return out
}

func (c *Client) health(ctx context.Context, i int) Member {
	m := Member{At: c.place.Hosts[i]}
	var s status
	began := time.Now()
	if m.Err = c.ask(ctx, i, call{path: pathStatus, in: struct{}{}, out: &s}); m.Err != nil {
		return m
	}
	m.Took, m.Version, m.Cluster, m.Bytes = time.Since(began), s.Version, s.Header.Cluster, s.Size.value()
	m.Led = s.Leader != "" && s.Leader != "0"
	m.Leads = m.Led && s.Leader == s.Header.Member
	var a alarms
	if c.letIn(ctx, i, call{path: pathAlarms, in: map[string]string{"action": "GET"}, out: &a}) == nil {
		for _, raised := range a.Alarms {
			if len(raised.Alarm) > longestAlarm || !cluster.Plain(raised.Alarm) {
				raised.Alarm = "UNKNOWN"
			}
			if raised.Member == s.Header.Member && !slices.Contains(m.Alarms, raised.Alarm) {
				m.Alarms = append(m.Alarms, raised.Alarm)
			}
		}
	}
	return m
}

// Try asks whether this node may change a ref, and changes nothing: what it would do is
// done only if the head both is there and is not. etcd looks at the permission first.
//
// nil says that this node may. failure.ErrRefused says that it may not; other errors
// that it is not known.
func (c *Client) Try(ctx context.Context, ref string) error {
	head, note := c.place.headKey(ref), c.place.reportKey(ref)
	if isClaim(ref) {
		note = c.place.changeKey(ref, 0, "0")
	}
	never := isAt(head, "")
	never.Result = "GREATER"
	out, err := c.change(ctx, "try "+ref, txnRequest{Compare: []compare{isAt(head, ""), never}, Success: []operation{put(head, ""), put(note, "")}})
	if err == nil && out.Succeeded {
		return &failure.Error{Kind: failure.ErrDamaged, Step: "try", At: ref, Err: errors.New("etcd carried out what it never should")}
	}
	return err
}
