package spec

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"mainstay/schema"
	"mainstay/spec/alerts"
	"mainstay/spec/cluster"
	"mainstay/spec/endpoint"
	"mainstay/spec/floating"
	"mainstay/spec/pattern"
)

// LoadAgentFile reads an agent's own file: strictly, with defaults filled in,
// held against its schema and against its meaning. Every problem is returned in
// one go, sorted by position; the file is nil when there is one. Node stays
// empty when the file does not name it: the host's name is the caller's to ask
// for. The files that it names are not looked at.
func LoadAgentFile(file string, data []byte) (*AgentFile, []schema.Problem) {
	doc, problems := schema.Read(schema.Agent, file, data)
	if doc == nil {
		return nil, problems
	}
	l := &agentLoader{reader: reader{doc: doc, problems: problems}, a: &AgentFile{}}
	if err := doc.Decode(l.a); err != nil {
		l.say(schema.RuleInternal, nil, err.Error(), "")
		return nil, schema.Sort(l.problems)
	}
	l.meaning()
	if len(l.problems) > 0 {
		return nil, schema.Sort(l.problems)
	}
	return l.a, nil
}

// longestSocket is the most bytes of a path that Linux and macOS both bind.
const longestSocket = 103

// longestSkew is the most that the clock of whoever commits may be wrong: a key that is
// valid no more can sign for so long.
const longestSkew = 7 * 24 * time.Hour

// agentLoader checks the meaning of an agent's file.
type agentLoader struct {
	reader
	a *AgentFile
}

func (l *agentLoader) meaning() {
	repo := schema.Path{"repository"}
	l.url(repo.Key("url"), l.a.Repository.URL)
	for i, mirror := range l.a.Repository.Mirrors {
		l.url(repo.Key("mirrors").Index(i), mirror)
	}
	c := l.a.Coordination
	if !c.Off() && !cluster.Is(c.URL) {
		l.url(schema.Path{"coordination", "url"}, c.URL)
	}
	for _, p := range cluster.Problems(c.URL, c.CAFile, c.Access, map[string]string{"sshKey": c.SSHKey, "tokenFile": c.TokenFile, "knownHosts": c.KnownHosts}) {
		l.say(RuleCoordination, schema.Path{"coordination", p.Key}, p.Message, p.Hint)
	}
	if p := l.a.Repository.Path; p != "" && !localPath(p) {
		l.say(RuleRepositoryPath, repo.Key("path"), fmt.Sprintf("%q leads away from the repository", p),
			"a clean path inside the repository, such as sites/paris/deployment.yaml")
	}
	l.branch(repo.Key("branch"), l.a.Repository.Branch)
	l.signKey()
	l.policy()
	l.listen()
	l.alerts()
	if n := len(l.a.Socket); n > longestSocket {
		l.say(RuleSocket, schema.Path{"socket"}, fmt.Sprintf("has %d bytes, and a socket's path at most %d", n, longestSocket), "such as /run/mainstay/agent.sock")
	}
	l.allow(schema.Path{"allow"})
	if len(l.a.SelfFence) > 0 {
		l.program(schema.Path{"selfFence"}, l.a.SelfFence)
	}
}

func (l *agentLoader) url(p schema.Path, text string) {
	scheme, _, hasScheme := strings.Cut(text, "://")
	if text == "" || !hasScheme {
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		l.say(RuleURL, p, "is not a URL", "such as ssh://git@git.example.org/voice/paris.git")
		return
	}
	if !slices.Contains([]string{"ssh", "https", "http", "file"}, scheme) {
		l.say(RuleURL, p, fmt.Sprintf("%q URLs are not supported", scheme), "ssh, https, http, file, or a local path")
		return
	}
	_, password := u.User.Password()
	if password || u.User != nil && scheme != "ssh" {
		l.say(RuleCredentials, p, "holds credentials", "put them into a file that only root can read, and name it in tokenFile")
	}
}

// signKey wants a key to sign with where unsigned claims and reports are not
// believed: nobody would believe this node.
func (l *agentLoader) signKey() {
	if l.a.Verify.Nodes != "" && !l.a.Coordination.Off() && l.a.SigningKey() == "" {
		l.say(RuleSignKey, schema.Path{"verify", "nodes"}, "this node has no key to sign its own claims and reports with",
			"name a private key in verify.signKey, or reach git over ssh with sshKey")
	}
}

// policy wants signatures to be verified where it matters whose they are.
func (l *agentLoader) policy() {
	v := l.a.Verify
	if v.Policy != nil && v.AllowedSigners == "" {
		l.say(RulePolicy, schema.Path{"verify", "policy"}, "without verify.allowedSigners nobody's signature is looked at",
			"name the file of your operators' keys in verify.allowedSigners")
	}
	if v.Skew.D() < time.Second || v.Skew.D() > longestSkew {
		l.say(RuleBound, schema.Path{"verify", "skew"}, fmt.Sprintf("%s is not from 1s to 168h", v.Skew), "such as 15m")
	}
}

