package spec

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// BenchmarkLoad1000Deployments measures the budget:
// 1,000 deployments validated in 2 s at most.
func BenchmarkLoad1000Deployments(b *testing.B) {
	templates := designTemplates()
	documents := make([][]byte, 1000)
	for i := range documents {
		documents[i] = []byte(strings.Replace(design, "name: paris", fmt.Sprintf("name: site-%d", i), 1))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range documents {
			_, problems := Load("deployment.yaml", text, func(name string) ([]byte, error) { return fs.ReadFile(templates, name) })
			if len(problems) > 0 {
				b.Fatal(problems)
			}
		}
	}
}

// BenchmarkWant measures what a node asks of a document that it accepted.
func BenchmarkWant(b *testing.B) {
	d, problems := Load("f", []byte(design), func(string) ([]byte, error) { return nil, nil })
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Want("edge"); err != nil {
			b.Fatal(err)
		}
	}
}
