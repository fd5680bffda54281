package gitcmd

import (
	"context"
	"strings"
)

// Access lists the settings of this checkout alone that let git in, such as the header
// that a CI system puts there. It is empty where there are none.
func (r Repo) Access(ctx context.Context) [][2]string {
	out, err := r.Run(ctx, Git("config", "--local", "--includes", "-z", "--get-regexp", `^(http\.|credential\.|url\.|core\.sshcommand$)`))
	if err != nil {
		return nil
	}
	var config [][2]string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if name, value, ok := strings.Cut(entry, "\n"); ok {
			config = append(config, [2]string{name, value})
		}
	}
	return config
}
