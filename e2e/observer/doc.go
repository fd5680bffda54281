// Package observer watches a deployment from outside its agents: many times a
// second it looks at what really runs, notes every change, and tells for how
// long things ran together that must never. A recording is written as text for
// a log and as an SVG picture.
//
// It must not know the agent, the documents or how hosts are made: a track is a
// name and a function that looks.
package observer
