package signature

import (
	"strings"
	"testing"
	"time"

	"mainstay/e2e/attack"
)

func FuzzAllowedSigners(f *testing.F) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqgbd6jJjVLGvBSDpwgoyArXJGpEVsR4WgOGRBuAP2y"
	f.Add("ops@example.org " + key)
	f.Add("a,b namespaces=\"git,file\",valid-after=\"20200101\" " + key + " comment")
	f.Add("# nobody\n\n")
	f.Add("ops cert-authority " + key)
	f.Fuzz(func(t *testing.T, text string) {
		attack.Cheap(t, func() {
			all, err := parseAllowedSigners(text)
			if err != nil {
				return
			}
			for _, a := range all {
				if a.key == nil || a.principals == "" {
					t.Errorf("a line without a key or a name was taken: %+v", a)
				}
				_ = a.refuses(gitNamespace, time.Now())
			}
			if len(all) > strings.Count(text, "\n")+1 {
				t.Errorf("%d signers from %q", len(all), text)
			}
		})
	})
}

func FuzzCommitSignature(f *testing.F) {
	f.Add([]byte("tree a\ncommitter a <b> 1 +0000\ngpgsig x\n y\n\nbody\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		attack.Cheap(t, func() {
			payload, signature, err := Split(raw)
			if err == nil && len(signature) == 0 && !strings.HasPrefix(string(payload), strings.TrimRight(string(raw), "\n")) {
				t.Errorf("an unsigned commit was changed: %q to %q", raw, payload)
			}
			_, _ = commitTime(payload)
		})
	})
}
