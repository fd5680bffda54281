package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"mainstay/e2e/attack"
	"mainstay/reconcile/git/failure"
)

// zeros is a reader of nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bomb is a pack of objects of so many zeros each.
func bomb(count uint32, kind byte, size int64) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	b.Write(binary.BigEndian.AppendUint32(nil, count))
	for range count {
		first, rest := kind<<4|byte(size&0xf), size>>4
		for ; rest > 0; rest >>= 7 {
			b.WriteByte(first | 0x80)
			first = byte(rest & 0x7f)
		}
		b.WriteByte(first)
		z, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed)
		_, _ = io.CopyN(z, zeros{}, size)
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// crafted are packs that cost a few hundred KiB to push.
func crafted() map[string]func() error {
	take := func(st *store, pack []byte) error {
		defer func() { _, _ = st.report("refs/mainstay/paris/report/b", strings.Repeat("a", 40)) }()
		return st.add(pack)
	}
	all := served()
	maps.Copy(all, map[string]func() error{
		"report":   func() error { return take(noteStore(reportNotes), bomb(1, blobKind, 250<<20)) },
		"document": func() error { return take(newStore(), bomb(1, blobKind, 250<<20)) },
		"huge":     func() error { return take(newStore(), bomb(2, blobKind, 200<<20)) },
		"commit":   func() error { return take(newStore(), bomb(1, byte(plumbing.CommitObject), 200<<20)) },
		"files":    func() error { return take(newStore(), bomb(250, blobKind, 1<<20)) },
		"reports":  func() error { return take(noteStore(reportNotes), bomb(250, blobKind, 200<<10)) },
	})
	return all
}

// patience is for a process that should need a second or two.
const patience = time.Minute

// No served bytes may take an agent above 64 MB: each pack is unpacked in a
// process of its own, with the memory limit that an agent sets itself.
func TestNoPackTakesMoreMemoryThanItsPurposeAllows(t *testing.T) {
	if name := os.Getenv("MAINSTAY_CRAFTED"); name != "" {
		debug.SetMemoryLimit(48 << 20)
		err := crafted()[name]()
		status, _ := os.ReadFile("/proc/self/status")
		fmt.Printf("class %v peak %s\n", errors.Is(err, failure.ErrTooLarge), field(string(status), "VmHWM:"))
		return
	}
	if _, err := os.ReadFile("/proc/self/status"); err != nil {
		t.Fatal(err)
	}
	program := unraced(t)
	for name := range crafted() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, program, "-test.run=^TestNoPackTakes")
		cmd.Env = append(os.Environ(), "MAINSTAY_CRAFTED="+name)
		out, err := cmd.Output()
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var refused bool
		var peak int64
		line := string(out[max(0, bytes.Index(out, []byte("class "))):])
		if _, err := fmt.Sscanf(line, "class %t peak %d", &refused, &peak); err != nil {
			t.Fatalf("%s: %q: %v", name, out, err)
		}
		t.Run(name, func(t *testing.T) {
			attack.Row(t, "hostile server", "an answer of few bytes that would take much memory: "+name, "an agent stays below 64 MB")
			t.Logf("%-9s peak %d kB, refused %v", name, peak, refused)
			if peak > 64<<10 {
				t.Errorf("%s takes %d kB", name, peak)
			}
		})
	}
}

// unraced builds this package's tests without the race detector, which takes
// several times the memory that an agent takes.
func unraced(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "git.test")
	if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// field is a line of /proc/self/status.
func field(status, name string) string {
	_, rest, _ := strings.Cut(status, name)
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return value
}

// A large file beside the document is dropped, and the document is read.
func TestAFileThatIsTooLargeHidesNothing(t *testing.T) {
	attack.Row(t, "hostile server", "a huge file beside the document", "the document is read, the file is not")
	o, err := note{file: "deployment.yaml", content: []byte("kind: Deployment\n"), author: "n"}.objects()
	if err != nil {
		t.Fatal(err)
	}
	large := encoded(plumbing.BlobObject, bytes.Repeat([]byte("large"), maxFile))
	pack, err := packOf(append(o.list(), large))
	if err != nil {
		t.Fatal(err)
	}
	st := newStore()
	if err := st.add(pack); err != nil {
		t.Fatal(err)
	}
	if c, err := st.commit(o.ID); err != nil || c == nil {
		t.Errorf("the commit is %v, %v", c, err)
	}
	if st.objects.HasEncodedObject(large.Hash()) == nil || !st.dropped {
		t.Error("the large file is kept")
	}
}
