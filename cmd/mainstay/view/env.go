package view

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// Env returns the variables by which the git program uses the credentials that
// were named, none when it is to use the person's own.
func (p Place) Env() []string {
	var env []string
	config := p.Config
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
		config = append(config, [2]string{"http.extraHeader",
			"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text))})
	}
	return append(env, settings(config)...)
}

// settings hands settings to git, which reads them after its files.
func settings(config [][2]string) []string {
	if len(config) == 0 {
		return nil
	}
	env := []string{fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(config))}
	for i, c := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, c[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, c[1]))
	}
	return env
}

// shellWord quotes a path for the shell that git starts ssh with.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
