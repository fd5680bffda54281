package machine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"mainstay/reconcile/managed"
	"mainstay/reconcile/state"
)

// identityFiles each hold the same. Two, because an agent that forgets who it
// is must stop what another instance started (R1), and one damaged file should
// not end a call.
var identityFiles = [...]string{"instance", "instance-copy"}

// identity is what the state folder keeps of who this agent is.
type identity struct {
	Random string `json:"random"`
}

// BootID names the present boot of this machine: the kernel's boot id and the
// moment the first process began, which is what changes when a container is
// booted again under a kernel that runs on.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	stat, err := os.ReadFile("/proc/1/stat")
	if err != nil {
		return "", fmt.Errorf("read the start of process 1: %w", err)
	}
	// The name in parentheses may hold anything; field 22 of proc(5) is the 20th
	// after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("read the start of process 1: %q", stat)
	}
	return strings.TrimSpace(string(b)) + "/" + fields[19], nil
}

// Instance identifies this agent on this machine: a random number kept in the
// state folder and the machine's own fingerprint, so that a copied state folder
// or a cloned machine is somebody else. It is an error when
// the disk does not say who this agent is and may do so later.
func Instance(disk managed.Disk, log *slog.Logger) (string, error) {
	var id identity
	var missing []string
	for _, name := range identityFiles {
		var kept identity
		err := disk.Load(name, &kept)
		switch {
		case err == nil && kept.Random != "" && (id.Random == "" || id == kept):
			id = kept
			continue
		case errors.Is(err, state.ErrDamaged):
			log.Error("who this agent is", "file", name, "error", err)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("who this agent is: %w", err)
		}
		missing = append(missing, name)
	}
	if id.Random == "" {
		id.Random = hex.EncodeToString(randomBytes(8))
	}
	for _, name := range missing {
		if err := disk.Save(name, id); err != nil {
			log.Error("save the instance id: until this is mended a restart may make this agent somebody else",
				"file", name, "error", err)
		}
	}
	return id.Random + "-" + fingerprint(), nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// fingerprint is a short hash of what belongs to the machine and not to its
// disk, as far as it can be read.
func fingerprint() string {
	h := sha256.New()
	for _, f := range []string{"/etc/machine-id", "/sys/class/dmi/id/product_uuid"} {
		b, err := os.ReadFile(f)
		if err == nil {
			h.Write(b)
		}
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}
