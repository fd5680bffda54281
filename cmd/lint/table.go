package main

import (
	"slices"
	"strings"
)

// A row says what the packages of a folder may import besides the standard
// library. A folder that ends in "/..." stands for itself and everything below
// it; the row that names a folder exactly goes before such a one, and the
// longer of two goes before the shorter.
type row struct {
	folder string
	// why is the reason, in half a line.
	why string
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
	with := func(more ...string) []string { return append(more, learned...) }
	return slices.Concat([]row{
		{folder: "schema", why: "the shape of both files, before anything is known of what they mean",
			modules: []string{jsonschema, sigsYAML, goYAML}},
		{folder: "spec", why: "the meaning of both files, the same on a node and on a laptop",
			internal: []string{"schema", "spec/alerts", "spec/timing", "spec/cluster", "spec/endpoint", "spec/floating", "spec/pattern"}},
		{folder: "spec/alerts", why: "who is told of what, without a document and without sending", internal: []string{"spec/timing"}},
		{folder: "spec/crontab", why: "when an expression comes, without a document", modules: []string{cron}},
		{folder: "spec/endpoint", why: "hosts and ports as text, which asks nobody"},
		{folder: "spec/pattern", why: "text with stars, which names nothing"},
		{folder: "spec/floating", why: "an address that moves, as text, which asks no machine"},
		{folder: "spec/cluster", why: "an address as text, which asks nobody"},
		{folder: "spec/timing", why: "times as text, without a document", internal: []string{"spec/crontab"}, modules: []string{cron}},
		{folder: "examples", why: "data to copy, embedded for init"},
		{folder: "e2e/provider", why: "signs people in as a provider does, and knows no page", strict: true, modules: []string{zitadel}},
		{folder: "e2e/...", why: "tests from outside: they must not see what they test", strict: true,
			internal: []string{"e2e/..."}, modules: []string{goCmp, chromedp, xCrypto, xSys}},
	}, loop(with), faces(with), drivers(with), commands())
}

