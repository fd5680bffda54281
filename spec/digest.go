package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// Digest returns a SHA-256, in hex, by which two nodes tell whether they speak
// of the same document: of its content and of the templates that it names.
// Comments, layout and the order of keys do not count. Defaults do not either,
// so that agents of two versions agree.
func (d *Deployment) Digest() string {
	h := sha256.New()
	source := []byte(d.Source)
	if source == nil {
		source, _ = json.Marshal(d) // a Deployment holds nothing that JSON cannot write
	}
	chunk(h, "document", source)
	for _, name := range slices.Sorted(maps.Keys(d.Templates)) {
		chunk(h, name, d.Templates[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// chunk writes name and content with their lengths, so that no two different
// sets of templates make the same bytes.
func chunk(h hash.Hash, name string, content []byte) {
	fmt.Fprintf(h, "%d %d\n%s%s", len(name), len(content), name, content)
}
