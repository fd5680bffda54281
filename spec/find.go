package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"mainstay/schema"
)

// Found is a file of mainstay's in a tree.
type Found struct {
	// Path is slash-separated and relative to the tree.
	Path string
	Kind schema.Kind
}

// Find lists the documents and the agents' files below root, in the order of
// their paths. A document is a YAML file that says apiVersion: mainstay/…, or
// kind: Deployment without naming somebody else's apiVersion; an agent's file
// is called agent.yaml or agent-….yaml, or has a repository: of its own. Hidden folders and every other file are
// skipped. A root that is itself a file is looked at in the same way.
func Find(tree fs.FS, root string) ([]Found, error) {
	var found []Found
	err := fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if kind := kindOf(tree, name); kind != "" {
			found = append(found, Found{Path: name, Kind: kind})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for documents: %w", err)
	}
	return found, nil
}

// KindOf tells what a file of that name and content is, or "" when it is not
// mainstay's.
func KindOf(name string, data []byte) schema.Kind {
	base, ok := yamlName(name)
	switch {
	case !ok:
		return ""
	case isDocument(data):
		return schema.Deployment
	case base == "agent" || strings.HasPrefix(base, "agent-"), repositoryLine.Match(data) && !apiVersionLine.Match(data):
		return schema.Agent
	}
	return ""
}

// NamedKind is KindOf for a file that a person named. One that says nothing about itself
// is taken for an agent's file when it has a key that only those have, and else for a
// document: checking it says what is wrong.
func NamedKind(tree fs.FS, name string) schema.Kind {
	data, err := readBounded(tree, name)
	switch kind := KindOf(name, data); {
	case err == nil && kind != "":
		return kind
	case agentLine.Match(data):
		return schema.Agent
	}
	return schema.Deployment
}

// kindOf is KindOf for a file of a tree. One that cannot be read, such as a link
// to nowhere or a pipe, is somebody else's.
func kindOf(tree fs.FS, name string) schema.Kind {
	if _, ok := yamlName(name); !ok {
		return ""
	}
	data, err := readBounded(tree, name)
	if err != nil {
		return ""
	}
	return KindOf(name, data)
}

// IsYAML tells by its name whether a file of a repository may be a document; hidden
// folders hold none.
func IsYAML(name string) bool {
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		if strings.HasPrefix(part, ".") && part != "." {
			return false
		}
	}
	_, ok := yamlName(name)
	return ok
}

func yamlName(name string) (base string, ok bool) {
	ext := path.Ext(name)
	return strings.TrimSuffix(path.Base(name), ext), ext == ".yaml" || ext == ".yml"
}

// isDocument looks at the text and not at the YAML, so that a document that is
// broken is still known for one.
func isDocument(data []byte) bool {
	if m := apiVersionLine.FindSubmatch(data); m != nil {
		return bytes.HasPrefix(m[1], []byte("mainstay"))
	}
	return kindLine.Match(data)
}

var (
	apiVersionLine = regexp.MustCompile(`(?m)^(?:\{[ \t]*)?["']?apiVersion["']?[ \t]*:[ \t]*["']?([^\s"',}]*)`)
	repositoryLine = regexp.MustCompile(`(?m)^["']?repository["']?[ \t]*:[ \t]*(?:#.*|\{.*)?\r?$`)
	agentLine      = regexp.MustCompile(`(?m)^["']?(?:allow|node|repo|repository|socket|state|verify)["']?[ \t]*:`)
	kindLine       = regexp.MustCompile(`(?m)^(?:\{[ \t]*)?["']?kind["']?[ \t]*:[ \t]*["']?Deployment\b`)
)

// LoadFrom is Load for a document that is read like its templates, by its path
// in the repository.
func LoadFrom(name string, read TemplateReader) (*Deployment, []schema.Problem) {
	data, err := read(name)
	if err != nil {
		return nil, []schema.Problem{unreadable(name, err)}
	}
	return Load(name, data, TemplatesBeside(name, read))
}

// LoadAgentFS is LoadAgentFile for a file in a tree.
func LoadAgentFS(tree fs.FS, name string) (*AgentFile, []schema.Problem) {
	data, err := readBounded(tree, name)
	if err != nil {
		return nil, []schema.Problem{unreadable(name, err)}
	}
	return LoadAgentFile(name, data)
}

func unreadable(name string, err error) schema.Problem {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return schema.Problem{File: name, Line: 1, Column: 1, Rule: RuleUnreadable, Message: "cannot be read: " + reasonOf(err)}
}

// readBounded reads a regular file, and one byte more than may be used of one
// that is too large, so that it is found to be.
func readBounded(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, schema.MaxSize+1))
}
