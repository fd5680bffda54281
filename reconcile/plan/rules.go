package plan

// Rule names the rule of design section 6 that a decision follows.
type Rule string

// The rules of design section 6; RService is the plain keeping of services and
// files as the document says, RFollow the followers' rule.
const (
	R1       Rule = "R1"
	R2       Rule = "R2"
	R3       Rule = "R3"
	R4       Rule = "R4"
	R5       Rule = "R5"
	R6       Rule = "R6"
	R7       Rule = "R7"
	R8       Rule = "R8"
	R9       Rule = "R9"
	R10      Rule = "R10"
	R11      Rule = "R11"
	R12      Rule = "R12"
	R13      Rule = "R13"
	RFollow  Rule = "follow"
	RService Rule = "services"
)

// Run is what a service was observed to do.
type Run string

// The observed states of a service. Only Stopped means verified down: every
// other one may be serving.
const (
	Stopped   Run = "stopped"
	Starting  Run = "starting"
	Running   Run = "running"
	Stopping  Run = "stopping"
	RunFailed Run = "failed"  // not running, and it ended by an error: down
	RunUnsure Run = "unknown" // could not be observed: counts as possibly serving
)

// Down reports whether the service was observed not to run.
func (r Run) Down() bool { return r == Stopped || r == RunFailed }
