package failure

// Setting says which of the options an error is about, and what is the matter with
// it.
type Setting string

// The settings. Each one is about the option that it begins with.
const (
	KeyMissing    Setting = "sshKey missing"
	KeyUnreadable Setting = "sshKey unreadable"
	KeyLocked     Setting = "sshKey locked" // Value is its file
	KeyUnknown    Setting = "sshKey unknown to the server"
	HostsMissing  Setting = "knownHosts missing"
	HostsDamaged  Setting = "knownHosts damaged"
	HostKind      Setting = "knownHosts of another kind"
	HostUnpinned  Setting = "knownHosts without the server" // Value is the line to add
	CAMissing     Setting = "caFile missing"
	CAUnreadable  Setting = "caFile unreadable"
	TokenFile     Setting = "tokenFile unreadable"
	TokenRefused  Setting = "tokenFile refused by the server"
	AddressWrong  Setting = "url wrong"
	AddressMoved  Setting = "url moved"
	BranchMissing Setting = "branch missing"
)
