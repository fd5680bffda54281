package examples

import (
	"embed"
	"io/fs"
)

//go:embed pair address xivo xivo-service cc xds edge full ci hooks etcd RUNBOOK.md
var files embed.FS

// Names lists the examples, the smallest first.
func Names() []string {
	return []string{"pair", "address", "xivo", "xivo-service", "cc", "xds", "edge", "full"}
}

// FS returns the examples, one folder for each.
func FS() fs.FS { return files }
