//go:build e2e

package e2e

import (
	"os"
	"testing"

	"mainstay/e2e/hosts"
)

func TestMain(m *testing.M) { os.Exit(hosts.Main(m, hosts.Node, hosts.Bookworm)) }
