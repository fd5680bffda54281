#!/bin/bash
# Makes a host a XiVO of two, with Asterisk, PostgreSQL and monit as they are, and stand-ins for the rest. $1 is the
# network, $2 main or standby, $3 the peer.
set -eu
mkdir -p /var/lib/xivo /etc/xivo /usr/share/xivo /etc/asterisk /etc/cron.d
echo 2025.10.04 >/usr/share/xivo/XIVO-VERSION
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/xivo-confd.service
for unit in isc-dhcp-server xivo-dxtora xivo-provd xivo-agid xivo-amid xivo-call-logs xivo-agentd xivo-ctid xivo-dird xivo-dird-phoned xivo-ctid-ng xivo-websocketd; do
	cp /etc/systemd/system/xivo-confd.service /etc/systemd/system/$unit.service
done
for unit in asterisk monit xivo-dxtora xivo-provd xivo-agid xivo-amid xivo-call-logs xivo-agentd xivo-ctid xivo-dird xivo-dird-phoned xivo-ctid-ng xivo-websocketd; do
	mkdir -p /etc/systemd/system/$unit.service.d
	printf '[Unit]\nConditionPathExists=!/var/lib/xivo/disabled\n' >/etc/systemd/system/$unit.service.d/gate.conf
done
sed -i 's/^  set daemon .*/  set daemon 1/' /etc/monit/monitrc
printf 'check process asterisk matching "/usr/sbin/asterisk"\n  start program = "/usr/bin/systemctl start asterisk"\n' >/etc/monit/conf.d/asterisk
chmod 600 /etc/monit/conf.d/asterisk

version=$(ls /usr/lib/postgresql)
pg_createcluster "$version" main >/dev/null
echo "listen_addresses = '*'" >>"/etc/postgresql/$version/main/postgresql.conf"
echo "host all all $1 trust" >>"/etc/postgresql/$version/main/pg_hba.conf"
systemctl daemon-reload
systemctl --quiet enable --now postgresql "postgresql@$version-main" xivo-confd
until runuser -u postgres -- psql -qAt -c 'select 1' >/dev/null 2>&1; do sleep 0.1; done
runuser -u postgres -- psql -q -c 'create database xivo'
runuser -u postgres -- psql -q -d xivo -c 'create table people (name text)'

# What XiVO leaves on a side whose type was set in the page.
case $2 in
main)
	echo "{\"node_type\": \"master\", \"remote_address\": \"$3\"}" >/etc/xivo/ha.conf
	printf '0 * * * * root /usr/sbin/xivo-master-slave-db-replication %s >/dev/null\n0 * * * * root /usr/bin/xivo-sync >/dev/null\n' "$3" >/etc/cron.d/xivo-ha-master
	xivo-manage-slave-services start
	;;
standby)
	echo "{\"node_type\": \"slave\", \"remote_address\": \"$3\"}" >/etc/xivo/ha.conf
	printf '* * * * * root /usr/sbin/xivo-check-master-status %s >/dev/null\n' "$3" >/etc/cron.d/xivo-ha-slave
	xivo-manage-slave-services stop
	;;
esac
