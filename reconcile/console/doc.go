// Package console is the web page of deployments: what every node is, and why, the
// history of every switch, and what open branches would do, for browsers and as JSON.
//
// One reader for each repository looks at git at a pace of its own and publishes what
// it found as a Reading, which never changes. Every page, every event and every answer
// is made from the newest Reading, so that many browsers cost git nothing. When git is
// out of reach the last Reading stays, and every page says since when it is old.
//
// Without a desk to sign in at, nothing here writes. With one, every page is for who
// signed in, and a switch is a commit that a Pen makes, by package change like every
// other one.
//
// The package must not know of flags, of terminals, or of how an
// agent decides; what a deployment is comes from package fleet, what a change will do
// from package forecast.
package console
