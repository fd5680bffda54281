package explore

// Configs are the spaces that are searched, the small ones first.
func Configs() []*Config {
	return append(append(append(small(), handovers()...), statements()...), others()...)
}

// small are spaces that are searched to their end: no look at git fails in them
// and reports speak only when they have something to say.
func small() []*Config {
	fencing := []docCode{0, docStandby | docFencedMain, docFencedStandby}
	return []*Config{
		{Name: "two switches and a crash", Exhaustive: true, nodes: pair(), hold: true, terse: true, commits: flips(),
			left: budget{commits: 2, crashes: 1}},
		{Name: "three switches", Exhaustive: true, nodes: pair(), hold: true, terse: true, commits: flips(),
			left: budget{commits: 3}},
		{Name: "two true fencings", Exhaustive: true, nodes: pair(), hold: true, terse: true, commits: fencing,
			left: budget{commits: 3, powers: 2}},
		{Name: "a pause and a switch", Exhaustive: true, nodes: pair(), hold: true, terse: true, commits: flips(),
			left: budget{commits: 2, pauses: 1}},
		{Name: "a failed stop and a switch", Exhaustive: true, nodes: pair(), hold: true, terse: true, commits: flips(),
			left: budget{commits: 2, stopFails: 1, deaths: 1}},
		{Name: "read-only, true fencing", Exhaustive: true, nodes: pair(), hold: true, readOnly: true,
			commits: []docCode{0, docStandby, docStandby | docFencedMain, docFencedStandby}, left: budget{commits: 3, powers: 2, crashes: 1}},
	}
}

// flips are the commits that only change the declared side.
func flips() []docCode { return []docCode{0, docStandby} }

// leased are documents under a lease.
func leased(codes ...docCode) []docCode {
	for i := range codes {
		codes[i] |= docLease
	}
	return codes
}

// handovers are planned and unplanned switches between two living sides.
func handovers() []*Config {
	return []*Config{
		{Name: "hold with late pushes", Weight: 4, nodes: pair(), hold: true, slow: true, commits: flips(),
			left: budget{commits: 3, crashes: 1}},
		{Name: "start with witness and late pushes", Weight: 4, nodes: pair(), witness: true, slow: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, lies: 2}},
		{Name: "presume, release, retake", Weight: 2, nodes: pair(), witness: true, terse: true, commits: flips(),
			left: budget{commits: 3, lies: 1}},
		{Name: "presume, release, retake with absent: stop", Weight: 2, nodes: pair(), absentStop: true, terse: true, commits: flips(),
			left: budget{commits: 3, crashes: 1}},
		{Name: "boot without git", Weight: 2, nodes: pair(), witness: true, booting: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, lies: 2}},
		{Name: "drain", Weight: 1, nodes: pair(), hold: true, drain: true, commits: flips(),
			left: budget{commits: 3, crashes: 1, deaths: 1}},
		{Name: "absent: stop", Weight: 1, nodes: pair(), hold: true, absentStop: true, commits: flips(),
			left: budget{commits: 3, crashes: 1, powers: 1}},
		{Name: "failing services", Weight: 2, nodes: pair(), witness: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, startFails: 1, stopFails: 2, deaths: 1}},
		{Name: "damaged memory", Weight: 1, nodes: pair(), hold: true, commits: flips(),
			left: budget{commits: 3, disks: 2, powers: 1, deaths: 1}},
		{Name: "pause", Weight: 2, nodes: pair(), commits: []docCode{0, docStandby, docPausedMain, docStandby | docPausedMain},
			left: budget{commits: 3, pauses: 2, crashes: 1}},
	}
}

// statements are what persons say: in the document, and on a node.
func statements() []*Config {
	fencing := []docCode{0, docStandby, docStandby | docFencedMain, docFencedStandby}
	return []*Config{
		{Name: "true fencing", Weight: 4, nodes: pair(), hold: true, slow: true, commits: fencing,
			left: budget{commits: 3, crashes: 1, powers: 2}},
		{Name: "false fencing", Weight: 2, nodes: pair(), hold: true, risky: true, commits: fencing,
			left: budget{commits: 3, crashes: 1, powers: 1}},
		{Name: "attested", Weight: 2, nodes: pair(), hold: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, orders: 2}},
		{Name: "clones", Weight: 2, nodes: copies(), commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, copies: 1}},
		{Name: "replaced machine", Weight: 2, nodes: copies(), hold: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, copies: 1, orders: 1}},
		{Name: "a statement and a damaged memory", Weight: 2, nodes: pair(), hold: true, terse: true, commits: flips(),
			left: budget{commits: 1, powers: 1, orders: 1, disks: 1}},
		{Name: "lost refs", Weight: 2, nodes: pair(), hold: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, regressions: 1}},
		{Name: "two places", Weight: 3, nodes: pair(), hold: true, places: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, hands: 2, disks: 1}},
		{Name: "documents and claims apart", Weight: 3, nodes: pair(), hold: true, apart: true, commits: fencing,
			left: budget{commits: 3, crashes: 1, powers: 1, disks: 1}},
		{Name: "documents and claims apart, a boot without git", Weight: 2, nodes: pair(), witness: true, apart: true, commits: fencing,
			left: budget{commits: 2, crashes: 1, powers: 2, lies: 1}},
		{Name: "a carried claim", Weight: 4, nodes: pair(), hold: true, places: true, carried: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, hands: 3}},
		{Name: "a carried claim under a lease", Weight: 3, nodes: pair(), hold: true, lease: true, guarded: true, places: true, carried: true,
			commits: leased(0, docStandby), left: budget{commits: 1, crashes: 1, hands: 3}},
		{Name: "two names", Weight: 3, nodes: pair(), hold: true, renames: true, commits: append(flips(), docOther, docOther|docStandby),
			left: budget{commits: 2, crashes: 1, powers: 1, hands: 2}},
		{Name: "regressed claim", Weight: 2, nodes: pair(), hold: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1, regressions: 1, orders: 1}},
	}
}

// others are leases, followers and read-only access.
func others() []*Config {
	return []*Config{
		{Name: "lease", Weight: 6, nodes: pair(), lease: true, hold: true, slow: true, commits: leased(0, docStandby, docBroken),
			left: budget{commits: 2, crashes: 2, stopFails: 1}},
		{Name: "lease, and an agent that stays dead", Weight: 4, nodes: pair(), lease: true, hold: true, guarded: true, commits: leased(0, docStandby),
			left: budget{commits: 1, crashes: 2}},
		{Name: "replaced machine under a lease", Weight: 3, nodes: copies(), lease: true, hold: true, guarded: true, commits: leased(0, docStandby),
			left: budget{commits: 1, crashes: 1, copies: 1, orders: 1}},
		{Name: "lease by document", Weight: 2, nodes: pair(), lease: true, commits: []docCode{0, docStandby, docStandby | docLease},
			hold: true, left: budget{commits: 3, pauses: 1}},
		{Name: "followers", Weight: 4, nodes: followers(), hold: true, commits: flips(),
			left: budget{commits: 2, crashes: 1, powers: 1}},
		{Name: "followers that detect", Weight: 2, nodes: followers(), detect: true, commits: flips(),
			left: budget{commits: 1, deaths: 1, powers: 1, lies: 1}},
		{Name: "read-only, presumed", Weight: 1, nodes: pair(), witness: true, readOnly: true, commits: flips(),
			left: budget{commits: 3, powers: 1, crashes: 1, lies: 1}},
	}
}
