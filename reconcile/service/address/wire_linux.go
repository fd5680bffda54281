package address

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"mainstay/reconcile/service"
)

// packetSocket is the network behind one interface, below IP.
type packetSocket struct{ file *os.File }

func (rtnetlink) open(on device, ip netip.Addr) (wire, error) {
	w, err := openPackets(on, ip)
	switch {
	case errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("%w: the agent lacks CAP_NET_RAW", service.ErrRefused)
	case errors.Is(err, unix.EAFNOSUPPORT):
		return nil, fmt.Errorf("%w: packet sockets are kept from the agent: its unit needs AF_PACKET in RestrictAddressFamilies", service.ErrRefused)
	case err != nil:
		return nil, err
	}
	return w, nil
}

func openPackets(on device, ip netip.Addr) (*packetSocket, error) {
	// Nothing is received before it is bound to one interface and one protocol.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	kind := uint16(typeARP)
	if ip.Is6() {
		kind = typeIPv6
		err = listenFor(fd, on, ip)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: kind<<8 | kind>>8, Ifindex: on.index})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &packetSocket{os.NewFile(uintptr(fd), "packets on "+on.name)}, nil
}

// listenFor lets through what is about neighbours, of all that is sent by IPv6, and hears
// those that ask for the address.
func listenFor(fd int, on device, ip netip.Addr) error {
	const load, equals, give = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: ethernetHeader + 6},
		{Code: equals, K: protocolICMPv6, Jf: 4},
		{Code: load, K: ethernetHeader + ipv6Header},
		{Code: equals, K: solicitation, Jt: 1},
		{Code: equals, K: advertisement, Jf: 1},
		{Code: give, K: largest},
		{Code: give, K: 0},
	}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}); err != nil {
		return err
	}
	group := unix.PacketMreq{Ifindex: int32(on.index), Type: unix.PACKET_MR_MULTICAST, Alen: uint16(len(toAll))}
	copy(group.Address[:], multicast(solicitedNode(ip)))
	return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &group)
}

func (s *packetSocket) send(frame []byte) error {
	if err := s.file.SetWriteDeadline(time.Now().Add(callBound)); err != nil {
		return err
	}
	_, err := s.file.Write(frame)
	return err
}

func (s *packetSocket) receive(buffer []byte, until time.Time) (int, error) {
	if err := s.file.SetReadDeadline(until); err != nil {
		return 0, err
	}
	return s.file.Read(buffer)
}

func (s *packetSocket) close() { _ = s.file.Close() }
