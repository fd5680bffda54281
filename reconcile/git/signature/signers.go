package signature

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// allowedSigner is one line of an ssh allowed_signers file.
type allowedSigner struct {
	principals string
	namespaces []string
	after      time.Time
	before     time.Time
	key        ssh.PublicKey
}

// parseAllowedSigners reads OpenSSH's format: principals, options, key. A line
// it does not fully understand is an error: half-understood, it might allow too
// much.
func parseAllowedSigners(text string) ([]allowedSigner, error) {
	var all []allowedSigner
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimRight(strings.TrimLeft(l, " \t"), " \t\r\n")
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("line %d: holds a control character", n)
		}
		a, err := parseSigner(l)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, a)
	}
	return all, nil
}

func parseSigner(l string) (allowedSigner, error) {
	var a allowedSigner
	fields, err := splitQuoted(l)
	if err != nil {
		return a, err
	}
	if len(fields) < 3 {
		return a, errors.New("wants: principals [options] keytype key")
	}
	a.principals = fields[0]
	if strings.Contains(a.principals, `"`) {
		var quoted bool
		if a.principals, quoted = unquoted(a.principals); !quoted {
			return a, fmt.Errorf("principals %s: a quote is only before the first and after the last of them", fields[0])
		}
	}
	switch {
	case slices.Contains(a.names(), ""):
		return a, fmt.Errorf("principals %s: one of them is empty", fields[0])
	case !slices.ContainsFunc(a.names(), func(p string) bool { return p[0] != '!' }):
		return a, fmt.Errorf("principals %s allow nobody", a.principals)
	}
	rest := fields[1:]
	if !keyType(rest[0]) {
		if err := a.options(rest[0]); err != nil {
			return a, err
		}
		rest = rest[1:]
	}
	if len(rest) < 2 || !keyType(rest[0]) {
		return a, errors.New("wants a key after the principals and options")
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(rest[0] + " " + rest[1]))
	if err != nil {
		return a, fmt.Errorf("the key cannot be read: %w", err)
	}
	if _, is := key.(*ssh.Certificate); is {
		return a, errors.New("a certificate is not supported: list the key itself")
	}
	a.key = key
	return a, nil
}

func keyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-")
}

// splitQuoted splits at blanks outside double quotes, which it keeps.
func splitQuoted(l string) ([]string, error) {
	quoted := false
	fields := strings.FieldsFunc(l, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t')
	})
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	return fields, nil
}

// options reads the comma-separated options of one line, each of which may be there
// once.
func (a *allowedSigner) options(text string) error {
	seen := map[string]bool{}
	for more := true; more; {
		end, quoted := 0, false
		for ; end < len(text) && (quoted || text[end] != ','); end++ {
			quoted = quoted != (text[end] == '"')
		}
		option := text[:end]
		if more = end < len(text); more {
			text = text[end+1:]
		}
		name, _, _ := strings.Cut(strings.ToLower(option), "=")
		if name == "" || seen[name] {
			return fmt.Errorf("option %q is empty or there twice", name)
		}
		seen[name] = true
		if err := a.option(option); err != nil {
			return err
		}
	}
	return nil
}

func (a *allowedSigner) option(option string) error {
	name, value, has := strings.Cut(option, "=")
	if has {
		var quoted bool
		if value, quoted = unquoted(value); !quoted {
			return fmt.Errorf("the value of %s wants quotes around it", name)
		}
	}
	var err error
	switch strings.ToLower(name) {
	case "namespaces":
		if value == "" {
			return errors.New("namespaces is empty")
		}
		a.namespaces = strings.Split(value, ",")
	case "valid-after":
		a.after, err = signerTime(value)
	case "valid-before":
		a.before, err = signerTime(value)
	case "cert-authority":
		return errors.New("cert-authority is not supported: list each signer's own key")
	default:
		return fmt.Errorf("option %q is unknown", name)
	}
	return err
}

// unquoted takes the quotes from around a value that has both and none inside.
func unquoted(value string) (string, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	value = value[1 : len(value)-1]
	return value, !strings.ContainsAny(value, `"\\`)
}

// matchesList is OpenSSH's pattern list: one pattern has to match, and none with !
// before it may.
func matchesList(patterns []string, text string) bool {
	found := false
	for _, p := range patterns {
		p, never := strings.CutPrefix(p, "!")
		switch {
		case !matches(p, text):
		case never:
			return false
		default:
			found = true
		}
	}
	return found
}

// matches is OpenSSH's pattern: * stands for any characters and ? for one; nothing
// else is special.
func matches(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case strings.HasPrefix(pattern, "**"): // as many as there are, it is one
		return matches("*"+strings.TrimLeft(pattern, "*"), text)
	case pattern[0] == '*':
		return matches(pattern[1:], text) || text != "" && matches(pattern, text[1:])
	case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
		return false
	}
	return matches(pattern[1:], text[1:])
}

// signerTime reads YYYYMMDD[HHMM[SS]] in local time, or in UTC with a Z behind,
// as ssh-keygen does.
func signerTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			t, err := time.ParseInLocation(layout, digits, zone)
			if err == nil && t.Unix() >= 0 {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("time %q is not YYYYMMDD[HHMM[SS]][Z] since 1970", text)
}

// names are the patterns of who may use the key.
func (a allowedSigner) names() []string { return strings.Split(a.principals, ",") }

func (a allowedSigner) is(key ssh.PublicKey) bool {
	return key != nil && bytes.Equal(a.key.Marshal(), key.Marshal())
}

// refuses says why the line does not allow a signature of its own key.
func (a allowedSigner) refuses(namespace string, when time.Time) error {
	switch {
	case a.namespaces != nil && !matchesList(a.namespaces, namespace):
		return fmt.Errorf("%s is not listed for commits (namespace %q)", a.principals, namespace)
	case !a.after.IsZero() && when.Before(a.after):
		return fmt.Errorf("the key of %s is valid after %s only", a.principals, a.after.Format(time.RFC3339))
	case !a.before.IsZero() && when.After(a.before):
		return fmt.Errorf("the key of %s is valid before %s only", a.principals, a.before.Format(time.RFC3339))
	}
	return nil
}

// Fingerprint is how people compare a key.
func Fingerprint(key ssh.PublicKey) string {
	if key == nil {
		return "nobody"
	}
	return ssh.FingerprintSHA256(key)
}
