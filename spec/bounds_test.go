package spec

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheWorkOfAllTemplatesIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString(head + "nodes:\n")
	for i := range 300 {
		fmt.Fprintf(&text, "  n%d: { role: r }\n", i)
	}
	text.WriteString("roles:\n  r:\n    files:\n")
	for i := range 30 {
		fmt.Fprintf(&text, "      - { path: /etc/f%d, template: t }\n", i)
	}
	loop := []byte("{{ range .nodes }}{{ range $.nodes }}{{ end }}{{ end }}")
	_, problems := Load("d", []byte(text.String()), func(string) ([]byte, error) { return loop, nil })
	if len(problems) != 1 || problems[0].Path != "roles" {
		t.Error(problems)
	}
}
