package main

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// memo gives git's own answer to the question for the refs again as long as the
// repository's refs are byte for byte the same: what git says to that is a function of
// them. Agents ask it several times a second, and two processes for each of those
// questions is most of what a run costs.
type memo struct {
	folder, root string
	next         http.Handler
	mu           sync.Mutex
	kept         map[string]answer
}

// answer is what git said when the refs were so.
type answer struct {
	refs   string
	code   int
	header http.Header
	body   []byte
}

func (m *memo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repo, question, is := m.question(r)
	if !is {
		m.next.ServeHTTP(w, r)
		return
	}
	before := refsOf(filepath.Join(m.folder, repo))
	m.mu.Lock()
	a, known := m.kept[question]
	m.mu.Unlock()
	if !known || a.refs != before || before == "" {
		reply := httptest.NewRecorder()
		m.next.ServeHTTP(reply, r)
		a = answer{before, reply.Code, reply.Header(), reply.Body.Bytes()}
		if refsOf(filepath.Join(m.folder, repo)) == before { // nothing moved while git answered
			m.mu.Lock()
			m.kept[question] = a
			m.mu.Unlock()
		}
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body)
}

// question tells a question for the refs from every other request, and names the
// repository that is asked. Both protocols of git have one.
func (m *memo) question(r *http.Request) (repo, question string, is bool) {
	path := strings.TrimPrefix(r.URL.Path, m.root)
	said := r.URL.RawQuery + " " + r.Header.Get("Git-Protocol") + " " + r.Header.Get("Content-Encoding")
	if repo, is = strings.CutSuffix(path, "/info/refs"); is && r.Method == http.MethodGet {
		return repo, path + " " + said, true
	}
	repo, is = strings.CutSuffix(path, "/git-upload-pack")
	if !is || r.Method != http.MethodPost {
		return "", "", false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return repo, path + " " + said + " " + string(body), err == nil && bytes.HasPrefix(body, []byte("0014command=ls-refs\n"))
}

// refsOf is every ref of a bare repository with what it holds, empty when they cannot
// be read.
func refsOf(repo string) string {
	var b strings.Builder
	add := func(path string) error {
		text, err := os.ReadFile(path)
		b.WriteString(path + " " + string(text) + "\n")
		return err
	}
	if add(filepath.Join(repo, "HEAD")) != nil {
		return ""
	}
	_ = add(filepath.Join(repo, "packed-refs"))
	err := filepath.WalkDir(filepath.Join(repo, "refs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return add(path)
	})
	if err != nil {
		return ""
	}
	return b.String()
}