// loop are the rows of the agent: what decides, what the loop needs, and what puts
// an agent together.
func loop(with func(...string) []string) []row {
	return []row{
		{folder: "reconcile", why: "the loop asks for what it needs in ports.go and knows no driver and no transport",
			internal: with("reconcile/managed", "reconcile/latest", "reconcile/pace", "reconcile/twin", "reconcile/unfit", "reconcile/news", "reconcile/phases", "reconcile/plan/permit")},
		{folder: "reconcile/twin", why: "tells agents of one name apart by their reports", internal: []string{"reconcile/plan"}},
		{folder: "reconcile/phases", why: "moments that people read, and no decision", internal: []string{"reconcile/plan"}},
		{folder: "reconcile/news", why: "compares two reports, and neither keeps nor sends them", internal: with()},
		{folder: "reconcile/unfit", why: "keeps refs and errors, and knows neither claims nor reports"},
		{folder: "reconcile/pace", why: "keeps time by what it is told", internal: with()},
		{folder: "reconcile/latest", why: "hands on a value and knows nothing of it"},
		{folder: "reconcile/plan/permit", why: "rules about what is asked from outside the decision, as pure as it is", internal: with()},
		{folder: "reconcile/plan/silence", why: "counts tries that it is handed", internal: []string{"reconcile/plan"}},
		{folder: "reconcile/plan/restart", why: "counts, and knows nothing of services", internal: []string{}},
		{folder: "reconcile/plan/commented", why: "reads text that it is handed", internal: []string{}},
		{folder: "reconcile/plan/conditions", why: "words for people, which no decision reads", internal: []string{"reconcile/plan"}},
		{folder: "reconcile/plan/...", why: "the decision is pure: no I/O, no clock, no randomness", internal: []string{"spec", "reconcile/plan/restart", "reconcile/plan/commented"}},
		{folder: "reconcile/managed", why: "a record that the loop, the machine and the guard read", internal: []string{"spec"}},
		{folder: "reconcile/control", why: "decodes orders, calls the agent, encodes answers", internal: with("reconcile", "reconcile/record", "reconcile/plain", "reconcile/ownhost", "reconcile/plan/permit")},
		{folder: "reconcile/record", why: "keeps decisions with their input, and replays them", internal: with("reconcile/plain")},
		{folder: "reconcile/task", why: "jobs and checks run beside the loop and never hold it up",
			internal: with("reconcile/run", "reconcile/plan/permit")},
		{folder: "reconcile/metrics", why: "the one home of Prometheus; the loop knows an Observer only",
			internal: with("reconcile"), modules: []string{prometheus}},
		{folder: "reconcile/guard", why: "must work when git, documents and drivers do not: it is handed what stops", internal: with()},
		{folder: "reconcile/git/packet", why: "the frames of git's protocol, without knowing what is in them"},
		{folder: "reconcile/git/failure", why: "what can go wrong with a repository, in the words of all who speak to one",
			internal: []string{"reconcile/git/packet"}},
		{folder: "reconcile/git/transport", why: "reaches a repository and must not know what is asked of it",
			internal: []string{"reconcile/git/failure", "reconcile/git/packet", "reconcile/run"}, modules: []string{knownhosts, xCrypto}},
		{folder: "reconcile/git/signature", why: "who signed a commit, without knowing where it came from",
			modules: []string{sshsig, goCrypto, xCrypto}},
		{folder: "reconcile/git/trust", why: "judges what is handed to it: which fields a commit changes, and whose signature that wants",
			internal: []string{"schema", "spec", "reconcile/git/signature"}},
		{folder: "reconcile/git/...", why: "speaks the loop's types, so that nothing translates between the two",
			internal: with("reconcile", "reconcile/git/...", "reconcile/run", "reconcile/state"),
			modules:  []string{goGit, goBilly, sshsig, xCrypto, xSys}},
		{folder: "reconcile/etcd", why: "holds the notes of git on a cluster, and decides nothing",
			internal: with("reconcile", "reconcile/git", "reconcile/git/failure", "spec/cluster")},
		{folder: "reconcile/acceptance", why: "a person's signed word, read and obeyed as an order, whatever keeps it",
			internal: with("reconcile", "reconcile/git/signature", "reconcile/plain", "reconcile/plan/permit")},
		{folder: "reconcile/places/scale", why: "benchmarks, which no program has in it"},
		{folder: "reconcile/places", why: "the one place that knows every engine of claims",
			internal: with("reconcile", "reconcile/acceptance", "reconcile/etcd", "reconcile/git", "reconcile/state")},
		{folder: "reconcile/carry", why: "what it carries is the same with every engine, so it knows none",
			internal: with("reconcile/git", "reconcile/git/failure")},
		{folder: "reconcile/git/content", why: "what a claim and a report hold, without knowing where they are kept",
			internal: with("reconcile/git/failure", "reconcile/git/packet")},
		{folder: "reconcile/coordinationtest", why: "what every place of claims must do, without knowing one",
			internal: with("reconcile", "reconcile/git", "reconcile/git/failure", "reconcile/git/signature", "reconcile/state"),
			modules:  []string{goCmp, xCrypto}},
		{folder: "reconcile/state", why: "the state folder, which holds what others give it", modules: []string{renameio}},
		{folder: "reconcile/run", why: "the one runner of commands; its errors are those of a driver", internal: []string{"reconcile/service"}},
		{folder: "reconcile/probe", why: "asks others whether they live; a probe may be a command",
			internal: []string{"spec", "spec/endpoint", "reconcile/run"}, modules: []string{sipgo}},
		{folder: "reconcile/machine", why: "what the node runs and sees, without git, claims and orders",
			internal: with("reconcile/managed", "reconcile/plan/silence", "reconcile/probe", "reconcile/service", "reconcile/service/file",
				"reconcile/state", "reconcile/run")},
		{folder: "reconcile/machine/drivers", why: "the one place that knows every kind of service",
			internal: with("reconcile/managed", "reconcile/service/...")},
		{folder: "reconcile/host", why: "puts an agent together from its parts, and decides nothing", modules: []string{goSystemd},
			internal: with("reconcile", "reconcile/places", "reconcile/guard", "reconcile/machine", "reconcile/state",
				"reconcile/control", "reconcile/plan/permit", "reconcile/record", "reconcile/task", "reconcile/metrics")},
		{folder: "reconcile/alert", why: "judges what it is shown and words it: it knows no git and sends nothing",
			internal: with("spec/alerts", "reconcile/plain", "reconcile/plan/conditions")},
		{folder: "reconcile/alert/words", why: "sentences, which know nothing of what they are about"},
		{folder: "reconcile/alert/deliver", why: "hands a message to a program, and knows no protocol",
			internal: []string{"spec/alerts", "reconcile/alert", "reconcile/run"}},
		{folder: "reconcile/alert/courier", why: "the one home of mail and chats, in a process of its own",
			internal: []string{"spec/alerts", "reconcile/alert", "reconcile/alert/deliver"}, modules: []string{shoutrrr}},
		{folder: "reconcile/alert/page", why: "looks on beside the page, and knows nothing of pages",
			internal: []string{"spec/alerts", "reconcile/alert", "reconcile/fleet"}},
		{folder: "reconcile/alert/lookout", why: "looks on beside the loop, and is never waited for",
			internal: with("spec/alerts", "reconcile", "reconcile/alert")},
		{folder: "reconcile/sim/...", why: "drives the shipping agent; only tests may import it",
			internal: []string{"spec", "reconcile/..."}},
	}
}

