package compose

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
)

// place is where a project lies.
type place struct {
	Directory string `json:"directory"`
	// Files are the Compose files, in order; none means what Compose finds in
	// the directory.
	Files []string `json:"files,omitempty"`
	// Environment are the files of variables; none means the directory's own.
	Environment []string `json:"environment,omitempty"`
}

// placeOf reads a container's labels. Compose 1 writes file names relative to
// the directory.
func placeOf(labels map[string]string) place {
	p := place{Directory: labels[labelDirectory]}
	p.Files = p.list(labels[labelFiles])
	p.Environment = p.list(labels[labelEnvironment])
	return p
}

func (p place) list(joined string) []string {
	var list []string
	for name := range strings.SplitSeq(joined, ",") {
		if name == "" {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Directory, name)
		}
		list = append(list, name)
	}
	return list
}

// places remembers where projects lie: when a project's containers are removed,
// nothing else on the machine tells. Only memory is relied on; the file is there
// for the next agent, and trouble with it is logged and no more.
type places struct {
	log  *slog.Logger
	file string

	mu    sync.Mutex
	known map[string]place
}

func newPlaces(log *slog.Logger, file string) *places {
	p := &places{log: log, file: file, known: map[string]place{}}
	if file == "" {
		return p
	}
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return p
	}
	if err == nil {
		err = json.Unmarshal(content, &p.known)
	}
	if err != nil || p.known == nil {
		log.Warn("where compose projects lie is not remembered", "file", file, "error", err)
		p.known = map[string]place{}
	}
	return p
}

func (p *places) of(project string) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.known[project]
	return at, ok
}

// learn remembers a project's place as the labels of a container tell it.
func (p *places) learn(project string, at place) {
	if at.Directory == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if reflect.DeepEqual(p.known[project], at) {
		return
	}
	p.known[project] = at
	if p.file == "" {
		return
	}
	if err := save(p.file, maps.Clone(p.known)); err != nil {
		p.log.Warn("where a compose project lies is remembered until the agent ends only", "file", p.file, "error", err)
	}
}

func save(file string, known any) error {
	content, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
