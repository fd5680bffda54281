package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this very program under its own name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"host-tool": func() { os.Exit(hostTool(os.Args[1:])) },
		"small-ssh": func() { os.Exit(smallSSH(os.Args[1:])) },
		"mainstay":  func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The stories in testdata/script run the program as people do. Each begins with
// why it is told.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: gitAsIs,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "site": cmdSite, "says": cmdSays, "takes": cmdTakes, "valid": cmdValid, "demo": cmdDemo, "ends": cmdEnds,
			"serve": cmdServe(t), "runner": cmdRunner(t), "terminal": cmdTerminal, "screen": cmdScreen, "sees": cmdSees, "types": cmdTypes,
		},
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
	})
}

// gitAsIs keeps this machine's git configuration out of the stories.
func gitAsIs(env *testscript.Env) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	env.Values[openTerminal{}] = &terminal{}
	// What listens on this machine must not meet that of another run.
	pid := os.Getpid()
	env.Vars = append(env.Vars, fmt.Sprintf("TRY=try-%d", pid), fmt.Sprintf("TRYNET=127.%d.%d", 1+pid%250, 1+pid/250%250))
	env.Vars = append(env.Vars,
		"CI="+filepath.Join(here, "..", "..", "examples", "ci"), "SITE="+filepath.Join(here, "testdata", "site"), "SCHEMAS="+filepath.Join(here, "schemas"),
		"HOME="+env.WorkDir, "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "NO_COLOR=1",
		"GORACE="+os.Getenv("GORACE"),
		"GIT_AUTHOR_NAME=ops", "GIT_AUTHOR_EMAIL=ops@example.org", "GIT_COMMITTER_NAME=ops", "GIT_COMMITTER_EMAIL=ops@example.org",
	)
	return os.WriteFile(filepath.Join(env.WorkDir, ".gitconfig"), []byte("[init]\n\tdefaultBranch = main\n"), 0o644)
}

// exits N COMMAND… runs a command that must end with the exit code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want := -1
	if len(args) > 1 && !neg {
		want, _ = strconv.Atoi(args[0])
	}
	if want < 0 {
		ts.Fatalf("usage: exits N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var e *exec.ExitError
	if errors.As(err, &e) {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
