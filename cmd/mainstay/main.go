// Command mainstay runs a main/standby telephony deployment from a git
// repository: the agent on every node, and what a person needs to review, fail
// over, watch and understand.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
