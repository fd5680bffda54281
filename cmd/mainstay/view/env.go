package view

import (
	"encoding/base64"
	"os"
	"strings"
)

// Env returns the variables by which the git program uses the credentials that
// were named, none when it is to use the person's own.
func (p Place) Env() []string {
	var env []string
	if p.SSHKey != "" {
		command := "ssh -o IdentitiesOnly=yes -o BatchMode=yes -i " + shellWord(p.SSHKey)
		if p.KnownHosts != "" {
			command += " -o StrictHostKeyChecking=yes -o UserKnownHostsFile=" + shellWord(p.KnownHosts)
		}
		env = append(env, "GIT_SSH_COMMAND="+command)
	}
	if p.CAFile != "" {
		env = append(env, "GIT_SSL_CAINFO="+p.CAFile)
	}
	if token, err := os.ReadFile(p.TokenFile); err == nil {
		text := strings.TrimSpace(string(token))
		if !strings.Contains(text, ":") {
			text = "git:" + text
		}
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader",
			"GIT_CONFIG_VALUE_0=Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return env
}

// shellWord quotes a path for the shell that git starts ssh with.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
