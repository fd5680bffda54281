package door

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

// Files are those that every page uses, each with a name of its content, so that a
// browser may keep it for ever.
type Files struct {
	files map[string][]byte
	marks map[string]string
}

// Load reads files of a folder.
func Load(folder fs.FS, names ...string) (*Files, error) {
	f := &Files{files: map[string][]byte{}, marks: map[string]string{}}
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("read what is built in: %w", err)
		}
		sum := sha256.Sum256(data)
		f.files[path.Base(name)], f.marks[path.Base(name)] = data, hex.EncodeToString(sum[:6])
	}
	return f, nil
}

// Address is where a page below base finds a file.
func (f *Files) Address(base, name string) string {
	return base + "/static/" + name + "?v=" + f.marks[name]
}

// Content is what is in a file, nil for one that was not read.
func (f *Files) Content(name string) []byte { return f.files[name] }

// ServeHTTP answers with the file that the request names, if browsers may ask for its
// kind.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}[path.Ext(name)]
	data, ok := f.files[name]
	if !ok || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if r.URL.Query().Get("v") == f.marks[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(data)
}
