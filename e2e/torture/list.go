package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// recipe is a way that once ended in two active sides. What it expects is that none
// of it does, and what its play says besides.
type recipe struct {
	// number is what the recipes of one kind share, 0 for what stands by itself.
	number int
	name   string
	is     string
	// play is nil for what this program cannot play; elsewhere then says what does.
	play      func(*site)
	elsewhere string
	// only is the store whose claims it is about, empty for both.
	only string
}

// The stores of claims.
const (
	onGit  = "git"
	onEtcd = "etcd"
)

// recipes are all of them, in order.
func recipes() []recipe {
	all := append([]recipe{
		{1, "new-git-server", "a git server made from a clone, a new main beside a standby that serves", newGitServer, "", ""},
		{1, "new-git-server-seen", "the same, and standby reaches the new server at once", newGitServerSeen, "", ""},
		{2, "coordination-moved-fresh", "a new machine looks for claims in another place", coordinationMoved, "", ""},
		{2, "coordination-off-one", "one of two nodes has no claims", coordinationOff, "", ""},
		{2, "shared-to-exclusive", "a shared role becomes exclusive while a node is cut off", sharedToExclusive, "", ""},
		{2, "name-accepted", "the deployment is renamed, and standby accepts that first", nameAccepted, "", ""},
		{2, "role-renamed", "the commit that fails over renames the role", roleRenamed, "", ""},
		{3, "presumption-laundered", "standby presumes, gives the claim back, and takes it again", presumptionLaundered, "", ""},
		{4, "laundered-witness", "the same, while the witness answers", launderedWitness, "", ""},
		{7, "kind-changed", "a process becomes a command under its name while it runs", kindChanged, "", ""},
		{7, "allow-tightened", "a service leaves the document, and then the node's allow list", allowTightened, "", ""},
		{8, "slow-daemon", "start returns early, and the document goes back at once", slowDaemon, "", ""},
		{9, "takeover-late", "a person's takeover waits until the other side is back", takeoverLate, "", ""},
		{11, "cloned-container", "a container is copied with its state folder and its machine id, and both run", clonedContainer, "", ""},
		{12, "restored-together", "main and the git server restored from one backup while standby serves", restoredTogether, "", ""},
		{13, "restart-always", "containers with restart: always on the inactive side, engine restarted", nil,
			"a container engine is needed: make e2e TESTFLAGS='-run TestTheComposeDriverOnARealEngine'", ""},
		{0, "by-hand", "a person starts the service on the inactive side", byHand, "", ""},
	}, append(leaseRecipes(), etcdRecipes()...)...)
	slices.SortStableFunc(all, func(a, b recipe) int { return cmp.Compare(a.order(), b.order()) })
	return all
}

func (r recipe) order() int { return cmp.Or(r.number, len("recipes")*100) }

// chosen are the recipes of a name or a number that can be played here with a store.
func chosen(wanted, store string) []recipe {
	var out []recipe
	for _, r := range recipes() {
		is := wanted == "all" || wanted == r.name || r.number > 0 && wanted == strconv.Itoa(r.number)
		if is && r.play != nil && (r.only == "" || r.only == store) {
			out = append(out, r)
		}
	}
	return out
}

// listing is the recipes as people read them.
func listing() string {
	var b strings.Builder
	for _, r := range recipes() {
		fmt.Fprintf(&b, "%3s  %-25s %s\n", strings.TrimPrefix(strconv.Itoa(r.number), "0"), r.name, r.is)
		if r.play == nil {
			fmt.Fprintf(&b, "%30s not played here: %s\n", "", r.elsewhere)
		}
		if r.only != "" {
			fmt.Fprintf(&b, "%30s with STORE=%s alone: nobody else has members\n", "", r.only)
		}
	}
	return b.String()
}