// faces are the rows of what every face of the product needs, each knowing those
// before it: what deployments are, what a change will do, and to carry it out.
func faces(with func(...string) []string) []row {
	return []row{
		{folder: "reconcile/ownhost", why: "names of a server, which know nothing of what is served"},
		{folder: "reconcile/plain", why: "text for people, which has no meaning here"},
		{folder: "reconcile/gitcmd", why: "a person's own git program; spec.Folder says which files git does not store as they lie",
			internal: []string{"spec", "reconcile/run"}},
		{folder: "reconcile/fleet", why: "what deployments are and were, from git alone",
			internal: with("schema", "reconcile/run", "reconcile/etcd", "spec/cluster", "reconcile/git", "reconcile/git/failure", "reconcile/git/signature", "reconcile/gitcmd", "reconcile/plan/conditions")},
		{folder: "reconcile/forecast", why: "foretells and changes nothing, so it cannot reach what changes",
			internal: with("reconcile/fleet", "reconcile/plain", "reconcile/plan/conditions", "reconcile/plan/permit"), modules: []string{goInternal}},
		{folder: "reconcile/change", why: "carries a change out for any face: no flags, no terminal",
			internal: with("schema", "reconcile/acceptance", "reconcile/gitcmd", "reconcile/fleet", "reconcile/forecast", "reconcile/plan/conditions"), modules: []string{goYAML}},
		{folder: "reconcile/console", why: "shows what others found out; it asks through interfaces and reads no git",
			internal: with("reconcile/fleet", "reconcile/forecast", "reconcile/change", "reconcile/plain")},
		{folder: "reconcile/console/signin", why: "the one home of passwords and sessions; it knows no deployment",
			internal: []string{"reconcile/console/signin/provider"}, modules: []string{scs, xCrypto, xTime, renameio}},
		{folder: "reconcile/console/signin/provider", why: "the one that asks a provider of single sign-on; it knows no role and no session", modules: []string{goOIDC, xOAuth2}},
		{folder: "reconcile/console/audit", why: "keeps lines about acts, and knows no page"},
		{folder: "reconcile/console/agenda", why: "commits without anybody looking, so it goes by what people signed for alone",
			internal: with("reconcile/change", "reconcile/console", "reconcile/console/audit", "reconcile/console/kept", "reconcile/console/signin")},
		{folder: "reconcile/console/door", why: "every request comes through it, whatever it asks for", internal: []string{"reconcile/ownhost"}},
		{folder: "reconcile/console/kept", why: "the page's own files, which need no git to be read", modules: []string{renameio}},
		{folder: "reconcile/console/terms", why: "judges what nodes published, and knows no page", internal: with("reconcile/plan/conditions", "reconcile/fleet")},
		{folder: "reconcile/console/words", why: "the words of the page, which know no deployment", modules: []string{goI18n, xText}},
		{folder: "reconcile/console/archive", why: "reads the past and the open branches for the page",
			internal: []string{"schema", "reconcile/console", "reconcile/fleet", "reconcile/change", "reconcile/gitcmd"}},
		{folder: "reconcile/doctor", why: "tries each part of a node, so it must reach each",
			internal: with("reconcile/control", "reconcile/git", "reconcile/git/failure", "reconcile/plan/conditions", "reconcile/fleet", "reconcile/guard", "reconcile/probe", "reconcile/service")},
		{folder: "reconcile/doctor/driven", why: "looks at services as their drivers do",
			internal: with("reconcile/service", "reconcile/service/address", "reconcile/service/compose", "reconcile/service/systemd")},
	}
}

