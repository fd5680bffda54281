package signature

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// armoured is what stands between two lines of OpenPGP's armour.
type armoured struct {
	kind    string
	packets []byte
}

// unarmour reads text that is armour alone, one block or more. Programs differ in what
// they make of anything else: of text around a block, of one that does not end, of a
// wrong checksum. All of that is an error here.
func unarmour(text []byte) (all []armoured, err error) {
	lines := strings.Split(strings.TrimRight(string(text), "\r\n\t "), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	for len(lines) > 0 {
		if lines[0] == "" {
			lines = lines[1:]
			continue
		}
		var one armoured
		if one, lines, err = block(lines); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// block reads one block from the first line on, and returns the lines behind it.
func block(lines []string) (a armoured, rest []string, err error) {
	kind, is := between(lines[0], pgpArmor)
	if !is {
		return a, nil, fmt.Errorf("%q is no armour: take away all that does not belong to a block", short(lines[0]))
	}
	end := -1
	for i, l := range lines {
		if i > 0 && strings.HasPrefix(l, "-----") {
			end = i
			break
		}
	}
	if end < 0 {
		return a, nil, fmt.Errorf("the PGP %s has no end", kind)
	}
	if ends, is := between(lines[end], "-----END PGP "); !is || ends != kind {
		return a, nil, fmt.Errorf("the PGP %s does not end before %q", kind, short(lines[end]))
	}
	packets, err := decode(lines[1:end])
	return armoured{kind: kind, packets: packets}, lines[end+1:], err
}

// between takes the kind of a block out of its first or last line.
func between(line, before string) (kind string, is bool) {
	kind, is = strings.CutPrefix(line, before)
	if !is {
		return "", false
	}
	return strings.CutSuffix(kind, "-----")
}

// decode reads the headers, the text and the checksum of a block.
func decode(lines []string) ([]byte, error) {
	for len(lines) > 0 && lines[0] != "" {
		if !strings.Contains(lines[0], ": ") {
			return nil, fmt.Errorf("%q is no header of an armour", short(lines[0]))
		}
		lines = lines[1:]
	}
	if len(lines) < 2 {
		return nil, errors.New("an armour is empty")
	}
	lines = lines[1:]
	var sum []byte
	if last := lines[len(lines)-1]; len(last) == 5 && last[0] == '=' {
		var err error
		if sum, err = base64.StdEncoding.DecodeString(last[1:]); err != nil {
			return nil, fmt.Errorf("the checksum of an armour: %w", err)
		}
		lines = lines[:len(lines)-1]
	}
	b, err := base64.StdEncoding.Strict().DecodeString(strings.Join(lines, ""))
	switch {
	case err != nil:
		return nil, fmt.Errorf("an armour: %w", err)
	case len(b) == 0:
		return nil, errors.New("an armour is empty")
	case sum != nil && !bytes.Equal(sum, crc24(b)):
		return nil, errors.New("an armour does not match its checksum")
	}
	return b, nil
}

// crc24 is the checksum of an armour (RFC 9580, section 6.1.1).
func crc24(b []byte) []byte {
	sum := uint32(0xb704ce)
	for _, c := range b {
		sum ^= uint32(c) << 16
		for range 8 {
			if sum <<= 1; sum&0x1000000 != 0 {
				sum ^= 0x1864cfb
			}
		}
	}
	return []byte{byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

// short is enough of a line to find it by.
func short(line string) string {
	const most = 40
	if len(line) > most {
		return line[:most]
	}
	return line
}
