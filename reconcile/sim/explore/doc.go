// Package explore searches every reachable state of a small deployment: the
// nodes of an exclusive role, their followers and the git server, with commits,
// crashes, cuts, lost and late pushes, failed stops, lying witnesses and the
// rest of what can go wrong, each as often as a configuration allows.
//
// What a node does is decided by the shipping plan.Decide and a claim changes
// only by the shipping plan.Next; the package has no copy of a rule. It knows
// what surrounds them: what a node keeps on disk, what a restart loses, in which
// order a decision is carried out, and what a git server promises.
//
// A state is a plain comparable value, so that a copy is an assignment and a
// visited state is 64 bits of its hash. Times are ages, in units of five seconds.
// Without a lease no rule compares the clocks of two nodes, so any wait may end
// at any moment; with a lease time passes for all of them together.
package explore
