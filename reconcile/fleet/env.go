package fleet

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"mainstay/reconcile/run"
)

// Env returns the variables by which the git program uses the credentials that
// were named, none when it is to use the person's own.
func (p Location) Env() []string {
	env := []string{}
	config := slices.Clone(p.Config)
	if p.own() {
		env = append(env, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true")
	}
	if p.SSHKey != "" {
		command := "ssh -o IdentitiesOnly=yes -o BatchMode=yes -i " + run.Word(p.SSHKey)
		if p.KnownHosts != "" {
			command += " -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o " +
				run.Word(`UserKnownHostsFile="`+p.KnownHosts+`"`)
		}
		env = append(env, "GIT_SSH_COMMAND="+command)
	}
	if p.CAFile != "" {
		env = append(env, "GIT_SSL_CAINFO="+p.CAFile)
	}
	if header := p.tokenHeader(); header != "" {
		config = slices.DeleteFunc(config, func(c [2]string) bool { return strings.HasSuffix(strings.ToLower(c[0]), ".extraheader") })
		config = append(config, [2]string{"credential.helper", ""}, [2]string{"http." + p.URL + ".extraHeader", header})
	}
	return append(env, settings(config)...)
}

// tokenHeader lets git in by the token of TokenFile: it goes to the repository's
// own address and nowhere else. It is empty without a token.
func (p Location) tokenHeader() string {
	data, err := os.ReadFile(p.TokenFile)
	token := strings.TrimSpace(string(data))
	if err != nil || token == "" {
		return ""
	}
	if !strings.Contains(token, ":") {
		user := "token"
		if u, err := url.Parse(p.URL); err == nil && u.User.Username() != "" {
			user = u.User.Username()
		}
		token = user + ":" + token
	}
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(token))
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
