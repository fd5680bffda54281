package spec

import (
	"bytes"
	"fmt"
	"regexp"

	"mainstay/schema"
)

// Named is a document by the name of its deployment.
type Named struct {
	File, Name string
	// Line and Column are the place of the name.
	Line, Column int
}

var nameLine = regexp.MustCompile(`^["']?name["']?[ \t]*:[ \t]*["']?([a-z0-9.-]+)["']?[ \t]*(?:#.*)?\r?$`)

// nameAt is where the document's own lines give it a name, from and to. The pattern
// anchored to one line fails at once, one that looks for lines in all of it does not.
func nameAt(data []byte) (all [][2]int) {
	from := 0
	for line := range bytes.Lines(data) {
		if m := nameLine.FindSubmatchIndex(bytes.TrimSuffix(line, []byte("\n"))); m != nil {
			all = append(all, [2]int{from + m[2], from + m[3]})
		}
		from += len(line)
	}
	return all
}

// NameOf returns the name that a document gives its deployment, also when the
// rest of it is broken. It is not ok for a file that is no document, or has no
// name.
func NameOf(file string, data []byte) (n Named, ok bool) {
	if KindOf(file, data) != schema.Deployment {
		return n, false
	}
	if all := nameAt(data); len(all) == 1 {
		line, column := schema.LineColumn(data, all[0][0])
		return Named{file, string(data[all[0][0]:all[0][1]]), line, column}, true
	}
	read, _ := schema.Read(schema.Deployment, file, data)
	if read == nil {
		return n, false
	}
	n.File = file
	n.Name, ok = read.Value["name"].(string)
	n.Line, n.Column = read.Position(schema.Path{"name"})
	return n, ok && n.Name != ""
}

// Plain reports whether the name is one that a valid document could have.
func (n Named) Plain() bool { return schema.IsName(n.Name) }

// SameNames refuses documents of one repository that share a name: their nodes
// would share claims and reports, and a failover of one would move the other.
// Each of them gets a problem that names another one.
func SameNames(list []Named) []schema.Problem {
	first, problems := make(map[string]int), []schema.Problem(nil)
	said := make(map[string]bool)
	for i, n := range list {
		at, ok := first[n.Name]
		if !ok {
			first[n.Name] = i
			continue
		}
		if !said[n.Name] {
			said[n.Name] = true
			problems = append(problems, sameName(list[at], n))
		}
		problems = append(problems, sameName(n, list[at]))
	}
	return problems
}

func sameName(n, other Named) schema.Problem {
	return schema.Problem{
		File: n.File, Line: n.Line, Column: n.Column, Path: "name", Rule: RuleSameName,
		Message: fmt.Sprintf("%s names its deployment %s too: the two would share their claims and reports", other.File, n.Name),
		Hint:    "give each deployment a name of its own, or remove one of the two documents",
	}
}

// Twins is SameNames for one document among the files of its repository. Files
// that cannot be read, and those in hidden folders, are no documents.
func Twins(document Named, files []string, read TemplateReader) []schema.Problem {
	for _, file := range files {
		if !IsYAML(file) || file == document.File {
			continue
		}
		data, err := read(file)
		if err != nil {
			continue
		}
		if n, ok := NameOf(file, data); ok && n.Name == document.Name {
			return document.Among([]Named{n})
		}
	}
	return nil
}

// Among is SameNames for one document among those that have its name. It may be one of
// them.
func (n Named) Among(all []Named) []schema.Problem {
	for _, other := range all {
		if other.File != n.File {
			return []schema.Problem{sameName(n, other)}
		}
	}
	return nil
}
