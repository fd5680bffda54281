package console

import (
	"embed"
	"fmt"
	"html/template"
)

//go:embed assets
var embedded embed.FS

// pages are the templates, by the name of their file.
type pages struct{ byName map[string]*template.Template }

func loadPages() (*pages, error) {
	p := &pages{byName: map[string]*template.Template{}}
	shared := []string{"assets/layout.html", "assets/parts.html"}
	for _, name := range []string{"fleet", "deployment", "node", "history", "review", "commit", "message", "signin", "away", "switch", "audit", "acknowledge"} {
		t, err := template.New("layout.html").Funcs(helpers()).ParseFS(embedded, append(shared, "assets/"+name+".html")...)
		if err != nil {
			return nil, fmt.Errorf("read the page %s: %w", name, err)
		}
		p.byName[name] = t
	}
	return p, nil
}

// helpers are what templates call beyond the methods of the page.
func helpers() template.FuncMap {
	return template.FuncMap{
		"pair": func(p *page, about any) pair { return pair{p, about} },
		"table": func(p *page, title string, parts []part, restarts bool) partTable {
			return partTable{p, title, parts, restarts}
		},
	}
}

// pair is the page with one thing of it, for a template of its own.
type pair struct {
	L *page
	C any
}

// partTable is a table of services, checks or jobs.
type partTable struct {
	L        *page
	Title    string
	Parts    []part
	Restarts bool
}
