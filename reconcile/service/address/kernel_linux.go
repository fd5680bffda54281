package address

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"mainstay/reconcile/service"
)

// mostTries is how often a list is asked for that changed while it was read.
const mostTries = 5

// rtnetlink is the kernel of this machine.
type rtnetlink struct{}

func thisKernel() kernel { return rtnetlink{} }

// handle opens a socket for some questions. It must be closed.
func handle(ctx context.Context) (*netlink.Handle, error) {
	if err := service.Ended(ctx); err != nil {
		return nil, err
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("%w: netlink: %w", service.ErrUnavailable, err)
	}
	limit := callBound
	if at, ok := ctx.Deadline(); ok {
		limit = min(limit, max(time.Until(at), time.Millisecond))
	}
	if err := h.SetSocketTimeout(limit); err != nil {
		h.Close()
		return nil, fmt.Errorf("%w: netlink: %w", service.ErrUnavailable, err)
	}
	return h, nil
}

// list is every address of a family. One that changed while it was read is read again: it
// may lack what is there.
func list(h *netlink.Handle, family int) ([]netlink.Addr, error) {
	var all []netlink.Addr
	var err error
	for range mostTries {
		if all, err = h.AddrList(nil, family); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the addresses of this machine cannot be listed: %w", service.ErrUnavailable, err)
	}
	return all, nil
}

