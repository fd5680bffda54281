package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheProductIsBuiltOnTheChosenPackages: the README lists what this is built on; each
// of these does its work in the program itself and not in a test of it alone.
func TestTheProductIsBuiltOnTheChosenPackages(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("no go to ask: %v", err)
	}
	linked := strings.Fields(string(out))
	for _, want := range []string{
		"github.com/go-git/go-git/v5/plumbing/object", "sigs.k8s.io/yaml",
		"github.com/santhosh-tekuri/jsonschema/v5", "github.com/robfig/cron/v3", "log/slog",
	} {
		found := false
		for _, have := range linked {
			found = found || have == want
		}
		if !found {
			t.Errorf("%s is not linked", want)
		}
	}
}