func (l *agentLoader) branch(p schema.Path, branch string) {
	bad := strings.HasPrefix(branch, "refs/") || strings.Contains(branch, "..") || strings.Contains(branch, "//") || strings.Contains(branch, "/.") ||
		strings.HasSuffix(branch, "/") || strings.HasSuffix(branch, ".") || strings.HasSuffix(branch, ".lock")
	if bad {
		l.say(RuleBranch, p, fmt.Sprintf("%q is not the name of a branch", branch), "such as main")
	}
}

func (l *agentLoader) listen() {
	if l.a.Listen == "off" || l.a.Listen == "" {
		return
	}
	_, port, err := net.SplitHostPort(l.a.Listen)
	number, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || number < 0 || number > 65535 {
		l.say(RuleListen, schema.Path{"listen"}, fmt.Sprintf("%q is not an address to listen on", l.a.Listen),
			"such as 127.0.0.1:9477, or off")
	}
}

func (l *agentLoader) alerts() {
	for _, found := range alerts.Problems(l.a.Alerts) {
		at := schema.Path{"alerts"}
		for _, key := range found.At {
			if i, ok := key.(int); ok {
				at = at.Index(i)
			} else {
				at = at.Key(fmt.Sprint(key))
			}
		}
		l.say(RuleAlert, at, found.Message, found.Hint)
	}
	for i, a := range l.a.Alerts {
		l.program(schema.Path{"alerts"}.Index(i).Key("command"), a.Command)
	}
}

func (l *agentLoader) allow(p schema.Path) {
	for i, unit := range l.a.Allow.Systemd {
		l.allowUnit(p.Key("systemd").Index(i), unit)
	}
	for i, entry := range l.a.Allow.Compose {
		_, folder, named := strings.Cut(entry, "=")
		if named && !cleanAbsolute(folder) {
			l.say(RuleAllowCompose, p.Key("compose").Index(i), fmt.Sprintf("%q names no absolute, clean folder", entry),
				"a project, or project=/folder/of/the/compose/file")
		}
	}
	for i, argv := range l.a.Allow.Commands {
		at := p.Key("commands").Index(i)
		if len(argv) > 0 && argv[0] == pattern.Anything {
			l.say(RuleAllowEverything, at, "would allow every command", "name the program")
			continue
		}
		l.program(at, argv)
	}
	for i, entry := range l.a.Allow.Paths {
		l.allowPath(p.Key("paths").Index(i), entry)
	}
	for i, entry := range l.a.Allow.Directories {
		if !cleanAbsolute(entry) {
			l.say(RuleAbsolutePath, p.Key("directories").Index(i), fmt.Sprintf("%q is not an absolute, clean path", entry), "such as /srv/xivocc, without a slash at its end")
		}
	}
	for i, entry := range l.a.Allow.Addresses {
		l.allowAddress(p.Key("addresses").Index(i), entry)
	}
	for i, entry := range l.a.Allow.Probes {
		if message := endpoint.Problem(entry); message != "" {
			l.say(RuleAddress, p.Key("probes").Index(i), fmt.Sprintf("%q %s", entry, message),
				"such as 10.20.0.7:80, 10.20.0.0/16:5060, monitor.example.org:443, *.example.org:443 or monitor:*")
		}
	}
}

func (l *agentLoader) allowAddress(p schema.Path, entry string) {
	if strings.HasSuffix(entry, "/0") {
		l.say(RuleAllowEverything, p, "would allow every address", "name the address, such as eth0=10.20.0.10/24")
	} else if message := floating.EntryProblem(entry); message != "" {
		l.say(RuleAddress, p, fmt.Sprintf("%q %s", entry, message), "such as eth0=10.20.0.10/24, or eth0=10.20.0.0/24 for any address of that network")
	}
}

func (l *agentLoader) allowUnit(p schema.Path, unit string) {
	if strings.Trim(strings.TrimSuffix(unit, path.Ext(unit)), "*") == "" {
		l.say(RuleAllowEverything, p, "would allow every unit", "name the units, such as asterisk.service or xivo-*.service")
		return
	}
	if message := unitProblem(unit); message != "" {
		l.say(RuleUnit, p, message, "name the unit with its suffix, such as asterisk.service")
	}
}

func (l *agentLoader) allowPath(p schema.Path, entry string) {
	folder := strings.TrimSuffix(entry, "/")
	switch {
	case strings.Trim(entry, "/") == "":
		l.say(RuleAllowEverything, p, "would allow every file", "name the files, or folders such as /etc/nginx/conf.d/")
	case !cleanAbsolute(folder):
		l.say(RuleAbsolutePath, p, fmt.Sprintf("%q is not an absolute, clean path", entry), "begin with /, without .. or //")
	}
}

func (l *agentLoader) program(p schema.Path, argv []string) {
	if len(argv) == 0 {
		return
	}
	if message := programProblem(argv[0]); message != "" {
		l.say(RuleProgram, p.Index(0), message, `one item for each argument: ["program", "argument"]`)
	}
}

// cleanAbsolute tells whether a path is absolute, clean and not the root.
func cleanAbsolute(p string) bool {
	return strings.HasPrefix(p, "/") && path.Clean(p) == p && p != "/"
}
