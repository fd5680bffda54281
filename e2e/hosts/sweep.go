//go:build e2e

package hosts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Sweep removes everything that runs whose process is gone have left, so that
// a test run that was killed does not spoil the next one.
func Sweep(ctx context.Context) error {
	names, err := everything(ctx)
	if err != nil {
		return err
	}
	runs := map[string]bool{}
	for _, name := range names {
		if run := runOf(name); run != "" && !alive(run) {
			runs[run] = true
		}
	}
	var problems []error
	for run := range runs {
		problems = append(problems, sweepRun(ctx, run))
	}
	return errors.Join(problems...)
}

// Leftovers lists what exists and has a name that begins like this: containers,
// networks, cgroups, link rules and folders. What a process made begins with
// Run of it, what belongs to a host with its Container.
func Leftovers(ctx context.Context, begin string) ([]string, error) {
	names, err := everything(ctx)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, name := range names {
		if strings.HasPrefix(name, begin) {
			left = append(left, name)
		}
	}
	return left, nil
}

// everything lists the names of all that any run has made.
func everything(ctx context.Context) ([]string, error) {
	containers, err := docker(ctx, "ps", "--all", "--filter", "label="+label, "--format", "{{.Names}}")
	if err != nil {
		return nil, err
	}
	networks, err := docker(ctx, "network", "ls", "--filter", "label="+label, "--format", "{{.Name}}")
	if err != nil {
		return nil, err
	}
	tables, err := tables(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	names := append(strings.Fields(containers), strings.Fields(networks)...)
	names = append(names, tables...)
	names = append(names, entries(tree)...)
	return append(names, entries(runFolder)...), nil
}

// tables lists the names of the link rules of all runs, spelt as their
// networks.
func tables(ctx context.Context) ([]string, error) {
	out, err := run(ctx, "nft", "list", "tables", "bridge")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(out) {
		names = append(names, strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(line, "table bridge ")), "_", "-"))
	}
	return names, nil
}

// entries lists what in a folder carries the name of a run.
func entries(folder string) []string {
	list, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range list {
		if runOf(entry.Name()) != "" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// sweepRun removes everything of one run.
func sweepRun(ctx context.Context, run string) error {
	problems := []error{
		removeListed(ctx, run, []string{"ps", "--all", "--quiet"}, []string{"rm", "--force", "--volumes"}),
		removeListed(ctx, run, []string{"network", "ls", "--quiet"}, []string{"network", "rm"}),
		removeTables(ctx, run),
	}
	tree, err := cgroupRoot()
	if err != nil {
		return err
	}
	for _, name := range entries(tree) {
		if runOf(name) == run {
			folder := filepath.Join(tree, name)
			problems = append(problems, emptyCgroup(ctx, folder))
		}
	}
	for _, name := range entries(runFolder) {
		if runOf(name) == run {
			problems = append(problems, sweepFolder(ctx, filepath.Join(runFolder, name)))
		}
	}
	return errors.Join(problems...)
}

// sweepFolder removes the folder of a host or of an engine.
func sweepFolder(ctx context.Context, folder string) error {
	if strings.Contains(filepath.Base(folder), engineMark) {
		return sweepEngine(ctx, folder)
	}
	return removeFolder(folder)
}

// removeListed gives every id that one docker command lists to another.
func removeListed(ctx context.Context, run string, list, remove []string) error {
	ids, err := docker(ctx, append(list, "--filter", "label="+label+"="+run)...)
	if err != nil || ids == "" {
		return err
	}
	_, err = docker(ctx, append(remove, strings.Fields(ids)...)...)
	return err
}

func removeTables(ctx context.Context, owner string) error {
	names, err := tables(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if runOf(name) != owner {
			continue
		}
		if _, err := run(ctx, "nft", "delete", "table", "bridge", strings.ReplaceAll(name, "-", "_")); err != nil {
			return err
		}
	}
	return nil
}

// emptyCgroup removes a cgroup whose last processes may still be going.
func emptyCgroup(ctx context.Context, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	return until(ctx, "the cgroup is empty", func() (bool, error) {
		err := removeCgroup(folder)
		return err == nil, err
	})
}
