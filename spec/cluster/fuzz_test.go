package cluster

import "testing"

// An address that is read is read again as the same place.
func FuzzAddress(f *testing.F) {
	f.Add("etcd://a:2379,b,[fd00::1]:1/voice/x")
	f.Add("etcds://h/%2e%2e")
	f.Add("etcd://::/0")
	f.Add("etcd://h:0/x")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(p.Shown())
		if err != nil || again.Shown() != p.Shown() {
			t.Errorf("%q is shown as %q, and that as %q, %v", text, p.Shown(), again.Shown(), err)
		}
	})
}
