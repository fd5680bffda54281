package demo

import (
	"context"
	"encoding/json"
	"net"
	"net/http"

	"mainstay/reconcile/plan"
)

type tmpStatus struct{ Node plan.Report }

func askStatus(ctx context.Context, socket string) (tmpStatus, error) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	var s tmpStatus
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://x/v1/status", nil)
	res, err := c.Do(r)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}
