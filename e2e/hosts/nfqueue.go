//go:build e2e

package hosts

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The numbers of linux/netfilter/nfnetlink_queue.h.
const (
	messagePacket  = unix.NFNL_SUBSYS_QUEUE << 8
	messageVerdict = messagePacket + 1
	messageConfig  = messagePacket + 2

	attributePacketHeader  = 1
	attributeVerdictHeader = 2
	attributeCommand       = 1
	attributeParameters    = 2
	attributeMaxLength     = 3

	commandBind  = 1
	copyMetadata = 1

	verdictDrop   = 0
	verdictAccept = 1
)

// queue is one netfilter queue in the network namespace of a process.
type queue struct {
	socket *os.File
	number uint16
	buffer []byte
}

// openQueue binds a queue of the network namespace that a process lives in.
func openQueue(pid int, number uint16) (*queue, error) {
	fd, err := socketIn(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, fmt.Errorf("open a netfilter socket: %w", err)
	}
	q := &queue{
		socket: os.NewFile(uintptr(fd), "netfilter queue"),
		number: number,
		buffer: make([]byte, 1<<16),
	}
	if err := q.configure(); err != nil {
		q.close()
		return nil, fmt.Errorf("bind queue %d: %w", number, err)
	}
	return q, nil
}

// socketIn opens a netfilter socket in another network namespace, where it
// stays; the thread comes back.
func socketIn(namespace string) (fd int, err error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return 0, err
	}
	defer home.Close()
	there, err := os.Open(namespace)
	if err != nil {
		return 0, err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread stays locked and dies with its goroutine.
		return 0, back
	}
	runtime.UnlockOSThread()
	return fd, err
}

func (q *queue) close() { q.socket.Close() }

func (q *queue) configure() error {
	command := []byte{commandBind, 0, 0, 0}
	parameters := []byte{0, 0, 0, 0, copyMetadata}
	length := binary.BigEndian.AppendUint32(nil, pending)
	for _, part := range [][]byte{
		attribute(attributeCommand, command),
		attribute(attributeParameters, parameters),
		attribute(attributeMaxLength, length),
	} {
		if err := q.send(messageConfig, unix.NLM_F_ACK, part); err != nil {
			return err
		}
		if err := q.acknowledged(); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged reads the kernel's answer to a configuration message.
func (q *queue) acknowledged() error {
	n, err := q.socket.Read(q.buffer)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseNetlinkMessage(q.buffer[:n])
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4 {
			if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
				return syscall.Errno(-code)
			}
		}
	}
	return nil
}

// receive waits for packets and returns their numbers.
func (q *queue) receive() ([]uint32, error) {
	for {
		n, err := q.socket.Read(q.buffer)
		if pathError, ok := err.(*os.PathError); ok && pathError.Err == unix.ENOBUFS {
			// Packets came faster than they were taken; those are lost.
			continue
		}
		if err != nil {
			return nil, err
		}
		return packetsIn(q.buffer[:n])
	}
}

func packetsIn(data []byte) ([]uint32, error) {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return nil, err
	}
	var packets []uint32
	for _, m := range messages {
		const header, attributeHeader = 4, 4
		if m.Header.Type != messagePacket || len(m.Data) < header {
			continue
		}
		for rest := m.Data[header:]; len(rest) >= attributeHeader; {
			size := int(binary.NativeEndian.Uint16(rest))
			kind := binary.NativeEndian.Uint16(rest[2:])
			if size < attributeHeader || size > len(rest) {
				break
			}
			if kind == attributePacketHeader && size >= attributeHeader+4 {
				packets = append(packets, binary.BigEndian.Uint32(rest[attributeHeader:]))
			}
			rest = rest[min(len(rest), aligned(size)):]
		}
	}
	return packets, nil
}

// answer says what becomes of a packet.
func (q *queue) answer(packet uint32, drop bool) error {
	what := uint32(verdictAccept)
	if drop {
		what = verdictDrop
	}
	body := binary.BigEndian.AppendUint32(nil, what)
	body = binary.BigEndian.AppendUint32(body, packet)
	return q.send(messageVerdict, 0, attribute(attributeVerdictHeader, body))
}

func (q *queue) send(kind, flags uint16, body []byte) error {
	const header, netfilterHeader = 16, 4
	size := header + netfilterHeader + len(body)
	m := binary.NativeEndian.AppendUint32(make([]byte, 0, size), uint32(size))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|flags)
	m = append(m, make([]byte, 8)...) // sequence and port: the kernel's to choose
	m = append(m, unix.AF_UNSPEC, unix.NFNETLINK_V0)
	m = binary.BigEndian.AppendUint16(m, q.number)
	_, err := q.socket.Write(append(m, body...))
	return err
}

func attribute(kind uint16, data []byte) []byte {
	const header = 4
	a := binary.NativeEndian.AppendUint16(nil, uint16(header+len(data)))
	a = binary.NativeEndian.AppendUint16(a, kind)
	a = append(a, data...)
	return append(a, make([]byte, aligned(len(a))-len(a))...)
}

// aligned is a length rounded up as netlink wants it.
func aligned(n int) int { return (n + 3) &^ 3 }
