package main

import (
	"io/fs"
	"slices"
	"strings"
)

// topLevel allows the folders and files that the project has, dot-files, and what git ignores.
func topLevel(t *tree) []finding {
	folders := []string{"cmd", "reconcile", "spec", "schema", "examples", "e2e"}
	plain := []string{"go.mod", "go.sum", "Makefile", "README.md", "LICENSE"}
	var found []finding
	for _, entry := range t.top {
		if !belongs(entry, folders, plain) && !t.ignores(entry.Name()) {
			found = append(found, finding{file: entry.Name(), line: 1, message: "the top level has no place for this"})
		}
	}
	return found
}

func belongs(entry fs.DirEntry, folders, plain []string) bool {
	if strings.HasPrefix(entry.Name(), ".") {
		return true
	}
	if entry.IsDir() {
		return slices.Contains(folders, entry.Name())
	}
	return slices.Contains(plain, entry.Name())
}
