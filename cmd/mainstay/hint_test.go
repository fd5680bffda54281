package main

import (
	"strings"
	"testing"

	"mainstay/reconcile/git/failure"
)

func TestEverySettingHasWordsForAMachineWithoutAnAgentsFile(t *testing.T) {
	for _, s := range failure.Settings() {
		hint := (&laptop{}).hintOf(&failure.Error{Kind: failure.ErrAuth, Setting: s, Value: "VALUE", Advice: "in the agent file"})
		if hint == "" || strings.Contains(hint, "agent file") {
			t.Errorf("%s: %q", s, hint)
		}
	}
	e := &failure.Error{Kind: failure.ErrAuth, Setting: failure.KeyMissing, Advice: "set sshKey in the agent file"}
	if hint := (&laptop{config: "agent.yaml"}).hintOf(e); hint != e.Advice {
		t.Errorf("with --config: %q", hint)
	}
}
