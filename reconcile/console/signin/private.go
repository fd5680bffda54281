package signin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// private reads a file that only its own account may read and change, of so many bytes
// at most. what says what it should be.
func private(path, what string, info fs.FileInfo, most int64) ([]byte, error) {
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s: it is no %s, or larger than %d bytes", path, what, most)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return nil, fmt.Errorf("%s: its mode is %04o, so that others can read or change it: chmod 600 %s", path, mode, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return data, nil
}

// mostSecret is how many bytes a secret may have.
const mostSecret = 4 << 10

// ReadSecret reads a secret that stands alone in a file.
func ReadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	data, err := private(path, "file with a secret", info, mostSecret)
	if err != nil {
		return "", err
	}
	if secret := strings.TrimSpace(string(data)); secret != "" {
		return secret, nil
	}
	return "", errors.New(path + ": there is no secret in it")
}
