package etcd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// maxNews bounds one message of a watch, in bytes: what is watched is hashes.
	maxNews = 1 << 20
	// firstPause and longestPause are how long a watch that ended waits before the next.
	firstPause, longestPause = time.Second, 30 * time.Second
	// burst is how many pieces of news are passed on at once, and refill how long one
	// takes to be had again: a node that writes without an end must not make every other
	// one look without an end.
	burst, refill = 40, 250 * time.Millisecond
)

// newsKey names the commit that was seen last by whoever saw it first. It is beside the
// heads, so that one watch is about both, and no ref.
func (p place) newsKey(deployment string) string { return p.heads(deployment) + "news/commit" }

// Tell says to every node of the deployment that this node saw a commit of the
// document. Nobody believes it: whoever hears of it looks at git. A commit that was
// told of already is not told again.
func (c *Client) Tell(ctx context.Context, commit string) error {
	only := *c.only.Load()
	if only == "" || !hash(commit) {
		return nil
	}
	key := c.place.newsKey(only)
	_, err := c.change(ctx, "tell of a commit", txnRequest{Compare: []compare{isAt(key, commit)}, Failure: []operation{put(key, commit)}})
	return err
}

// Watch calls wake whenever something of the deployment changes, and once whenever it
// begins to listen, because it may have missed something. It says nothing of what changed: whoever
// is woken looks. What is not heard of is seen at the next poll. It ends with ctx.
func (c *Client) Watch(ctx context.Context, wake func()) {
	news := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { passOn(ctx, news, wake) })
	for pause := firstPause; ctx.Err() == nil; {
		listened := false
		for _, i := range c.order() {
			err := c.listen(ctx, i, func() {
				listened = true
				select {
				case news <- struct{}{}:
				default: // it is passed on with what came before
				}
			})
			c.log.Debug("watch ended", "member", c.place.Hosts[i], "error", err)
			if listened || ctx.Err() != nil {
				break
			}
		}
		wait(ctx, pause/2+rand.N(pause))
		if pause = min(2*pause, longestPause); listened {
			pause = firstPause
		}
	}
}

// passOn wakes for every piece of news, later when there were too many, and never for
// less than the last one: what came of it must not wait for a poll.
func passOn(ctx context.Context, news <-chan struct{}, wake func()) {
	left, last := float64(burst), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
		now := time.Now()
		left, last = min(burst, left+float64(now.Sub(last))/float64(refill)), now
		if left < 1 {
			wait(ctx, refill)
		}
		left--
		wake()
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// listen watches one member until that ends, or another deployment is asked for.
func (c *Client) listen(ctx context.Context, i int, heard func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.narrowed:
			cancel()
		case <-ctx.Done():
		}
	}()
	token, err := c.tokenOf(ctx, i, "")
	if err != nil {
		return err
	}
	prefix := c.place.heads(*c.only.Load())
	create := map[string]any{"create_request": rangeRequest{Key: []byte(prefix), End: []byte(end(prefix))}}
	answer, err := c.send(ctx, c.place.Hosts[i], call{path: pathWatch, token: token, in: create})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxNews)
	for lines.Scan() {
		var said struct {
			Result *struct {
				Created, Canceled bool
				Events            []struct{} `json:"events"`
			} `json:"result"`
		}
		switch err := json.Unmarshal(lines.Bytes(), &said); {
		case err != nil || said.Result == nil:
			c.forget(token)
			return errors.New("that is no watch")
		case said.Result.Canceled:
			c.forget(token)
			return errors.New("the member ended it")
		case said.Result.Created, len(said.Result.Events) > 0:
			heard()
		}
	}
	return lines.Err()
}

// forget makes the next call ask for a token again, if it would use this one.
func (c *Client) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}
