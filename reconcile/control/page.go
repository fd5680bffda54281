package control

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"mainstay/reconcile/plain"
	"mainstay/reconcile/plan"
)

// pageStyle is all the style of the page. It is allowed by its digest, so that the page
// needs no second address.
const pageStyle = "body{margin:2rem auto;max-width:52rem;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}" +
	"h1{font-size:2rem;margin:0}table{border-collapse:collapse;width:100%;margin-top:1.5rem}" +
	"th,td{text-align:left;vertical-align:top;padding:.4rem 1rem .4rem 0;border-bottom:1px solid #8884;overflow-wrap:anywhere}"

// page answers / with what the node is, for a person who came by a browser. It shows
// no more than GET /v1/status does.
func (h *HTTP) page(w http.ResponseWriter, _ *http.Request) {
	r, _ := h.Agent.Status()
	digest := sha256.Sum256([]byte(pageStyle))
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(pageOf(r)))
}

// pageOf writes a report as a page. Foreign text is made fit to be shown, and is text.
func pageOf(r plan.Report) string {
	var b strings.Builder
	text := func(s string) string { return html.EscapeString(plain.Line(s)) }
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", text(name), text(value))
		}
	}
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"+
		"<meta name=\"color-scheme\" content=\"light dark\"><title>%s</title><style>%s</style></head>\n<body><main>\n<h1>%s: %s</h1>\n<p>%s</p>\n<table>\n",
		text(r.Node), pageStyle, text(r.Node), text(string(r.Status)), text(r.Reason))
	row("deployment", r.Deployment)
	row("role", r.Role)
	row("side", string(r.Side))
	row("declared", string(r.Declared))
	row("points at", string(r.Serving))
	row("since", moment(r.Since))
	row("git last read", moment(r.LastRead))
	row("commit", r.Applied)
	for _, s := range r.Services {
		row("service "+s.Name, strings.TrimSuffix(string(s.Run)+": "+s.Reason, ": "))
	}
	for _, c := range r.Checks {
		row("check "+c.Name, map[bool]string{true: "ok", false: "fails: " + c.Output}[c.OK])
	}
	for _, c := range r.Conditions {
		row(c.Type, c.Message)
	}
	b.WriteString("</table>\n<p>As of now, from this node alone; reload for a newer state. <a href=\"/v1/status\">/v1/status</a> is the same for programs. " +
		"<code>mainstay console</code> shows the whole deployment.</p>\n</main></body></html>\n")
	return b.String()
}

// moment writes a time of the node's clock, nothing for one that is not known.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
