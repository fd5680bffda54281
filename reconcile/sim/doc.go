// Package sim holds the proof of the handover rules: a
// whole simulated deployment that runs the shipping agent (sim_*.go), and a
// search through all states that the shipping decision can reach (explore_*.go).
//
// It is imported by tests only. It knows nothing of real git, real services or
// real time: it stands in for all of them.
package sim
