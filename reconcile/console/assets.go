package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
)

//go:embed assets
var embedded embed.FS

// assets are the files that every page uses, each with a name of its content, so that
// a browser may keep it for ever.
type assets struct {
	files map[string][]byte
	marks map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string][]byte{}, marks: map[string]string{}}
	for _, name := range []string{"console.css", "console.js", "icon.svg", "openapi.json"} {
		data, err := fs.ReadFile(embedded, "assets/"+name)
		if err != nil {
			return nil, fmt.Errorf("read what is built in: %w", err)
		}
		sum := sha256.Sum256(data)
		a.files[name], a.marks[name] = data, hex.EncodeToString(sum[:6])
	}
	return a, nil
}

// address is where a page finds a file.
func (a *assets) address(base, name string) string {
	return base + "/static/" + name + "?v=" + a.marks[name]
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}[path.Ext(name)]
	data, ok := a.files[name]
	if !ok || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if r.URL.Query().Get("v") == a.marks[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(data)
}

// pages are the templates, by the name of their file.
type pages struct{ byName map[string]*template.Template }

func loadPages() (*pages, error) {
	p := &pages{byName: map[string]*template.Template{}}
	shared := []string{"assets/layout.html", "assets/parts.html"}
	for _, name := range []string{"fleet", "deployment", "node", "history", "review", "commit", "message", "signin", "away", "switch", "audit", "seen"} {
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
