// Package schema holds the JSON Schemas of mainstay's files and reads those
// files strictly: one YAML document, UTF-8, at most MaxSize, exact-case keys,
// no unknown or duplicate key, closed enums. Every problem of a file is
// reported in one go, with its line, its column and what would be right.
//
// Anchors and aliases are accepted and bounded. Merge keys (<<) and custom
// tags are refused: which of two values wins must be visible where it is
// written. A plain scalar is what YAML 1.2 says it is, so on, off, yes and no
// are text; a leading zero makes a number octal, as everywhere in YAML 1.1.
//
// Claims and reports are JSON that agents write for each other: they are held
// against a schema too, but may carry keys that only a later version knows.
//
// sigs.k8s.io/yaml reads the values; the nodes of go.yaml.in/yaml/v3 say where
// they stand, and see what that reader does not.
//
// The package knows the shape of the files and nothing of their meaning,
// which is package spec's.
package schema
