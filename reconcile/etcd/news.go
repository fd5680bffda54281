package etcd

import (
	"bufio"
	"cmp"
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
	// spend is what is passed on at once, and is had again in as long as it is worth: a
	// node that writes without an end must not make every other one look without an end. A
	// look at git is dearer than one at etcd, for the node and for the git server.
	spend, ofClaims, ofGit = 2 * time.Second, 50 * time.Millisecond, 250 * time.Millisecond
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

// News is what a watch heard since it was passed on last. Nobody decides by it: whoever
// hears of something looks.
type News struct {
	// Began says that it began to listen, and may have missed anything before.
	Began bool
	// Commit is what somebody said that the branch is at, and may be anything. It is empty
	// when nobody did.
	Commit string
	// Claims says that a claim or a report changed.
	Claims bool
}

// and is the news of both, the newer ones after.
func (n News) and(after News) News {
	return News{n.Began || after.Began, cmp.Or(after.Commit, n.Commit), n.Claims || after.Claims}
}

// Watch passes on whenever something of the deployment changes. What is not heard of is
// seen at the next poll. It ends with ctx.
func (c *Client) Watch(ctx context.Context, pass func(News)) {
	news := make(chan News, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { passOn(ctx, news, pass) })
	for pause := firstPause; ctx.Err() == nil; {
		listened := false
		for _, i := range c.order() {
			err := c.listen(ctx, i, func(n News) {
				listened = true
				select {
				case before := <-news: // it was not passed on yet
					n = before.and(n)
				default:
				}
				news <- n
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

// passOn passes every piece of news on, later and together when there were too many: what
// came of the last one must not wait for a poll.
func passOn(ctx context.Context, news <-chan News, pass func(News)) {
	left, last := spend, time.Now()
	for {
		var n News
		select {
		case <-ctx.Done():
			return
		case n = <-news:
		}
		now, price := time.Now(), ofClaims
		if n.Began || n.Commit != "" {
			price = ofGit
		}
		left, last = min(spend, left+now.Sub(last)), now
		if left -= price; left < 0 {
			wait(ctx, -left)
		}
		pass(n)
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

// said is one message of a watch.
type said struct {
	Result *struct {
		Created, Canceled bool
		Events            []struct {
			Pair pair `json:"kv"`
		} `json:"events"`
	} `json:"result"`
}

// news is what a message says of a deployment whose commits are told of under a key.
func (s said) news(commits string) (n News) {
	n.Began = s.Result.Created
	for _, e := range s.Result.Events {
		if string(e.Pair.Key) == commits && len(e.Pair.Value) > 0 {
			n.Commit = string(e.Pair.Value)
		} else {
			n.Claims = true
		}
	}
	return n
}

// listen watches one member until that ends, or another deployment is asked for.
func (c *Client) listen(ctx context.Context, i int, heard func(News)) error {
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
	only := *c.only.Load()
	prefix := c.place.heads(only)
	create := map[string]any{"create_request": rangeRequest{Key: []byte(prefix), End: []byte(end(prefix))}}
	answer, err := c.send(ctx, c.place.Hosts[i], call{path: pathWatch, token: token, in: create})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxNews)
	for lines.Scan() {
		var s said
		err := json.Unmarshal(lines.Bytes(), &s)
		switch {
		case err != nil || s.Result == nil:
			err = errors.New("that is no watch")
		case s.Result.Canceled:
			err = errors.New("the member ended it")
		}
		if err != nil {
			c.forget(token)
			return err
		}
		if n := s.news(c.place.newsKey(only)); n != (News{}) {
			heard(n)
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
