#!/bin/sh
# Makes a user and a role in etcd for every node of a deployment, and one that only reads,
# for laptops and pages. A node may write its own report, and the claim of its own role;
# everybody may read the prefix.
#
#   roles.sh FOLDER PREFIX DEPLOYMENT NODE[=ROLE]...
#
# such as
#
#   roles.sh ./users voice paris xivo-main=xivo xivo-standby=xivo edge
#
# FOLDER gets one file user:password for each, for userFile of the agent's own file. etcdctl
# must be set up for root by its own environment (ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_USER).
# Running it again keeps the passwords that are there. Authentication is turned on by hand, once
# there is a root user: see README.md.
set -eu
umask 077
export ETCDCTL_API=3

[ $# -ge 4 ] || { sed -n '2,18s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1 prefix=$2 deployment=$3
shift 3

plain() {
	case $1 in '' | *[!A-Za-z0-9._/-]*) echo "error: $1 is not fit for a key" >&2; exit 2 ;; esac
}

has() { etcdctl "$1" list | grep -qxF "$2"; }

# grant ROLE read|readwrite KEY [--prefix]
grant() { etcdctl role grant-permission "$@" >/dev/null; }

role() {
	has role "$1" || etcdctl role add "$1" >/dev/null
	grant "$1" read "$prefix/" --prefix=true
}

user() {
	file=$folder/$1
	if ! has user "$1" || [ ! -s "$file" ]; then
		password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
		if has user "$1"; then
			printf '%s\n' "$password" | etcdctl user passwd "$1" --interactive=false >/dev/null
		else
			printf '%s\n' "$password" | etcdctl user add "$1" --interactive=false >/dev/null
		fi
		printf '%s:%s\n' "$1" "$password" >"$file"
	fi
	etcdctl user grant-role "$1" "$1" >/dev/null
}

plain "$prefix"
plain "$deployment"
mkdir -p "$folder"

name=mainstay-$deployment-reader
role "$name"
user "$name"

for entry in "$@"; do
	node=${entry%%=*} claim=
	[ "$node" = "$entry" ] || claim=${entry#*=}
	plain "$node"
	name=mainstay-$deployment-$node
	role "$name"
	grant "$name" readwrite "$prefix/head/$deployment/report/$node"
	grant "$name" readwrite "$prefix/note/$deployment/report/$node"
	grant "$name" readwrite "$prefix/head/$deployment/news/commit"
	if [ -n "$claim" ]; then
		plain "$claim"
		grant "$name" readwrite "$prefix/head/$deployment/claim/$claim"
		grant "$name" readwrite "$prefix/note/$deployment/claim/$claim/" --prefix=true
	fi
	user "$name"
done
