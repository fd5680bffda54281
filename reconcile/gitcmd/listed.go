package gitcmd

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"mainstay/spec"
)

// listed is what was read of a tree so far. A repository of a thousand deployments
// has a thousand documents, and a program started for each of them takes minutes.
type listed struct {
	mu      sync.Mutex
	names   []string
	entries map[string]entry
	// blobs are the contents by their hashes, as far as they were read, and held is
	// their size in bytes.
	blobs map[string][]byte
	held  int
}

// entry is a file of a revision, as git lists it.
type entry struct {
	mode, hash string
	size       int // -1 for what is no file
}

// entryOf reads the four fields of a line: mode, kind, hash and size.
func entryOf(fields []string) entry {
	e := entry{mode: fields[0], hash: fields[2], size: -1}
	if n, err := strconv.Atoi(fields[3]); err == nil {
		e.size = n
	}
	return e
}

// refused is why a node would not read the file.
func (e entry) refused() error {
	switch {
	case !strings.HasPrefix(e.mode, "100"):
		return spec.NotPlain("0" + e.mode)
	case e.size < 0 || e.size > largestFile:
		return spec.TooLarge()
	}
	return nil
}

// list asks for all files of the revision. The lock is held.
func (t Tree) list() ([]string, error) {
	out, err := t.repo.Run(t.ctx, Git("ls-tree", "-r", "-z", "-l", "--full-tree").On(t.rev))
	if err != nil {
		return nil, err
	}
	names, entries := []string{}, map[string]entry{}
	for _, line := range split(out) {
		said, name, _ := strings.Cut(line, "\t")
		if fields := strings.Fields(said); len(fields) == 4 {
			names, entries[name] = append(names, name), entryOf(fields)
		}
	}
	t.known.names, t.known.entries, t.known.blobs = names, entries, map[string][]byte{}
	return names, nil
}

// entry is a file of the revision, if the revision was listed. One that is not in the
// list has no mode.
func (t Tree) entry(path string) (e entry, listed bool) {
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	return t.known.entries[path], t.known.entries != nil
}

// The bounds of what is read at a time, and kept, in bytes.
const (
	mostAtOnce = 16 << 20
	mostKept   = 64 << 20
)

// stored reads a file of a revision that was listed. With one YAML file come the
// others: whoever reads one document looks at all of them.
func (t Tree) stored(path string, e entry) ([]byte, error) {
	if e.mode == "" {
		return nil, notThere(path)
	}
	if err := e.refused(); err != nil {
		return nil, err
	}
	k := t.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if b, ok := k.blobs[e.hash]; ok {
		return bytes.Clone(b), nil
	}
	wanted, size := []string{e.hash}, e.size
	others := k.names
	if !spec.IsYAML(path) {
		others = nil
	}
	for _, name := range others {
		o := k.entries[name]
		_, have := k.blobs[o.hash]
		if have || o.hash == e.hash || !spec.IsYAML(name) || o.refused() != nil || size+o.size > mostAtOnce {
			continue
		}
		wanted, size = append(wanted, o.hash), size+o.size
	}
	if k.held += size; k.held > mostKept {
		k.blobs, k.held = map[string][]byte{}, size
	}
	out, err := t.repo.Run(t.ctx, Git("cat-file", "--batch").Reading([]byte(strings.Join(wanted, "\n")+"\n")))
	if err != nil {
		return nil, err
	}
	if err := k.take(out); err != nil {
		return nil, err
	}
	b, ok := k.blobs[e.hash]
	if !ok {
		return nil, fmt.Errorf("read %s: git did not answer for %.12s", path, e.hash)
	}
	return bytes.Clone(b), nil
}

// take keeps what git cat-file --batch answered: a line with hash, kind and size, the
// content, and the end of a line, for each.
func (k *listed) take(out []byte) error {
	for len(out) > 0 {
		line, rest, _ := bytes.Cut(out, []byte("\n"))
		fields := strings.Fields(string(line))
		if len(fields) != 3 {
			return fmt.Errorf("git cat-file: %q", line[:min(len(line), 80)])
		}
		size, err := strconv.Atoi(fields[2])
		if err != nil || size < 0 || size >= len(rest) {
			return fmt.Errorf("git cat-file: its answer ends within %.12s", fields[0])
		}
		k.blobs[fields[0]], out = rest[:size:size], rest[size+1:]
	}
	return nil
}
