#!/bin/sh
# First process of a host. It moves into a cgroup v2 tree of its own before
# systemd starts: hosts that shared one would stop each other's units.
set -e
node=/sys/fs/cgroup/$NODE_CGROUP
mkdir -p "$node"
echo $$ >"$node/cgroup.procs"
unset NODE_CGROUP
exec unshare --cgroup --mount /bin/sh -ec '
	umount /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	exec /sbin/init'
