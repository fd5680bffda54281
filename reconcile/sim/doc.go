// Package sim holds the proof of the handover rules: a whole simulated deployment
// that runs the shipping agent (sim_*.go). Package explore below it searches through
// the states that the shipping decision can reach, and testdata/mutants.txt breaks
// each rule on purpose, to see that one of the two, or a test, catches it.
//
// It is imported by tests only. It knows nothing of real git, real services or
// real time: it stands in for all of them.
package sim
