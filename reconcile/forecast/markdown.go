package forecast

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"

	"mainstay/reconcile/plain"
)

// Markdown writes plans as a comment for a pull request.
func Markdown(w io.Writer, plans []*Forecast) error {
	var b strings.Builder
	if len(plans) == 0 {
		b.WriteString("**mainstay**: no deployment changes.\n")
	}
	for _, p := range plans {
		p.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Title says in one line what a plan is.
func (p *Forecast) Title() string {
	switch {
	case p.To == "":
		return p.Deployment + ": the document goes away"
	case !p.Pending:
		return p.Deployment + ": nothing changes"
	case len(p.Handovers) == 0 && p.From != p.To:
		return p.Deployment + ": " + string(p.To) + " is declared, and serves already"
	case len(p.Handovers) == 0:
		return p.Deployment + ": changes, and " + string(p.To) + " stays active"
	case p.From == p.To:
		return p.Deployment + ": " + string(p.To) + " is to serve"
	}
	if p.From == "" {
		return fmt.Sprintf("%s: %s starts for the first time", p.Deployment, p.To)
	}
	return fmt.Sprintf("%s: switch from %s to %s", p.Deployment, p.From, p.To)
}

func (p *Forecast) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "### %s\n\n", escaped(p.Title()))
	for _, h := range p.Handovers {
		h.markdown(b)
	}
	list(b, "**Speaks against it:**", p.Objections, func(o Objection) string {
		return fmt.Sprintf("`%s` %s", o.What, escaped(o.String()))
	})
	list(b, "**Settings:**", p.Settings, escaped)
	p.markdownSteps(b)
	list(b, "**People then have to:**", p.People, escaped)
	list(b, "**Good to know:**", p.Notes, escaped)
	p.markdownDiffs(b)
}

func (h Handover) markdown(b *strings.Builder) {
	guarantee := h.Guarantee
	if guarantee == "" {
		guarantee = "none, it will not happen by itself"
	}
	move := fmt.Sprintf("moves from %s to %s", h.From, h.To)
	if h.From == "" {
		move = "on " + h.Move()
	}
	fmt.Fprintf(b, "**%s %s. Guarantee: %s**: %s.", escaped(h.Role), move, guarantee, escaped(h.Why))
	if h.IfDead != "" {
		fmt.Fprintf(b, " %s.", escaped(h.IfDead))
	}
	if len(h.Waits) > 0 {
		fmt.Fprintf(b, " It waits for %s.", escaped(strings.Join(h.Waits, "; then for ")))
	}
	if h.Guarantee != "" && h.Longest > 0 {
		fmt.Fprintf(b, " By the document's bounds it is over after %s at the latest.", brief(h.Longest))
	}
	b.WriteString("\n\n")
}

func (p *Forecast) markdownSteps(b *strings.Builder) {
	if len(p.Steps) == 0 {
		return
	}
	b.WriteString("| | node | what happens | when |\n|--:|---|---|---|\n")
	for i, s := range p.Steps {
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", i+1, escaped(s.Node), escaped(s.Text), escaped(s.After))
	}
	b.WriteString("\n")
}

func (p *Forecast) markdownDiffs(b *strings.Builder) {
	for _, s := range p.Steps {
		if s.Diff == "" {
			continue
		}
		fence := "```"
		for strings.Contains(s.Diff, fence) {
			fence += "`"
		}
		fmt.Fprintf(b, "<details><summary>%s on %s</summary>\n\n%sdiff\n%s%s\n</details>\n\n", escaped(s.What), escaped(s.Node), fence, plain.Text(s.Diff), fence)
	}
}

func list[T any](b *strings.Builder, title string, items []T, text func(T) string) {
	if len(items) == 0 {
		return
	}
	b.WriteString(title + "\n")
	for _, i := range items {
		b.WriteString("- " + text(i) + "\n")
	}
	b.WriteString("\n")
}

// special are the characters that Markdown or HTML would take for their own.
var special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>|~]")

// mention are what a host would make a link to a person or a request of.
var mention = regexp.MustCompile("[@#!]")

// escaped keeps text that comes from documents and nodes from being markup. Words
// that people should copy stay as they are read.
func escaped(text string) string {
	text = special.ReplaceAllString(plain.Line(text), `\$0`)
	return mention.ReplaceAllString(text, "$0<!-- -->")
}

// brief writes a number of seconds, rounded up: a bound stays a bound.
func brief(s float64) string {
	switch {
	case s < 120:
		return fmt.Sprintf("%.0f s", math.Ceil(s))
	case s < 7200:
		return fmt.Sprintf("%.0f min", math.Ceil(s/60))
	}
	return fmt.Sprintf("%.1f h", math.Ceil(s/360)/10)
}
