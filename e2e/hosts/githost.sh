#!/bin/sh
# Makes a Debian 12 host serve one bare repository. $1 is the public key that
# may use SSH. Prints the host's public key.
set -e
exec 3>&1 >&2

# One user owns the repository whichever way a push comes in.
useradd --non-unique --uid 33 --gid 33 --home-dir /srv/git --create-home --shell /usr/bin/git-shell git
mkdir -p /srv/git/.ssh
printf 'restrict %s\n' "$1" >/srv/git/.ssh/authorized_keys

repo=/srv/git/repo.git
git init --quiet --bare --initial-branch=main "$repo"
git -C "$repo" config http.receivepack true
cat >"$repo/hooks/update" <<'HOOK'
#!/bin/sh
[ "$1" = refs/heads/main ] || exit 0
case $2 in *[!0]*) ;; *) exit 0 ;; esac
case $3 in *[!0]*) git merge-base --is-ancestor "$2" "$3" && exit 0 ;; esac
echo "main is protected" >&2
exit 1
HOOK
chmod 755 "$repo/hooks/update"
chown -R git:www-data /srv/git

mkdir -p /etc/systemd/system/fcgiwrap.service.d
cat >/etc/systemd/system/fcgiwrap.service.d/children.conf <<'UNIT'
[Service]
ExecStart=
ExecStart=/usr/sbin/fcgiwrap -f -c 8
UNIT
cat >/etc/nginx/sites-available/default <<'NGINX'
server {
	listen 80 default_server;
	client_max_body_size 64m;
	location ~ ^/repo\.git/ {
		include fastcgi_params;
		fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
		fastcgi_param GIT_PROJECT_ROOT /srv/git;
		fastcgi_param GIT_HTTP_EXPORT_ALL "";
		fastcgi_param PATH_INFO $uri;
		fastcgi_pass unix:/run/fcgiwrap.socket;
	}
}
NGINX
rm -f /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
printf 'PasswordAuthentication no\nUsePAM no\nUseDNS no\n' >/etc/ssh/sshd_config.d/git.conf
passwd --quiet --delete git
systemctl daemon-reload
systemctl --quiet enable --now fcgiwrap.socket nginx.service ssh.service
cat /etc/ssh/ssh_host_ed25519_key.pub >&3
