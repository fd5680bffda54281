package spec

import (
	"fmt"
	"strings"

	"mainstay/schema"
	"mainstay/spec/timing"
)

// TemplateReader returns the content of a template by its path relative to the
// document. An error that is fs.ErrNotExist means that there is none, and a
// RefusedFile that nobody would take it.
type TemplateReader func(name string) ([]byte, error)

// Load reads a document: strictly, with defaults filled in, held against its
// schema and against its meaning. File is the name that problems carry. Every
// problem is returned in one go, sorted by position; the deployment is nil when
// there is one. Load calls templates for every template that the document
// names, once each, and keeps what it returns.
func Load(file string, data []byte, templates TemplateReader) (*Deployment, []schema.Problem) {
	if err := CheckContent(data); err != nil {
		return nil, []schema.Problem{unreadable(file, err)}
	}
	doc, problems := schema.Read(schema.Deployment, file, data)
	if doc == nil {
		return nil, problems
	}
	l := &loader{reader: reader{doc: doc, problems: problems}, templates: templates, missing: make(map[string]bool), floats: make(map[string]string)}
	l.schedules()
	l.d = &Deployment{Source: doc.Source}
	if err := doc.Decode(l.d); err != nil {
		l.say(schema.RuleInternal, nil, err.Error(), "")
		return nil, schema.Sort(l.problems)
	}
	l.data = l.d.dataset()
	l.readTemplates()
	l.meaning()
	if len(l.problems) > 0 {
		return nil, schema.Sort(l.problems)
	}
	return l.d, nil
}

// reader collects the problems of one file.
type reader struct {
	doc      *schema.Document
	problems []schema.Problem
}

// maxProblems is how many problems of one file are collected; far fewer are
// shown.
const maxProblems = 1000

// say adds a problem, unless something at its place is known to be wrong
// already.
func (r *reader) say(rule schema.Rule, p schema.Path, message, hint string) {
	if len(r.problems) < maxProblems && r.doc.Sound(p) {
		r.problems = append(r.problems, r.doc.Problem(rule, p, message, hint))
	}
}

// deny is say for a value that others depend on: what only follows from it is
// held back.
func (r *reader) deny(rule schema.Rule, p schema.Path, message, hint string) {
	if len(r.problems) < maxProblems && r.doc.Sound(p) {
		r.problems = append(r.problems, r.doc.Reject(rule, p, message, hint))
	}
}

// loader checks the meaning of a document.
type loader struct {
	reader
	d         *Deployment
	data      *dataset
	templates TemplateReader
	// badTemplates holds the templates that were complained about.
	badTemplates   map[string]bool
	overworkedSaid bool
	byRole         map[string][]string
	// missing holds the nodes whose missing peer was said.
	missing map[string]bool
	// floats is the role of each floating address.
	floats map[string]string
}

// schedules checks every schedule before the document is decoded, because a
// decoding error has no position.
func (l *loader) schedules() {
	l.schedule(schema.Path{"agent", "poll"})
	roles, _ := l.doc.Value["roles"].(map[string]any)
	for name, role := range roles {
		role, _ := role.(map[string]any)
		jobs, _ := role["jobs"].([]any)
		for i := range jobs {
			l.schedule(schema.Path{"roles", name, "jobs"}.Index(i).Key("schedule"))
		}
	}
}

func (l *loader) schedule(p schema.Path) {
	text, ok := l.doc.Get(p).(string)
	if !ok {
		return
	}
	s, err := timing.ParseSchedule(text)
	if err != nil && len(strings.Fields(text)) != 5 && !strings.Contains(err.Error(), "above zero") && !strings.Contains(text, "TZ=") {
		err = fmt.Errorf("%q is neither a duration nor a cron expression", text)
	}
	if err == nil && s.Cron != nil && s.Cron.Next(referenceTime()).IsZero() {
		err = fmt.Errorf("schedule %q never comes", text)
	}
	if err == nil {
		return
	}
	hint := `a duration such as "5s", or a five-field cron expression such as "0 * * * *"`
	if meant := schema.MeantDuration(text); meant != "" {
		hint = "write " + meant
	}
	l.problems = append(l.problems, l.doc.Reject(RuleSchedule, p, err.Error(), hint))
}
