package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"mainstay/schema"
)

// readTemplates reads every template that the document names, once, and keeps
// it.
func (l *loader) readTemplates() {
	l.badTemplates = make(map[string]bool)
	l.d.Templates = make(map[string][]byte)
	failed := make(map[string]error)
	for role, r := range l.d.Roles {
		for i, f := range r.Files {
			p := schema.Path{"roles", role, "files"}.Index(i).Key("template")
			if f.Template == "" {
				continue
			}
			if !localPath(f.Template) {
				l.say(RuleTemplateName, p, fmt.Sprintf("%q leads away from the document", f.Template),
					"a clean path below the document's folder, such as templates/upstream.conf")
				continue
			}
			l.readTemplate(p, f.Template, failed)
		}
	}
}

func (l *loader) readTemplate(p schema.Path, name string, failed map[string]error) {
	if _, ok := l.d.Templates[name]; ok {
		return
	}
	err, known := failed[name]
	if !known {
		var content []byte
		if content, err = l.fetch(name); err == nil {
			l.d.Templates[name] = content
			return
		}
		failed[name] = err
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*RefusedFile)) {
		l.say(RuleTemplateMissing, p, fmt.Sprintf("there is no file %s beside the document", name), "template paths begin at the document's folder")
		return
	}
	l.say(RuleTemplateMissing, p, fmt.Sprintf("%s cannot be read: %s", name, reasonOf(err)), "")
}

func (l *loader) fetch(name string) ([]byte, error) {
	if l.templates == nil {
		return nil, fs.ErrNotExist
	}
	content, err := l.templates(name)
	if err != nil {
		return nil, err
	}
	if len(content) > maxTemplate {
		return nil, fmt.Errorf("it has %d bytes, more than the %d allowed", len(content), maxTemplate)
	}
	return content, CheckContent(content)
}

// localPath tells whether a path stays below the folder it begins in, with
// nothing in it that a repository could not hold.
func localPath(name string) bool {
	return fs.ValidPath(name) && name != "." && path.Clean(name) == name && !strings.ContainsAny(name, "\\\x00")
}

// renderAll renders the templates of a node's files for every side that may
// come to serve. The first that does not render speaks for the others.
func (l *loader) renderAll(p schema.Path, node string, r Role) {
	for i, f := range r.Files {
		at := p.Key("files").Index(i).Key("template")
		if _, ok := l.d.Templates[f.Template]; !ok || l.badTemplates[f.Template] {
			continue
		}
		for _, side := range l.d.servingSides(node) {
			_, err := l.data.render(node, f.Template, side)
			if l.overworked() {
				return
			}
			if err != nil {
				l.badTemplate(at, f.Template, node, side, err)
				break
			}
		}
	}
}

// overworked gives up expanding what would keep every agent busy whenever the
// document changes.
func (l *loader) overworked() bool {
	if l.data.work.done <= maxWork {
		return false
	}
	if !l.overworkedSaid {
		l.overworkedSaid = true
		l.say(RuleTemplateInvalid, schema.Path{"roles"}, errOverworked.Error(),
			"use fewer nodes, files or {{ range }} loops; or several documents")
	}
	return true
}

func (l *loader) badTemplate(p schema.Path, name, node string, side Side, err error) {
	l.badTemplates[name] = true
	var te *TemplateError
	if !errors.As(err, &te) {
		l.say(RuleTemplateInvalid, p, err.Error(), "")
		return
	}
	if l.followsFromNodes(node, err) {
		return
	}
	message := fmt.Sprintf("%s:%d: %s", name, max(te.Line, 1), te)
	switch {
	case te.Expr == "":
	case side == "":
		message += fmt.Sprintf(" (node %s)", node)
	default:
		message += fmt.Sprintf(" (node %s while %s serves)", node, side)
	}
	l.say(RuleTemplateInvalid, p, message, l.expandHint(node, err))
}
