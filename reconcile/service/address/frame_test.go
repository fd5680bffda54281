package address

import (
	"encoding/hex"
	"net"
	"net/netip"
	"testing"

	"mainstay/e2e/attack"
)

var (
	mine, theirs = net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	four, six    = netip.MustParseAddr("10.20.0.10"), netip.MustParseAddr("2001:db8::10")
	near         = netip.MustParseAddr("10.20.0.11")
)

// The frames as they stand in RFC 826, RFC 5227 and RFC 4861.
func TestFramesAreThoseOfTheStandards(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"ARP probe": {question(mine, four),
			"ffffffffffff" + "020000000001" + "0806" + "0001080006040001" + "020000000001" + "00000000" + "000000000000" + "0a14000a"},
		"ARP announcement": {announcements(mine, four)[0],
			"ffffffffffff" + "020000000001" + "0806" + "0001080006040001" + "020000000001" + "0a14000a" + "000000000000" + "0a14000a"},
		"gratuitous ARP reply": {announcements(mine, four)[1],
			"ffffffffffff" + "020000000001" + "0806" + "0001080006040002" + "020000000001" + "0a14000a" + "020000000001" + "0a14000a"},
		"neighbour solicitation": {question(mine, six),
			"3333ff000010" + "020000000001" + "86dd" + "6000000000183aff" + "00000000000000000000000000000000" + "ff0200000000000000000001ff000010" +
				"87004a8b" + "00000000" + "20010db8000000000000000000000010"},
		"unsolicited neighbour advertisement": {announcements(mine, six)[0],
			"333300000001" + "020000000001" + "86dd" + "6000000000203aff" + "20010db8000000000000000000000010" + "ff020000000000000000000000000001" +
				"880000a0" + "20000000" + "20010db8000000000000000000000010" + "0201" + "020000000001"},
	} {
		// The sums are held against another way to add them up.
		got := hex.EncodeToString(c.frame)
		if len(c.frame) > targetAt {
			if sum := slowSum(c.frame); sum != 0xffff {
				t.Errorf("%s: the checksum is wrong: %04x", name, sum)
			}
			got = got[:112] + got[116:]
			c.want = c.want[:112] + c.want[116:]
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// slowSum is the ones' complement sum of the pseudo header and the message, which is ffff.
func slowSum(frame []byte) uint64 {
	body := frame[ethernetHeader+ipv6Header:]
	all := append(append([]byte(nil), frame[ethernetHeader+8:ethernetHeader+ipv6Header]...), 0, 0, byte(len(body)>>8), byte(len(body)), 0, 0, 0, protocolICMPv6)
	all = append(all, body...)
	var sum uint64
	for i, b := range all {
		sum += uint64(b) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

func TestWhoClaimsAnAddressIsHeard(t *testing.T) {
	solicited := func(source netip.Addr) []byte {
		return discovery(theirs, source, solicitedNode(six), message(solicitation, 0, six, nil))
	}
	shortened := arp(arpReply, theirs, four, mine, four)[:30]
	for name, c := range map[string]struct {
		frame []byte
		ip    netip.Addr
		want  bool
	}{
		"an answer":                           {arp(arpReply, theirs, four, mine, netip.IPv4Unspecified()), four, true},
		"an announcement":                     {announcements(theirs, four)[0], four, true},
		"another that probes":                 {question(theirs, four), four, true},
		"an advertisement":                    {announcements(theirs, six)[0], six, true},
		"another whose kernel looks":          {solicited(netip.IPv6Unspecified()), six, true},
		"somebody who wants to talk to it":    {arp(arpRequest, theirs, near, nobody, four), four, false},
		"somebody who wants to talk to it, 6": {solicited(netip.MustParseAddr("2001:db8::2")), six, false},
		"an answer about another":             {arp(arpReply, theirs, near, mine, four), four, false},
		"a probe for another":                 {question(theirs, near), four, false},
		"this machine's own question":         {question(mine, four), four, false},
		"this machine's own announcement":     {announcements(mine, six)[0], six, false},
		"a frame that ends too soon":          {shortened, four, false},
		"nothing":                             {nil, four, false},
		"ARP for an IPv6 address":             {announcements(theirs, four)[0], six, false},
	} {
		who := claimant(c.frame, []net.HardwareAddr{toAll, mine}, c.ip)
		if (who != nil) != c.want || who != nil && who.String() != theirs.String() {
			t.Errorf("%s: %s", name, who)
		}
	}
}

// Anybody on the network can send anything.
func FuzzClaimant(f *testing.F) {
	for _, ip := range []netip.Addr{four, six} {
		f.Add(question(theirs, ip), ip.Is6())
		f.Add(announcements(theirs, ip)[0], ip.Is6())
	}
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, frame []byte, of6 bool) {
		ip := four
		if of6 {
			ip = six
		}
		attack.Cheap(t, func() {
			who := claimant(frame, []net.HardwareAddr{mine}, ip)
			if who != nil && (len(who) != 6 || len(frame) < ethernetHeader+arpLength) {
				t.Errorf("%x claims it by %x", who, frame)
			}
		})
	})
}
