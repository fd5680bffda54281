package gitcmd

import (
	"regexp"
	"strings"
)

// cause is a way in which git fails that a person can mend: what git says, and
// what to do.
type cause struct {
	sign *regexp.Regexp
	do   string
}

// causes are tried in order: what is more particular comes first.
func causes() []cause {
	one := func(sign, do string) cause { return cause{regexp.MustCompile(sign), do} }
	return []cause{
		one(`REMOTE HOST IDENTIFICATION HAS CHANGED`,
			"the server shows another host key than the pinned one: find out why before anything else"),
		one(`Host key verification failed|No .* host key is known`,
			"the server's host key is not pinned: compare its fingerprint with the server's, then add it to known_hosts"),
		one(`UNPROTECTED PRIVATE KEY FILE`, "others may read the private key: chmod 600 it"),
		one(`Permission denied \(`, "the server does not know this key: give it the public half, or name another key"),
		one(`Authentication failed|could not read Username|could not read Password|invalid credentials|error: 401`,
			"the server does not take these credentials: is the token or password right, and still valid?"),
		one(`error: 403|Write access to repository not granted|You are not allowed to push`,
			"these credentials may not do that: they need write access, or the branch wants a review (--push-to NAME)"),
		one(`Could not resolve host|Name or service not known`, "the name of the server is not known here: is it right, is the network up?"),
		one(`Connection refused|Connection timed out|Operation timed out|Couldn't connect|Failed to connect|No route to host`,
			"nothing answers there: is the address right, is the server up, does a firewall stand between?"),
		one(`server certificate verification failed|SSL certificate problem|certificate verify failed`,
			"if the server's certificate is of your own authority, name it with --ca-file"),
		one(`does not appear to be a git repository|repository .* not found|error: 404`,
			"there is no repository at this address, or these credentials may not see it"),
		one(`(?i)protected branch|\[remote rejected\].*hook declined`, "the server wants this branch to be changed another way"),
	}
}

// Hint is what a person should do, or the empty string.
func (e *Error) Hint() string {
	for _, c := range causes() {
		if c.sign.MatchString(e.Said) {
			return c.do
		}
	}
	return ""
}

// Refused reports whether the server understood the push and did not want it, and
// what it says about that.
func (e *Error) Refused() (says string, ok bool) {
	var remote []string
	for l := range strings.Lines(e.Said) {
		l = strings.TrimSpace(l)
		if text, is := strings.CutPrefix(l, "remote:"); is && strings.TrimSpace(text) != "" {
			remote = append(remote, strings.TrimSpace(text))
		}
		if strings.Contains(l, "[remote rejected]") {
			ok = true
			if open := strings.LastIndex(l, "("); open >= 0 {
				remote = append(remote, strings.TrimSuffix(l[open+1:], ")"))
			}
		}
	}
	return strings.Join(remote, "; "), ok
}

// noise are lines that git adds to others, and that say less than those.
var noise = regexp.MustCompile(`^(@.*|fatal: Could not read from remote repository\.|Please make sure you have the correct access rights|and the repository exists\.|error: failed to push some refs to .*|To \S+|hint: .*)$`)

// brief leaves out of what git said the lines that say less than the others, and
// puts the rest into one line.
func brief(said string) string {
	var kept []string
	for l := range strings.Lines(said) {
		if l = strings.TrimSpace(l); l != "" && !noise.MatchString(l) {
			kept = append(kept, l)
		}
	}
	if len(kept) == 0 {
		return said
	}
	return strings.Join(kept, "; ")
}
