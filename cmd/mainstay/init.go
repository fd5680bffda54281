package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"mainstay/cmd/mainstay/fitting"
	"mainstay/cmd/mainstay/initial"
)

// initialized is the JSON form of what init wrote.
type initialized struct {
	Folder string   `json:"folder"`
	Files  []string `json:"files"`
	// Next are the commands that come next.
	Next []string `json:"next"`
	// Nodes is what belongs on the nodes, when it was asked for.
	Nodes *fitting.Result `json:"nodes,omitempty"`
}

func (a *app) initCommand() *cobra.Command {
	o := initial.Options{Addresses: map[string]string{}}
	nodes, from := "", ""
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a repository to begin from",
		Long: "init writes a repository that validates: a document with its templates, an agent's file for\n" +
			"every node, a workflow that comments pull requests, a README and a runbook for the team. It\n" +
			"commits it, and with --origin it pushes it there; a folder that does not exist is made a bare\n" +
			"repository. The template local is two nodes on this machine, to try it out. Without\n" +
			"--template it asks, on a terminal, for what no flag says.\n\n" +
			"With --nodes it also writes, outside the repository, a folder for each node with what belongs\n" +
			"into its /etc/mainstay: the agent's file, a new key, all public keys, and the git server's host\n" +
			"key with its fingerprint to compare. authorized_keys there is for the git server.\n" + endsWith(exitProblems, exitRefused),
		Example: "  mainstay init try --template local --origin try.git\n" +
			"  mainstay init paris --template full --origin git@git.example.org:voice/paris.git\n" +
			"  mainstay init paris --template xivo --address xivo-main=10.1.0.11 \\\n" +
			"      --address xivo-standby=10.1.0.12 --nodes paris-nodes",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			folder, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			if err := fitting.Unused(folder); err != nil {
				return notUnused(err)
			}
			if from != "" {
				if c.Flags().Changed("template") && o.Template != initial.Pair {
					return failf(exitUsage, "--from proposes the services of a pair").hintf("use --template " + initial.Pair)
				}
				_ = c.Flags().Set("template", initial.Pair)
				if o.Services, o.LeftOut, err = fitting.Running(c.Context(), from); err != nil {
					return failf(exitFailed, "%w", err).hintf("ssh has to let you in there without a password; without --from the example's service is a beginning")
				}
			}
			if err := a.askInit(c, &o, folder, &nodes); err != nil {
				return err
			}
			return a.init(c.Context(), folder, dir, nodes, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Template, "template", "full", strings.Join(initial.Templates(), ", "))
	f.StringVar(&o.Name, "name", "", "the deployment's name (default: the folder's)")
	f.StringVar(&o.Origin, "origin", "", "where the repository will be; it is pushed there")
	f.StringVar(&o.CI, "ci", "github", "whose workflow to write: "+strings.Join(initial.Hosts(), ", "))
	f.StringToStringVar(&o.Addresses, "address", nil, "the address of a node, as NODE=ADDRESS; may be repeated")
	f.StringVar(&from, "from", "", "ask this machine (USER@HOST, over ssh) what it runs, and propose that")
	f.StringVar(&nodes, "nodes", "", "folder for what belongs on each node, with new keys")
	a.complete(c, nil, map[string]choices{"template": initial.Templates, "ci": initial.Hosts})
	return c
}

// init writes the repository, commits and pushes it. dir is the folder as it was
// named.
func (a *app) init(ctx context.Context, folder, dir, nodes string, o initial.Options) error {
	if err := completeInit(&o, folder); err != nil {
		return err
	}
	files, err := initial.Files(o)
	if err != nil {
		return err
	}
	if problems := initial.Check(files); len(problems) > 0 {
		return a.problems("deployment.yaml", problems)
	}
	r := initialized{Folder: folder, Files: []string{}, Next: initial.Next(dir, o)}
	if nodes != "" {
		if nodes, err = filepath.Abs(nodes); err != nil {
			return err
		}
		if o.Origin == "" {
			return failf(exitUsage, "the nodes have to know where the repository is").hintf("add --origin")
		}
		if err := fitting.Check(nodes, folder); err != nil {
			return failf(exitRefused, "%w", err).hintf("name a new folder with --nodes")
		}
		var fitted fitting.Result
		if files, fitted, err = fitting.Write(ctx, o, files, nodes); err != nil {
			return failf(exitFailed, "%w", err)
		}
		r.Nodes = &fitted
	}
	for _, f := range files {
		if err := fitting.WriteNew(folder, f); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
		r.Files = append(r.Files, f.Path)
	}
	if r.Nodes != nil && a.format != "json" {
		fmt.Fprint(a.out, r.Nodes)
	}
	if hint, err := fitting.Commit(ctx, folder, o); err != nil {
		return failf(exitFailed, "%w", err).hintf("%s", hint)
	}
	return a.printInit(r)
}

// notUnused is a folder that init does not write to, as a fault.
func notUnused(err error) error {
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return failf(exitFailed, "%w", err)
	}
	return failf(exitRefused, "%w", err).hintf("name a new folder")
}

// completeInit fills in what follows from the rest, and checks it.
func completeInit(o *initial.Options, folder string) error {
	if o.Name == "" {
		o.Name = strings.ToLower(filepath.Base(folder))
	}
	for _, q := range append(initial.Questions(o), initial.OfNodes(o, new(string))...) {
		if wrong := q.Wrong(); wrong != nil {
			return misused(wrong)
		}
	}
	return fitting.Place(o, folder)
}

func (a *app) printInit(r initialized) error {
	if a.format == "json" {
		return a.printJSON(r)
	}
	_, err := fmt.Fprintf(a.out, "wrote %s to %s. Next:\n  %s\n", count(len(r.Files), "file"), r.Folder, strings.Join(r.Next, "\n  "))
	return err
}
