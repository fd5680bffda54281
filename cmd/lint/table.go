package main

import "strings"

// A row says what the packages of a folder may import besides the standard
// library. A folder that ends in "/..." stands for itself and everything below
// it; the row that names a folder exactly goes before such a one, and the
// longer of two goes before the shorter.
type row struct {
	folder string
	// internal are folders of this module, "/..." as above. A package may
	// always import what lies below it.
	internal []string
	// modules are import path prefixes of other modules.
	modules []string
	// strict extends the row to test files, which are otherwise free to import
	// anything that any row may.
	strict bool
}

// table is which folder may import what, and the home of every dependency.
func table() []row {
	learned := []string{"spec", "reconcile/plan"}
	return append([]row{
		{folder: "schema", modules: []string{jsonschema, sigsYAML, goYAML}},
		{folder: "spec", internal: []string{"schema"}, modules: []string{sigsYAML, goYAML, cron}},
		{folder: "reconcile", internal: append([]string{"reconcile/managed"}, learned...)},
		{folder: "reconcile/managed", internal: []string{"spec"}},
		{folder: "reconcile/control", internal: append([]string{"reconcile", "reconcile/record"}, learned...)},
		{folder: "reconcile/record", internal: learned},
		{folder: "reconcile/task", internal: append([]string{"reconcile/run"}, learned...), modules: []string{cron}},
		{folder: "reconcile/metrics", internal: append([]string{"reconcile"}, learned...), modules: []string{prometheus}},
		{folder: "reconcile/plan/...", internal: []string{"spec"}},
		// The guard must not know git, documents or drivers: it is handed what stops.
		{folder: "reconcile/guard", internal: learned},
		{folder: "reconcile/git/...", internal: append([]string{"reconcile", "reconcile/git/...", "reconcile/run", "reconcile/state"}, learned...),
			modules: []string{goGit, goBilly, sshsig, goCrypto, knownhosts, xCrypto, xSys}},
		{folder: "reconcile/state", modules: []string{renameio}},
		{folder: "reconcile/run", internal: []string{"reconcile/service"}},
		{folder: "reconcile/machine", internal: append([]string{"reconcile/managed", "reconcile/probe", "reconcile/service/...", "reconcile/state",
			"reconcile/run"}, learned...)},
		{folder: "reconcile/host", internal: append([]string{"reconcile", "reconcile/git", "reconcile/guard", "reconcile/machine", "reconcile/state",
			"reconcile/control", "reconcile/record", "reconcile/task", "reconcile/metrics"}, learned...), modules: []string{goSystemd}},
		{folder: "reconcile/probe", internal: []string{"spec", "reconcile/run"}, modules: []string{sipgo}},
		// What every face of the product needs, each knowing those before it: what
		// deployments are, what a change of them will do, and to carry it out.
		{folder: "reconcile/gitcmd", internal: []string{"spec"}}, // spec.Folder says which files git does not store as they lie
		{folder: "reconcile/plain"},
		{folder: "reconcile/fleet", internal: append([]string{"schema", "reconcile/plain", "reconcile/git", "reconcile/gitcmd"}, learned...)},
		{folder: "reconcile/forecast", internal: append([]string{"reconcile/fleet", "reconcile/plain"}, learned...), modules: []string{goInternal}},
		{folder: "reconcile/change", modules: []string{goYAML},
			internal: append([]string{"schema", "reconcile/gitcmd", "reconcile/fleet", "reconcile/forecast"}, learned...)},
		{folder: "reconcile/doctor", internal: append([]string{"reconcile/control", "reconcile/git", "reconcile/fleet", "reconcile/guard", "reconcile/probe", "reconcile/service",
			"reconcile/service/compose", "reconcile/service/systemd", "reconcile/state"}, learned...), modules: []string{xSys}},
		{folder: "reconcile/console", internal: append([]string{"reconcile/git"}, learned...)},
		{folder: "reconcile/sim/...", internal: []string{"spec", "reconcile/..."}, modules: []string{cron}},
		{folder: "examples"},
		{folder: "e2e/...", internal: []string{"e2e/..."}, strict: true,
			modules: []string{goCmp, goInternal, chromedp, xCrypto, xSys}},
	}, append(drivers(learned), commands()...)...)
}

// drivers are the rows of reconcile/service: one folder per outside
// dependency, none of which knows another. What they share runs a command.
func drivers(learned []string) []row {
	shared := append([]string{"reconcile/service", "reconcile/run"}, learned...)
	return []row{
		{folder: "reconcile/service", internal: learned, modules: []string{xSys}},
		{folder: "reconcile/service/...", internal: shared},
		{folder: "reconcile/service/systemd/...", internal: shared, modules: []string{goSystemd, godbus}},
		{folder: "reconcile/service/compose/...", internal: shared, modules: []string{moby}},
		{folder: "reconcile/service/process/...", internal: append([]string{"reconcile/plain"}, shared...), modules: []string{renameio, xSys}},
		{folder: "reconcile/service/command/...", internal: shared, modules: []string{xSys}},
		{folder: "reconcile/service/file/...", internal: shared, modules: []string{renameio, xSys}},
	}
}

// commands are the rows of cmd: the product puts everything together, the
// tools know nothing of it.
func commands() []row {
	return []row{
		{folder: "cmd/mainstay/...", internal: []string{"schema", "spec", "examples", "reconcile/...", "cmd/mainstay/..."},
			modules: []string{cobra, pflag, prometheus, goSystemd, goGit, goBilly, goYAML, sigsYAML, renameio, cron, xSys, xTerm}},
		{folder: "cmd/lint"},
		{folder: "cmd/bench"},
		{folder: "cmd/tally"},
	}
}

// The modules that may be depended on. A path ends where a module's
// packages begin.
const (
	goGit      = "github.com/go-git/go-git/v5"
	goBilly    = "github.com/go-git/go-billy/v5"
	sigsYAML   = "sigs.k8s.io/yaml"
	goYAML     = "go.yaml.in/yaml/v3"
	jsonschema = "github.com/santhosh-tekuri/jsonschema/v5"
	cron       = "github.com/robfig/cron/v3"
	cobra      = "github.com/spf13/cobra"
	pflag      = "github.com/spf13/pflag"
	goSystemd  = "github.com/coreos/go-systemd/v22"
	godbus     = "github.com/godbus/dbus/v5"
	moby       = "github.com/moby/moby"
	prometheus = "github.com/prometheus"
	renameio   = "github.com/google/renameio/v2"
	sshsig     = "github.com/hiddeco/sshsig"
	knownhosts = "github.com/skeema/knownhosts"
	goCrypto   = "github.com/ProtonMail/go-crypto"
	sipgo      = "github.com/emiago/sipgo"
	goInternal = "github.com/rogpeppe/go-internal"
	goCmp      = "github.com/google/go-cmp"
	chromedp   = "github.com/chromedp"
	xCrypto    = "golang.org/x/crypto"
	xSys       = "golang.org/x/sys"
	xTerm      = "golang.org/x/term"
)

// rowOf returns the row for a folder, or nil when the table has none.
func rowOf(rows []row, folder string) *row {
	var best *row
	for i := range rows {
		r := &rows[i]
		if r.folder == folder {
			return r
		}
		if covers(r.folder, folder) && (best == nil || len(r.folder) > len(best.folder)) {
			best = r
		}
	}
	return best
}

// covers tells whether a pattern of the table stands for a folder.
func covers(pattern, folder string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return folder == base || (deep && strings.HasPrefix(folder, base+"/"))
}

// below tells whether an import path is prefix or lies below it.
func below(prefix, path string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
