package spec

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
	"mainstay/schema"
)

// hungry makes a document of many nodes and many texts, each of them a template.
func hungry(nodes, args int, text string) string {
	var b strings.Builder
	b.WriteString(head + "nodes:\n")
	for i := range nodes {
		fmt.Fprintf(&b, "  n%d: { role: r, address: 10.0.%d.%d }\n", i, i/250, i%250+1)
	}
	b.WriteString("roles:\n  r:\n    files: [{ path: /etc/f, template: t }]\n    checks:\n      - { name: c, command: [x")
	for range args {
		fmt.Fprintf(&b, ", %q", text)
	}
	b.WriteString("] }\n")
	return b.String()
}

// mostTime and mostMemory are what one document may cost an agent. They are far
// above what is measured, and far below what a hungry document took.
const (
	mostTime   = 4 * time.Second
	mostMemory = 256 << 20 // bytes that were ever allocated
)

// cost loads a document and returns what that took of the processors, whatever else they
// have to do, and of memory.
func cost(load func()) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := attack.Worked()
	load()
	took := attack.Worked() - began
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

func TestAHungryDocumentCostsLittle(t *testing.T) {
	attack.Row(t, "hostile document", "text fields that work for hours, for each node", "a problem within a second")
	double := "{{ $x := print `0123456789abcdef` }}{{ range $.nodes }}{{ $x = printf `%s%s` $x $x }}{{ end }}"
	for name, c := range map[string]struct {
		nodes, args    int
		text, template string
	}{
		"loops in texts":     {500, 99, "{{range .nodes}}{{range $.nodes}}{{end}}{{end}}", ""},
		"fields in texts":    {500, 99, "{{.node.name}}{{.node.address}}", ""},
		"loops in templates": {500, 1, "x", "{{range .nodes}}{{range $.nodes}}{{end}}{{end}}"},
		"loops that end":     {500, 99, "{{range .nodes}}{{break}}{{end}}", ""},
		"loops of nothing":   {500, 1, "x", "{{range .nodes}}{{range $.nodes}}{{break}}{{end}}{{end}}"},
		"nothing written":    {500, 1, "x", strings.Repeat("{{range .nodes}}{{$b := eq .name .name .name}}{{end}}", 3000)},
		"the whole data":     {500, 99, "{{ print . }}", "{{ . }}"},
		"doubling":           {500, 99, double, double},
		"calls of itself":    {500, 1, "x", "{{define `a`}}{{template `a` .}}{{end}}{{template `a` .}}"},
		"failures":           {500, 99, "{{ .nothing }}", "{{ .nothing }}"},
		"wide formats":       {500, 99, "{{ printf `%999d%999d%999d%999d` 1 1 1 1 }}", "{{ range .nodes }}{{ printf `%999d%999d%999d%999d` 1 1 1 1 }}{{ end }}"},
		"large output":       {500, 1, "x", strings.Repeat("0123456789abcdef", 16_000)},
	} {
		t.Run(name, func(t *testing.T) {
			text := hungry(c.nodes, c.args, c.text)
			took, memory := cost(func() {
				Load("d", []byte(text), func(string) ([]byte, error) { return []byte(c.template), nil })
			})
			t.Logf("%s: %d bytes: %s, %d MB", name, len(text), took.Round(time.Millisecond), memory>>20)
			if took > mostTime || memory > mostMemory {
				t.Errorf("%s and %d bytes", took, memory)
			}
		})
	}
}

func TestTheWorkOfAWholeDocumentIsBounded(t *testing.T) {
	attack.Row(t, "hostile document", "many templates that each stay below the limit", "one budget for the whole document")
	var text strings.Builder
	text.WriteString(head + "nodes:\n")
	for i := range 300 {
		fmt.Fprintf(&text, "  n%d: { role: r }\n", i)
	}
	text.WriteString("roles:\n  r:\n    files:\n")
	for i := range 30 {
		fmt.Fprintf(&text, "      - { path: /etc/f%d, template: t }\n", i)
	}
	for name, template := range map[string]string{
		"files": "{{ range .nodes }}{{ . }}{{ end }}", "fields": "",
	} {
		t.Run(name, func(t *testing.T) {
			document := text.String()
			if name == "fields" {
				document = hungry(500, 99, "{{range .nodes}}{{.}}{{end}}")
			}
			_, problems := Load("d", []byte(document), func(string) ([]byte, error) { return []byte(template), nil })
			if len(problems) != 1 || problems[0].Path != "roles" || !strings.Contains(problems[0].Message, "more than 1000000 steps") {
				t.Error(problems)
			}
		})
	}
}

