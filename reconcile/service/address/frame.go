package address

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
)

// Ethernet, ARP (RFC 826) and neighbour discovery (RFC 4861), as far as an address is
// asked for and announced.
const (
	ethernetHeader = 14
	typeARP        = 0x0806
	typeIPv6       = 0x86dd
	arpLength      = 28
	arpRequest     = 1
	arpReply       = 2
	ipv6Header     = 40
	protocolICMPv6 = 58
	solicitation   = 135
	advertisement  = 136
	// targetAt is where the target of either message begins in its frame.
	targetAt = ethernetHeader + ipv6Header + 8
	// override is the flag of an advertisement that replaces what others know.
	override = 0x20000000
	// linkLayerTarget is the option that names the sender of an advertisement.
	linkLayerTarget = 2
	// largest is the longest part of a frame that is looked at.
	largest = 256
)

var (
	toAll  = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	nobody = net.HardwareAddr{0, 0, 0, 0, 0, 0}
	// virtual begin the addresses that several routers share (RFC 5798, VRRP).
	virtual = net.HardwareAddr{0, 0, 0x5e, 0}
)

// question is the frame that asks who has an address without claiming it: an ARP probe, or
// the solicitation of duplicate address detection.
func question(from net.HardwareAddr, ip netip.Addr) []byte {
	if ip.Is4() {
		return arp(arpRequest, from, netip.IPv4Unspecified(), nobody, ip)
	}
	return discovery(from, netip.IPv6Unspecified(), solicitedNode(ip), message(solicitation, 0, ip, nil))
}

// announcements are the frames that say that an address is here from now on.
func announcements(from net.HardwareAddr, ip netip.Addr) [][]byte {
	if ip.Is4() {
		// Some listen to requests only, some to replies.
		return [][]byte{arp(arpRequest, from, ip, nobody, ip), arp(arpReply, from, ip, from, ip)}
	}
	option := append([]byte{linkLayerTarget, 1}, from...)
	return [][]byte{discovery(from, ip, netip.IPv6LinkLocalAllNodes(), message(advertisement, override, ip, option))}
}

func arp(operation uint16, from net.HardwareAddr, fromIP netip.Addr, to net.HardwareAddr, toIP netip.Addr) []byte {
	b := header(toAll, from, typeARP)
	b = binary.BigEndian.AppendUint16(b, 1) // Ethernet
	b = binary.BigEndian.AppendUint16(b, 0x0800)
	b = append(b, 6, 4)
	b = binary.BigEndian.AppendUint16(b, operation)
	b = append(append(b, from...), fromIP.AsSlice()...)
	return append(append(b, to...), toIP.AsSlice()...)
}

func header(to, from net.HardwareAddr, kind uint16) []byte {
	b := append(append(make([]byte, 0, largest), to...), from...)
	return binary.BigEndian.AppendUint16(b, kind)
}

// solicitedNode is the group in which whoever has the address listens.
func solicitedNode(ip netip.Addr) netip.Addr {
	group, own := netip.MustParseAddr("ff02::1:ff00:0").As16(), ip.As16()
	copy(group[13:], own[13:])
	return netip.AddrFrom16(group)
}

// multicast is the hardware address of an IPv6 group.
func multicast(group netip.Addr) net.HardwareAddr {
	b := group.As16()
	return append(net.HardwareAddr{0x33, 0x33}, b[12:]...)
}

func message(kind byte, flags uint32, target netip.Addr, option []byte) []byte {
	b := []byte{kind, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, flags)
	return append(append(b, target.AsSlice()...), option...)
}

func discovery(from net.HardwareAddr, source, to netip.Addr, body []byte) []byte {
	b := header(multicast(to), from, typeIPv6)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, protocolICMPv6, 255)
	b = append(append(b, source.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(body[2:], checksum(b[ethernetHeader+8:], body))
	return append(b, body...)
}

// checksum is that of ICMPv6, over both addresses and the message.
func checksum(addresses, body []byte) uint16 {
	sum := uint32(len(body)) + protocolICMPv6
	for _, part := range [][]byte{addresses, body} {
		for i := 0; i < len(part); i += 2 {
			sum += uint32(part[i]) << 8
			if i+1 < len(part) {
				sum += uint32(part[i+1])
			}
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// isShared reports whether a frame from that address may come from another machine, also
// when this one has an interface with it.
func isShared(a net.HardwareAddr) bool {
	return bytes.Equal(a, nobody) || bytes.HasPrefix(a, virtual)
}

// claimant is who another machine says has the address, or asks for it to have it itself;
// nil for a frame that says neither. The frame comes from anybody on the network, and own
// are the addresses of this machine: each of its interfaces answers for all that it has.
func claimant(frame []byte, own []net.HardwareAddr, ip netip.Addr) net.HardwareAddr {
	if len(frame) < ethernetHeader {
		return nil
	}
	var who net.HardwareAddr
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == typeARP && ip.Is4():
		who = arpClaimant(frame[ethernetHeader:], ip)
	case kind == typeIPv6 && ip.Is6():
		who = discoveryClaimant(frame, ip)
	}
	if slices.ContainsFunc(own, func(a net.HardwareAddr) bool { return bytes.Equal(a, who) }) {
		return nil
	}
	return who
}

func arpClaimant(b []byte, ip netip.Addr) net.HardwareAddr {
	if len(b) < arpLength || binary.BigEndian.Uint32(b[2:]) != 0x08000604 {
		return nil
	}
	who, has, wants := b[8:14], netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	probes := has.IsUnspecified() && wants == ip && binary.BigEndian.Uint16(b[6:]) == arpRequest
	if has != ip && !probes {
		return nil
	}
	return append(net.HardwareAddr(nil), who...)
}

func discoveryClaimant(frame []byte, ip netip.Addr) net.HardwareAddr {
	if len(frame) < targetAt+16 || frame[ethernetHeader]>>4 != 6 || frame[ethernetHeader+6] != protocolICMPv6 || frame[ethernetHeader+7] != 255 ||
		netip.AddrFrom16([16]byte(frame[targetAt:])) != ip {
		return nil
	}
	source := netip.AddrFrom16([16]byte(frame[ethernetHeader+8:]))
	kind := frame[ethernetHeader+ipv6Header]
	if kind != advertisement && !(kind == solicitation && source.IsUnspecified()) {
		return nil
	}
	return append(net.HardwareAddr(nil), frame[6:12]...)
}
