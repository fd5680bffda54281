package main

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"mainstay/reconcile/plan"
)

// cmdSigns lets git sign everything with the key of somebody: signs NAME. Nodes that are
// made later want signatures, and trust ops alone.
func cmdSigns(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: signs NAME")
	}
	work := ts.Getenv("WORK")
	key := filepath.Join(work, args[0]+".key")
	if _, err := os.Stat(key); err != nil {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", args[0], "-f", key).CombinedOutput()
		if err != nil {
			ts.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(key + ".pub")
	ts.Check(err)
	if args[0] == "ops" {
		ts.Check(os.WriteFile(filepath.Join(work, "signers"), []byte("ops "+string(public)), 0o644))
	}
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), ".gitconfig"), []byte("[init]\n\tdefaultBranch = main\n[gpg]\n\tformat = ssh\n"+
		"[commit]\n\tgpgSign = true\n[user]\n\tsigningKey = "+key+"\n"), 0o644))
}

// trusting is what a node's file says of signatures.
func trusting(ts *testscript.TestScript) string {
	signers := filepath.Join(ts.Getenv("WORK"), "signers")
	if _, err := os.Stat(signers); err != nil {
		return ""
	}
	return "verify: { allowedSigners: " + signers + " }\n"
}

// cmdHeard waits until a node has published a condition, or publishes it no more:
// [!] heard NODE CONDITION [CLAIMS]. $DEPLOYMENT is the name that the node goes by, if not paris.
func cmdHeard(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: [!] heard NODE CONDITION [CLAIMS]")
	}
	repo := filepath.Join(ts.Getenv("WORK"), append(args, "paris.git")[2])
	ref := "refs/mainstay/" + cmp.Or(ts.Getenv("DEPLOYMENT"), "paris") + "/report/" + args[0]
	waitFor(ts, args[0]+" to publish "+args[1], func() bool {
		out, err := exec.Command("git", "-C", repo, "cat-file", "blob", ref+":report.json").Output()
		var r plan.Report
		return err == nil && json.Unmarshal(out, &r) == nil && neg != slices.ContainsFunc(r.Conditions, func(c plan.Condition) bool { return c.Type == args[1] })
	})
}

// cmdForget takes from a node, whose agent is off, the chain of its claim: forget NODE.
func cmdForget(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: forget NODE")
	}
	all, err := os.ReadDir(ts.MkAbs(args[0] + "/state"))
	ts.Check(err)
	found := false
	for _, e := range all {
		if strings.HasPrefix(e.Name(), "chain") || strings.HasPrefix(e.Name(), "newest") {
			ts.Check(os.Remove(filepath.Join(ts.MkAbs(args[0]+"/state"), e.Name())))
			found = true
		}
	}
	if !found {
		ts.Fatalf("no chain among %v", all)
	}
}
