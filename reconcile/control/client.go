package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mainstay/reconcile"
	"mainstay/reconcile/plan/permit"
	"mainstay/reconcile/record"
)

const (
	// callBound is how long an agent may take to answer, waits left out.
	callBound = 10 * time.Second
	// answerSize bounds an answer, in bytes.
	answerSize = record.MaxRead
)

// ErrNoAgent means that nobody answers on the control socket.
var ErrNoAgent = errors.New("no agent answers on the control socket")

// ErrLate means that what was waited for did not come in time.
var ErrLate = errors.New("not in time")

// Client talks to an agent through its control socket. Every call is bounded. An
// error is ErrNoAgent, ErrLate, *permit.Refused, *Misused, or the agent's own words.
// An order that makes no sense is not sent.
type Client struct {
	http *http.Client
	boot func() time.Duration
}

// NewClient returns a client of the agent whose socket is at path. Boot is the
// machine's CLOCK_BOOTTIME, by which its orders are good for reconcile.OrderGoodFor.
func NewClient(path string, boot func() time.Duration) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, boot: boot}
}

// Status asks what the agent knows.
func (c *Client) Status(ctx context.Context) (View, error) {
	return call[View](ctx, c, request{method: http.MethodGet, path: "/v1/status"})
}

// Explain asks for the newest n passes.
func (c *Client) Explain(ctx context.Context, n int) (Explanation, error) {
	return call[Explanation](ctx, c, request{method: http.MethodGet, path: "/v1/explain?last=" + strconv.Itoa(n)})
}

// Sync makes the agent look at git now. With a wait above zero it returns once
// the look has ended, or with an error after that long.
func (c *Client) Sync(ctx context.Context, wait time.Duration) (Answer, error) {
	path := "/v1/sync"
	if wait > 0 {
		path += "?wait=" + url.QueryEscape(wait.String())
	}
	return call[Answer](ctx, c, request{path: path, wait: wait})
}

// Pause pauses the node.
func (c *Client) Pause(ctx context.Context, r PauseRequest) (Answer, error) {
	if _, err := r.check(); err != nil {
		return Answer{}, err
	}
	return call[Answer](ctx, c, request{path: "/v1/pause", body: r})
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context) (Answer, error) {
	return call[Answer](ctx, c, request{path: "/v1/resume"})
}

// Drain ends the drain that is under way.
func (c *Client) Drain(ctx context.Context, r DrainRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	return call[Answer](ctx, c, request{path: "/v1/drain", body: r})
}

// Accept accepts a commit that was rewound, or a claim that went back.
func (c *Client) Accept(ctx context.Context, r AcceptRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	return call[Answer](ctx, c, request{path: "/v1/accept", body: r, wait: reconcile.AcceptBound})
}

// Takeover activates the node by a person's word, or ends that.
func (c *Client) Takeover(ctx context.Context, r TakeoverRequest) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	return call[Answer](ctx, c, request{path: "/v1/takeover", body: r})
}

// request is one call: a POST unless method says otherwise. wait is how long the
// answer may take on top of callBound.
type request struct {
	method, path string
	body         any
	wait         time.Duration
}

// call makes one request and decodes its answer.
func call[T any](ctx context.Context, c *Client, q request) (T, error) {
	var out T
	ctx, cancel := context.WithTimeout(ctx, callBound+q.wait)
	defer cancel()
	req, err := q.build(ctx)
	if err != nil {
		return out, err
	}
	req.Header.Set(goodUntilHeader, strconv.FormatInt(int64(c.boot()+reconcile.OrderGoodFor), 10))
	resp, err := c.http.Do(req)
	if err != nil {
		return out, unreachable(err)
	}
	defer resp.Body.Close()
	answer := io.LimitReader(resp.Body, answerSize)
	if resp.StatusCode != http.StatusOK {
		return out, problemOf(resp.StatusCode, answer)
	}
	if err := json.NewDecoder(answer).Decode(&out); err != nil {
		return out, fmt.Errorf("read the agent's answer: %w", err)
	}
	return out, nil
}

func (q request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		b, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("encode the order: %w", err)
		}
		body = bytes.NewReader(b)
	}
	method := http.MethodPost
	if q.method != "" {
		method = q.method
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://agent"+q.path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	return r, nil
}

// unreachable tells an agent that is not there from one that does not answer.
func unreachable(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w %v: %w", ErrNoAgent, op.Addr, op.Err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the agent did not answer: %w", ErrLate)
	}
	return fmt.Errorf("ask the agent: %w", err)
}

// problemOf makes the error of an answer that is one.
func problemOf(code int, answer io.Reader) error {
	var p problem
	if err := json.NewDecoder(answer).Decode(&p); err != nil || p.Error == "" {
		return fmt.Errorf("the agent answered with status %d", code)
	}
	switch code {
	case http.StatusConflict:
		return &permit.Refused{Rule: p.Rule, Reason: p.Error, Advice: p.Hint}
	case http.StatusBadRequest:
		return &Misused{Reason: p.Error, Advice: p.Hint}
	case http.StatusGatewayTimeout:
		return fmt.Errorf("%s: %w", p.Error, ErrLate)
	}
	return errors.New(p.Error)
}
