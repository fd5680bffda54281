package main

import (
	"strings"
	"testing"

	"mainstay/reconcile/git"
)

func TestEverySettingHasWordsForAMachineWithoutAnAgentsFile(t *testing.T) {
	for _, s := range git.Settings() {
		hint := (&laptop{}).hintOf(&git.Error{Kind: git.ErrAuth, Setting: s, Value: "VALUE", Advice: "in the agent file"})
		if hint == "" || strings.Contains(hint, "agent file") {
			t.Errorf("%s: %q", s, hint)
		}
	}
	e := &git.Error{Kind: git.ErrAuth, Setting: git.KeyMissing, Advice: "set sshKey in the agent file"}
	if hint := (&laptop{config: "agent.yaml"}).hintOf(e); hint != e.Advice {
		t.Errorf("with --config: %q", hint)
	}
}
