// Package initial makes a repository to begin from: a document with its
// templates, an agent's file for every node, what continuous integration needs,
// and words for the team.
//
// It writes no file and runs no program, and it must not know where what it makes
// will be.
package initial

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"mainstay/examples"
	"mainstay/schema"
)

//go:embed local
var local embed.FS

//go:embed team.md
var team string

// Pair is the template of two machines of any kind.
const Pair = "pair"

// Local is the template of two nodes on this very machine.
const Local = "local"

// Options say what to make.
type Options struct {
	// Template is Local or the name of an example.
	Template string
	// Name is the deployment's.
	Name string
	// Origin is the repository's address, empty when it is not known yet.
	Origin string
	// Folder and Program are where the repository and this program are; only
	// Local names them.
	Folder, Program string
	// Addresses are those of nodes, by the node's name, in place of the example's.
	Addresses map[string]string
	// Services are those of Pair, in place of the example's; LeftOut are the units that run
	// too and are none of them, as they may be shown.
	Services []Service
	LeftOut  []string
	// CI is github, gitlab, forgejo or none.
	CI string
}

// File is one file of the repository.
type File struct {
	Path    string
	Content []byte
	// Program may be run, Secret is for its owner alone.
	Program, Secret bool
}

// Templates lists what there is to choose from.
func Templates() []string { return append([]string{Local}, examples.Names()...) }

// workflows are where each host looks for its workflow.
func workflows() map[string]string {
	return map[string]string{
		"github": ".github/workflows/mainstay.yaml", "gitlab": ".gitlab-ci.yml", "forgejo": ".forgejo/workflows/mainstay.yaml",
	}
}

// Hosts lists the hosts whose workflow is known.
func Hosts() []string { return append(slices.Sorted(maps.Keys(workflows())), "none") }

// Files makes the repository, in the order of the paths.
func Files(o Options) ([]File, error) {
	if !slices.Contains(Templates(), o.Template) {
		return nil, fmt.Errorf("no template %q", o.Template)
	}
	var tree fs.FS = local
	if o.Template != Local {
		tree = examples.FS()
	}
	sub, err := fs.Sub(tree, o.Template)
	if err != nil {
		return nil, fmt.Errorf("open the template: %w", err)
	}
	files, err := o.copied(sub)
	if err != nil {
		return nil, err
	}
	more, err := o.around()
	files = append(files, more...)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// copied is the template with its names and places filled in. Its README speaks
// of the example; the team gets its own.
func (o Options) copied(tree fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if name == "README.md" {
			data = []byte(o.words(string(data)) + "\n" + o.words(team))
		} else if strings.HasSuffix(name, ".yaml") {
			data = []byte(o.yaml(string(data)))
		} else if name == "node_keys" {
			data = bytes.ReplaceAll(data, []byte("# paris/"), []byte("# "+o.Name+"/"))
		}
		files = append(files, File{Path: name, Content: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	return files, nil
}

var (
	nameLine    = regexp.MustCompile(`(?m)^name: paris(-[a-z]+)?$`)
	schemaLine  = regexp.MustCompile(`\$schema=\.\./\.\./schema/`)
	exampleURL  = regexp.MustCompile(`ssh://git@git\.example\.org/voice/paris\.git`)
	howToUseIt  = regexp.MustCompile(`(?s)\n## Use it\n.*\z`)
	placeholder = regexp.MustCompile(`@(PROGRAM|FOLDER|ORIGIN|NAME)@`)
)

func (o Options) yaml(text string) string {
	text = nameLine.ReplaceAllLiteralString(text, "name: "+o.Name)
	text = schemaLine.ReplaceAllLiteralString(text, "$schema=schema/")
	text = o.proposed(o.addressed(text))
	if o.Origin != "" {
		text = exampleURL.ReplaceAllLiteralString(text, o.Origin)
	}
	return o.filled(text)
}

func (o Options) words(text string) string {
	return o.filled(howToUseIt.ReplaceAllLiteralString(text, ""))
}

func (o Options) filled(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		return map[string]string{"@PROGRAM@": o.Program, "@FOLDER@": o.Folder, "@ORIGIN@": o.Origin, "@NAME@": o.Name}[p]
	})
}

// around is what belongs to every repository.
func (o Options) around() ([]File, error) {
	files := []File{
		{Path: ".gitignore", Content: []byte("/.run/\n/plan.md\n/plan.err\n/*.log\n")},
		{Path: ".gitattributes", Content: []byte("# What is committed is what the nodes read.\n* -text\n")},
	}
	for _, k := range []schema.Kind{schema.Deployment, schema.Agent} {
		text, err := schema.JSON(k)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: path.Join("schema", string(k)+".schema.json"), Content: text})
	}
	runbook, err := fs.ReadFile(examples.FS(), "RUNBOOK.md")
	if err != nil {
		return nil, fmt.Errorf("read the runbook: %w", err)
	}
	files = append(files, File{Path: "RUNBOOK.md", Content: runbook})
	where, ok := workflows()[o.CI]
	if !ok {
		return files, nil
	}
	for from, to := range map[string]string{"ci/" + o.CI + ".yaml": where, "ci/plan.sh": "ci/plan.sh"} {
		text, err := fs.ReadFile(examples.FS(), from)
		if err != nil {
			return nil, fmt.Errorf("read the workflow: %w", err)
		}
		files = append(files, File{Path: to, Content: text, Program: strings.HasSuffix(to, ".sh")})
	}
	return files, nil
}