func TestAHostsFileOfALargeDeploymentIsWithinBounds(t *testing.T) {
	text := hungry(200, 20, "{{ .node.address }}")
	_, problems := Load("d", []byte(text), func(string) ([]byte, error) {
		return []byte("{{ range .nodes }}{{ .address }} {{ .name }}\n{{ end }}"), nil
	})
	if len(problems) > 0 {
		t.Error(problems)
	}
}

func TestShapesThatCostMuchAreRefusedSoon(t *testing.T) {
	attack.Row(t, "hostile document", "lists that are long where each entry costs", "refused before anything is expanded")
	long := strings.Repeat("x", 900_000)
	for name, text := range map[string]string{
		"one long text many times": "a: &a " + long + "\nb: [" + strings.Repeat("*a, ", 30_000) + "]\n",
		"one long list":            head + "roles: { r: { services: [{ name: a, command: { running: [" + numbers(40_000) + "] } }] } }\n",
		"many short lists":         head + "x: [" + strings.Repeat("["+numbers(900)+"],", 50) + "]\n",
		"many nodes":               strings.Replace(hungry(15_000, 1, "x"), "10.0.0.1", "x", 1),
		"many unknown keys":        head + strings.Repeat("k"+long[:1000]+": 1\n", 1) + strings.Repeat("? [x]\n", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			var problems []schema.Problem
			took, memory := cost(func() { _, problems = Load("d", []byte(text), nil) })
			t.Logf("%d bytes: %s, %d MB, %d problems", len(text), took.Round(time.Millisecond), memory>>20, len(problems))
			if len(problems) == 0 || took > mostTime || memory > mostMemory {
				t.Errorf("%d problems, %s and %d bytes", len(problems), took, memory)
			}
		})
	}
}

// numbers lists so many different numbers.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()
}

// TestADocumentThatMakesNodesDeafIsRefused: a node that looks once a week would
// not see the commit that mends that, nor that it lost its claim (R1).
func TestADocumentThatMakesNodesDeafIsRefused(t *testing.T) {
	attack.Row(t, "hostile document", "poll and timeout of a week", "refused, so that the next commit is seen")
	for settings, want := range map[string]string{
		"poll: 5m, timeout: 1m":     "",
		"poll: '*/5 * * * *'":       "",
		"poll: 168h":                "agent.poll: must be at most 5m, not 168h",
		"timeout: 168h":             "agent.timeout: must be at most 1m, not 168h",
		"poll: '0 * * * *'":         "agent.poll: leaves up to 1h between two looks, and at most 5m are allowed",
		"poll: '* 8-18 * * 1-5'":    "agent.poll: leaves up to 61h1m between two looks, and at most 5m are allowed",
		"poll: '@every 1h'":         "agent.poll: must be at most 5m, not 1h",
		"poll: '@daily'":            "agent.poll: leaves up to 24h between two looks, and at most 5m are allowed",
		"poll: '0-55/5,59 * * * *'": "",
		"poll: '@yearly'":           "agent.poll: leaves up to 8760h between two looks, and at most 5m are allowed",
		"poll: '* * 1 1 *'":         "agent.poll: leaves up to 8736h1m between two looks, and at most 5m are allowed",
		"poll: '* * 29 2 *'":        "agent.poll: leaves up to 8784h between two looks, and at most 5m are allowed",
		"poll: '* * * 1-2 *'":       "agent.poll: leaves up to 7344h1m between two looks, and at most 5m are allowed",
		"poll: '* * * 2-12 *'":      "agent.poll: leaves up to 744h1m between two looks, and at most 5m are allowed",
	} {
		_, problems := Load("d", []byte(head+"agent: { "+settings+" }\n"+pair+"roles: { xivo: { exclusive: true } }\n"), nil)
		got := ""
		if len(problems) > 0 {
			got = problems[0].Path + ": " + problems[0].Message
		}
		if got != want {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
}
