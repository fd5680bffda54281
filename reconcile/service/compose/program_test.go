package compose

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mainstay/reconcile/run"
	"mainstay/reconcile/service"
	"mainstay/reconcile/service/servicetest"
)

// onPath makes programs, given as shell scripts by name, and lets nothing else
// but the system's tools be found.
func onPath(t *testing.T, scripts map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// /bin may hold the real programs; the scripts name their tools in full.
	t.Setenv("PATH", folder)
}

const saysArguments = `[ "$2" = version ] && exit 0; for a; do echo "$a"; done; echo "in $PWD"; exit 1`

func TestBothComposeProgramsAreRunInTheProjectsPlace(t *testing.T) {
	at := place{Directory: t.TempDir(), Files: []string{"/srv/a.yml", "/srv/b.yml"}, Environment: []string{"/srv/env"}}
	common := "--project-directory | " + at.Directory + " | --file | /srv/a.yml | --file | /srv/b.yml | --env-file | /srv/env | " +
		"--project-name | cc | up | --detach | xuc | in " + at.Directory
	for name, c := range map[string]struct {
		scripts map[string]string
		says    string
	}{
		"plugin":        {map[string]string{"docker": saysArguments, "docker-compose": "exit 9"}, "compose | " + common},
		"no plugin":     {map[string]string{"docker": "exit 1", "docker-compose": saysArguments}, common},
		"older program": {map[string]string{"docker-compose": saysArguments}, common},
	} {
		t.Run(name, func(t *testing.T) {
			onPath(t, c.scripts)
			err := (&program{}).run(servicetest.Bounded(t), at, "--project-name", "cc", "up", "--detach", "xuc")
			servicetest.Wants(t, err, service.ErrFailed)
			if _, said, _ := strings.Cut(err.Error(), "exit status 1: "); said != c.says {
				t.Error(cmp.Diff(c.says, said))
			}
		})
	}
}

func TestWithoutAnyComposeProgramTheErrorNamesBoth(t *testing.T) {
	onPath(t, map[string]string{"docker": "exit 1"})
	servicetest.Wants(t, (&program{}).run(servicetest.Bounded(t), place{Directory: "/"}, "up"), service.ErrNotFound, "compose plugin nor docker-compose")
}

func TestWhatComposeSaysTellsTheKindOfItsError(t *testing.T) {
	for said, sentinel := range map[string]error{
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock.": service.ErrUnavailable,
		"ERROR: Couldn't connect to Docker daemon at http+docker://localhost": service.ErrUnavailable,
		"no such service: xuc":                                    service.ErrNotFound,
		"ERROR: No such service: xuc":                             service.ErrNotFound,
		"no configuration file provided: not found":               service.ErrNotFound,
		"ERROR: Can't find a suitable configuration file in this": service.ErrNotFound,
		"pull access denied for xuc":                              service.ErrFailed,
	} {
		onPath(t, map[string]string{"docker-compose": "echo \"" + said + "\" >&2; exit 1"})
		servicetest.Wants(t, (&program{}).run(servicetest.Bounded(t), place{Directory: "/"}, "up"), sentinel, said)
	}
	onPath(t, map[string]string{"docker-compose": "exit 0"})
	servicetest.Wants(t, (&program{}).run(servicetest.Bounded(t), place{Directory: "/never/there"}, "up"), service.ErrNotFound, "/never/there")
}

func TestComposeAndItsChildrenEndWithTheContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	onPath(t, map[string]string{"docker-compose": "trap '' TERM; echo pulling; /bin/sh -c 'echo $$ >" + file + "; exec /bin/sleep 600' & wait; wait; wait"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- (&program{}).run(ctx, place{Directory: "/"}, "up") }()
	pid := 0
	servicetest.Until(t, "the child", func() bool {
		content, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(content)))
		return pid > 0
	})
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "interrupted: pulling") {
		t.Errorf("%v", err)
	}
	servicetest.Until(t, "the child's end", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestOfLongOutputTheEndIsKept(t *testing.T) {
	onPath(t, map[string]string{"docker-compose": "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo the reason; exit 1"})
	err := (&program{}).run(servicetest.Bounded(t), place{Directory: "/"}, "up")
	servicetest.Wants(t, err, service.ErrFailed, "| the reason")
	if len(err.Error()) > 3*run.MaxOutput {
		t.Errorf("%d bytes", len(err.Error()))
	}
}