func familyOf(ip netip.Addr) int {
	if ip.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

// prefixOf is an address of a list, with the length of its network.
func prefixOf(a netlink.Addr) netip.Prefix {
	if a.IPNet == nil {
		return netip.Prefix{}
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	bits, _ := a.Mask.Size()
	if !ok {
		return netip.Prefix{}
	}
	if len(a.IP) == net.IPv4len {
		ip = ip.Unmap()
	}
	return netip.PrefixFrom(ip, bits)
}

func (rtnetlink) addresses(ctx context.Context, ip netip.Addr) ([]place, error) {
	h, err := handle(ctx)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	all, err := list(h, familyOf(ip))
	if err != nil {
		return nil, err
	}
	var found []place
	for _, a := range all {
		p := prefixOf(a)
		if p.Addr() != ip {
			continue
		}
		found = append(found, place{
			on: nameOf(h, a.LinkIndex), index: a.LinkIndex, prefix: p,
			checking: a.Flags&unix.IFA_F_TENTATIVE != 0, duplicate: a.Flags&unix.IFA_F_DADFAILED != 0,
		})
	}
	return found, nil
}

// nameOf is the name of an interface, for people.
func nameOf(h *netlink.Handle, index int) string {
	link, err := h.LinkByIndex(index)
	if err != nil {
		return "interface " + strconv.Itoa(index)
	}
	return link.Attrs().Name
}

func (rtnetlink) device(ctx context.Context, name string) (device, error) {
	h, err := handle(ctx)
	if err != nil {
		return device{}, err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		return device{}, fmt.Errorf("%w: this machine has no interface %s", service.ErrNotFound, name)
	case err != nil:
		return device{}, fmt.Errorf("%w: %s cannot be looked at: %w", service.ErrUnavailable, name, err)
	}
	a := link.Attrs()
	carries := a.OperState == netlink.OperUp || a.OperState == netlink.OperUnknown
	return device{
		name: a.Name, index: a.Index, hardware: a.HardwareAddr,
		up:       a.Flags&net.FlagUp != 0 && carries,
		ethernet: a.EncapType == "ether" && len(a.HardwareAddr) == len(toAll) && a.RawFlags&unix.IFF_NOARP == 0,
	}, nil
}

func (rtnetlink) hardware(ctx context.Context) ([]net.HardwareAddr, error) {
	h, err := handle(ctx)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var links []netlink.Link
	for range mostTries {
		if links, err = h.LinkList(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the interfaces of this machine cannot be listed: %w", service.ErrUnavailable, err)
	}
	var all []net.HardwareAddr
	for _, link := range links {
		if a := link.Attrs().HardwareAddr; len(a) == len(toAll) && !isShared(a) {
			all = append(all, a)
		}
	}
	return all, nil
}

func (rtnetlink) add(ctx context.Context, to device, prefix netip.Prefix) error {
	h, err := handle(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	ip := prefix.Addr()
	a := &netlink.Addr{
		IPNet:     &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(prefix.Bits(), ip.BitLen())},
		LinkIndex: to.index,
	}
	if ip.Is6() {
		// It was asked for already. It is good, and preferred for no connection that this
		// machine begins: those would break when it moves.
		a.Flags, a.ValidLft, a.PreferedLft = unix.IFA_F_NODAD, math.MaxUint32, 0
	}
	err = h.AddrAdd(nil, a)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return explain(err, "add "+prefix.String()+" to "+to.name)
}

// explain says what a person can do about an error of the kernel.
func explain(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: %s: the agent lacks CAP_NET_ADMIN", service.ErrRefused, what)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: %s: %w: is IPv6 off there (sysctl net.ipv6.conf)?", service.ErrRefused, what, err)
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("%w: %s: the kernel did not answer", service.ErrTimeout, what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// remove takes nothing else with it: the kernel removes the other addresses of a network
// with the first of them, unless it is told to promote one. What went could not be put
// back, since somebody else may have removed it meanwhile.
func (rtnetlink) remove(ctx context.Context, from place) error {
	h, err := handle(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	all, err := list(h, familyOf(from.prefix.Addr()))
	if err != nil {
		return err
	}
	what := "remove " + from.prefix.String() + " from " + from.on
	at := slices.IndexFunc(all, func(a netlink.Addr) bool { return a.LinkIndex == from.index && prefixOf(a) == from.prefix })
	if at < 0 {
		return nil
	}
	if isFirst(all, at) {
		if err := setting(from.index, promoteSecondaries, 1); err != nil {
			return explain(err, what+" would take others of its network with it, and the kernel does not promote one")
		}
	}
	err = h.AddrDel(nil, &all[at])
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil
	}
	return explain(err, what)
}

// isFirst tells whether an address has others of its network behind it.
func isFirst(all []netlink.Addr, at int) bool {
	return prefixOf(all[at]).Addr().Is4() && slices.ContainsFunc(all, func(a netlink.Addr) bool {
		return a.LinkIndex == all[at].LinkIndex && a.Flags&unix.IFA_F_SECONDARY != 0 && prefixOf(a).Masked() == prefixOf(all[at]).Masked()
	}) && all[at].Flags&unix.IFA_F_SECONDARY == 0
}

// promoteSecondaries is the setting by which the kernel keeps the others when the first
// address of a network goes (IPV4_DEVCONF_PROMOTE_SECONDARIES); Debian sets it. inetConf is
// the list of such settings (IFLA_INET_CONF).
const promoteSecondaries, inetConf = 20, 1

// setting sets one of an interface, by netlink: to the agent /proc is read only.
func setting(index, number int, value uint32) error {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer socket.Close()
	limit := unix.NsecToTimeval(callBound.Nanoseconds())
	if err := errors.Join(socket.SetSendTimeout(&limit), socket.SetReceiveTimeout(&limit)); err != nil {
		return err
	}
	request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	of := nl.NewIfInfomsg(unix.AF_UNSPEC)
	of.Index = int32(index)
	request.AddData(of)
	settings := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	settings.AddRtAttr(unix.AF_INET, nil).AddRtAttr(inetConf, nil).AddRtAttr(number, nl.Uint32Attr(value))
	request.AddData(settings)
	request.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}
	_, err = request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (rtnetlink) permitted() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("what this process may do is not known: %w", err)
	}
	if sets[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return fmt.Errorf("%w: CAP_NET_ADMIN is missing", service.ErrRefused)
	}
	return nil
}

func (rtnetlink) watch(ctx context.Context, changed func()) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	addresses, links := make(chan netlink.AddrUpdate), make(chan netlink.LinkUpdate)
	err := netlink.AddrSubscribeWithOptions(addresses, ctx.Done(), netlink.AddrSubscribeOptions{ErrorCallback: stop})
	if err != nil {
		return fmt.Errorf("%w: changes of addresses: %w", service.ErrUnavailable, err)
	}
	go drain(ctx, addresses, changed)
	err = netlink.LinkSubscribeWithOptions(links, ctx.Done(), netlink.LinkSubscribeOptions{ErrorCallback: stop})
	if err != nil {
		return fmt.Errorf("%w: changes of interfaces: %w", service.ErrUnavailable, err)
	}
	go drain(ctx, links, changed)
	changed()
	<-ctx.Done()
	return context.Cause(ctx)
}

// drain takes what is told until the teller has ended, so that it can.
func drain[T any](ctx context.Context, told <-chan T, changed func()) {
	for range told {
		if ctx.Err() == nil {
			changed()
		}
	}
}
