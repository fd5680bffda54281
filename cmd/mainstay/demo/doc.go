// Package demo runs a whole deployment on one machine: a bare repository, one
// agent process for each of six nodes, and real child processes as services,
// each on a loopback address of its own. It fails over and back by real commits
// and looks from outside whether what the agents say is true.
//
// It uses the shipping agent through its command line and its control socket,
// and knows nothing of how it decides.
package demo
