package teller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFileOfAlertsIsReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"alerts: [{ command: [page], repeat: 1h, on: [dual], after: { held: 2m } }]": "",
		"node: a\nrepository: { url: / }\nalerts: [{ command: [page] }]":             "",
		"alerts: []":                      "names nobody",
		"alerts: [{ comand: [page] }]":    "comand",
		"alerts: [{ to: slack://a@b }]":   "holds a secret",
		"[":                               "alerts.yaml",
		strings.Repeat("#", mostAlerts+1): "more than",
	} {
		file := filepath.Join(t.TempDir(), "alerts.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := load(file)
		if want == "" && (err != nil || len(list) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %v, %v", text, list, err)
		}
	}
}
