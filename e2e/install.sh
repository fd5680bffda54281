#!/bin/sh
# Brings what the tests on real hosts need to a bare Debian machine: packages
# from the machine's own archive, and a running Docker engine. Running it again
# changes nothing. Needs root.
#
#   install.sh         install, and start the engine if none answers
#   install.sh page    install what the tests of the web page need, and no more
#   install.sh stop    stop the engine that an earlier run of this script started
set -eu

packages="docker.io docker-compose debootstrap debian-archive-keyring git gitolite3 gnupg openssh-server openssh-client
	etcd-server etcd-client strace prometheus nftables iptables iproute2 chromium fonts-dejavu-core"
# axe-core checks that pages are accessible. It is for tests alone, and stays out of the tree.
axe=axe-core@4.14.1
folder=/var/cache/mainstay-e2e
pidfile=/run/mainstay-e2e-dockerd.pid
log=/var/log/mainstay-e2e-dockerd.log

missing() {
	for package in $packages; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
	done
	command -v npm >/dev/null || printf 'npm '
}

install_axe() {
	grep -qsF "\"version\": \"${axe#*@}\"" "$folder/node_modules/axe-core/package.json" && return 0
	mkdir -p "$folder"
	npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --loglevel error "$axe" >/dev/null
}

install_packages() {
	wanted=$(missing)
	[ -n "$wanted" ] || return 0
	# Nothing that is installed here is meant to run by itself.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
}

answers() { docker info >/dev/null 2>&1; }

start_engine() {
	answers && return 0
	setsid dockerd --pidfile "$pidfile" >"$log" 2>&1 </dev/null &
	for _ in $(seq 150); do
		answers && return 0
		sleep 0.2
	done
	echo "error: the Docker engine does not answer; end of $log:" >&2
	tail -n 20 "$log" >&2
	return 1
}

stop_engine() {
	[ -s "$pidfile" ] || return 0
	kill "$(cat "$pidfile")"
	while [ -e "$pidfile" ]; do sleep 0.2; done
}

case ${1:-install} in
install)
	install_packages
	install_axe
	start_engine
	;;
page)
	packages="chromium git fonts-dejavu-core"
	install_packages
	install_axe
	;;
stop) stop_engine ;;
*)
	echo "usage: $0 [install|page|stop]" >&2
	exit 2
	;;
esac