// drivers are the rows of reconcile/service: one folder per outside
// dependency, none of which knows another. What they share runs a command.
func drivers(with func(...string) []string) []row {
	shared := with("reconcile/service", "reconcile/run")
	return []row{
		{folder: "reconcile/service", why: "the contract of drivers and their manager, which knows no driver", internal: with(), modules: []string{xSys}},
		{folder: "reconcile/service/...", why: "a driver knows the contract, not another driver", internal: shared},
		{folder: "reconcile/service/systemd/...", why: "the one home of D-Bus", internal: shared, modules: []string{goSystemd, godbus}},
		{folder: "reconcile/service/compose/...", why: "the one home of the Docker engine, whose words people read",
			internal: append([]string{"reconcile/plain"}, shared...), modules: []string{moby}},
		{folder: "reconcile/service/process/...", why: "keeps records of processes, whose names people read",
			internal: append([]string{"reconcile/plain"}, shared...), modules: []string{xSys}},
		{folder: "reconcile/service/address/...", why: "the one home of netlink and of frames",
			internal: append([]string{"spec/floating"}, shared...), modules: []string{netlink, xSys}},
		{folder: "reconcile/service/command/...", why: "runs what a document names", internal: shared},
		{folder: "reconcile/service/oneshot/...", why: "runs what a document names, and keeps that it did", internal: shared, modules: []string{renameio}},
		{folder: "reconcile/service/file/...", why: "replaces files in one step", internal: shared, modules: []string{xSys}},
	}
}

// commands are the rows of cmd: the product puts everything together, the
// tools know nothing of it.
func commands() []row {
	return []row{
		{folder: "cmd/mainstay/...", why: "the one place of flags and terminals: reads flags, calls a package below reconcile, prints",
			internal: []string{"schema", "spec/...", "examples", "reconcile/...", "cmd/mainstay/..."},
			modules:  []string{cobra, goSystemd, goYAML, sigsYAML, xCrypto, xSys, xTerm}},
		{folder: "cmd/lint", why: "judges the tree, so it builds without it"},
		{folder: "cmd/bench", why: "runs benchmarks and reads what they print"},
		{folder: "cmd/tally", why: "counts what tests print"},
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
	shoutrrr   = "github.com/nicholas-fedor/shoutrrr"
	sipgo      = "github.com/emiago/sipgo"
	goInternal = "github.com/rogpeppe/go-internal"
	goCmp      = "github.com/google/go-cmp"
	chromedp   = "github.com/chromedp"
	goI18n     = "github.com/nicksnyder/go-i18n/v2"
	scs        = "github.com/alexedwards/scs/v2"
	xTime      = "golang.org/x/time"
	zitadel    = "github.com/zitadel/oidc/v3"
	goOIDC     = "github.com/coreos/go-oidc/v3"
	xOAuth2    = "golang.org/x/oauth2"
	xText      = "golang.org/x/text"
	xCrypto    = "golang.org/x/crypto"
	netlink    = "github.com/vishvananda"
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
