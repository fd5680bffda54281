// Package reconcile is the agent: it learns what the document, the claims and
// the other nodes say, observes what the machine really runs, decides, orders,
// and reports.
//
//	git ──▶ Learner ──Snapshot──▶ Actuator ──▶ plan.Decide ──▶ steps ──▶ machine
//	 ▲         ▲                     │  ▲                                  │
//	 │         └──────claim push─────┤  └──────────observed state──────────┘
//	 └──────Publisher◀────report─────┘
//
// Three goroutines own all of the state. The Learner is the only one that reads
// git and pushes claims; every look at git becomes an immutable Snapshot. The
// Actuator makes one pass whenever anything wakes it: it gathers an input from
// the newest snapshot and from what was observed, calls plan.Decide, writes the
// memory to disk, and only then hands out the claim push and begins the steps.
// It never waits for git, a service, a probe or a disk that hangs. The Publisher
// pushes this node's report.
//
// Events, timers and notifications carry no meaning of their own: they only wake
// a pass, and every pass starts from observed state. A lost event costs time and
// never correctness.
//
// Each of the three is a plain value whose methods do one bounded thing, so that
// the simulation steps the very same code, one call at a time. Agent.Run is what
// puts goroutines and timers around them.
//
// Around them, none of which can hold them up: package control takes a person's orders on
// a socket and has them carried out between two passes, shows the status and takes
// notifications, record keeps every decision with its input, task runs the
// document's jobs and checks, metrics counts.
//
// A process of its own, package guard, stops the services when a lease ends and no
// agent is left to obey it (R7).
//
// The package knows no driver, no transport and no file format of git: it states
// what it needs in small interfaces (ports.go) and is handed the real things.
//
// From the word active: in a file to a stopped unit and back:
//
//	git/remote.go            asks the server which refs it has
//	learner.go               sees that the branch moved
//	study.go                 has the commit read beside the looks, and judges the document
//	git/revision.go          fetches the commit and checks who signed it
//	learner.go               accepts the document and saves it on disk
//	snapshot.go              holds what is known after that look
//	agent.go                 gives the snapshot to the actuator
//	actuator.go              makes a pass: gathers an input, decides, carries out
//	plan/decide.go           chooses the rules that apply
//	plan/stepdown.go         orders the stop of the side that is no longer declared (R2)
//	machine/services.go      hands the stop to the manager of services
//	service/manager.go       begins it, and observes what comes of it
//	service/systemd/stop.go  asks systemd
//	report.go                makes the report of the decision
//	publisher.go             publishes the report
//	git/report.go            pushes it
package reconcile
