//go:build linux

package footprint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A page that was written to lives nowhere else: giving it back would lose it.
func TestOnlyPagesThatTheFileStillHasAreGivenBack(t *testing.T) {
	smaps := `00400000-00cf5000 r-xp 00001000 fe:00 99 /usr/bin/mainstay
Rss:                8552 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
00cf5000-01785000 r--p 008f6000 fe:00 99 /usr/bin/mainstay
Anonymous:             0 kB
01785000-01787000 r--p 01385000 fe:00 99 /usr/bin/mainstay
Anonymous:             8 kB
01787000-01809000 rw-p 01386000 fe:00 99 /usr/bin/mainstay
Anonymous:             0 kB
01809000-01a4f000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000000000-7f0000021000 r-xp 00000000 fe:00 12 /usr/bin/mainstay-other
Anonymous:             0 kB
7ffd1a5e2000-7ffd1a603000 rw-p 00000000 00:00 0 [stack]
`
	got, err := unwritten(strings.NewReader(smaps), "/usr/bin/mainstay")
	want := []mapping{{0x400000, 0xcf5000}, {0xcf5000, 0x1785000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestAProgramRunsOnAfterItHasShrunk(t *testing.T) {
	if err := shrink(); err != nil {
		t.Fatal(err)
	}
}
