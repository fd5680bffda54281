#!/usr/bin/env bash
# Builds the Debian packages of the agent and of the page into a folder, and prints
# the path of the agent's. The same source gives the same files, byte for byte.
#
#   build.sh [FOLDER]        default: dist
#   VERSION=1.2.3 build.sh   another version than cmd/mainstay/VERSION
#   COMMIT=HASH build.sh     the commit to say, where neither git nor an archive tells it
#
# Beside the package it puts the list of what is linked in, as CycloneDX.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
out=$(realpath -m "${1:-$top/dist}")
version=${VERSION:-$(cat "$top/cmd/mainstay/VERSION")}
arch=$(cd "$top" && go env GOARCH)
[ "$arch" != arm ] || arch=armhf
[ "$arch" != 386 ] || arch=i386
# git archive fills this file in; in a clone git itself tells.
read -r archived at <"$here/commit"
if [[ $archived == *Format* ]]; then
	archived=$(git -C "$top" rev-parse HEAD 2>/dev/null || true)
	at=$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 0)
fi
commit=${COMMIT:-$archived}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$at}
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
page=$(mktemp -d)
stamp=$(mktemp -d)
agent=$root
trap 'rm -rf "$agent" "$page" "$stamp"' EXIT
chmod 755 "$root" "$page"

# notices prints the licences and notices of every module that is linked in.
notices() {
	echo "The program mainstay contains these works, each under its own licence."
	while read -r path release dir; do
		printf '\n\n== %s %s\n' "$path" "$release"
		found=
		for file in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE* "$dir"/PATENTS; do
			[ -f "$file" ] || continue
			found=1
			printf '\n'
			cat "$file"
		done
		[ -n "$found" ] || { echo "error: $path $release has no licence file" >&2; exit 1; }
	done <<<"$modules"
	goroot=$(go env GOROOT)
	[ ! -f "$goroot/LICENSE" ] || { printf '\n\n== the Go standard library\n\n'; cat "$goroot/LICENSE"; }
}

# components prints what is linked in, as CycloneDX 1.5 in JSON.
components() {
	printf '{\n  "bomFormat": "CycloneDX",\n  "specVersion": "1.5",\n  "version": 1,\n'
	printf '  "metadata": {"component": {"type": "application", "name": "mainstay", "version": "%s", "properties": [{"name": "commit", "value": "%s"}]}},\n' "$version" "$commit"
	printf '  "components": [\n    {"type": "library", "name": "stdlib", "version": "%s", "purl": "pkg:golang/stdlib@%s"}' "$(go env GOVERSION)" "$(go env GOVERSION | sed 's/^go//')"
	while read -r path release _; do
		printf ',\n    {"type": "library", "name": "%s", "version": "%s", "purl": "pkg:golang/%s@%s"}' "$path" "$release" "$path" "$release"
	done <<<"$modules"
	printf '\n  ]\n}\n'
}

# put MODE SOURCE TARGET
put() { install -D -m "$1" "$2" "$root/$3"; }

# The commit is stamped here and not by go, so that a clone and an archive of one
# commit give the same bytes.
echo "$version${commit:++${commit:0:12}}" >"$stamp/VERSION"
printf '{"Replace": {"%s": "%s"}}\n' "$top/cmd/mainstay/VERSION" "$stamp/VERSION" >"$stamp/overlay.json"
(cd "$top" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -overlay "$stamp/overlay.json" -ldflags '-s -w -buildid=' -o "$root/usr/bin/mainstay" ./cmd/mainstay)
put 644 "$here/mainstay.service" usr/lib/systemd/system/mainstay.service
put 644 "$here/mainstay-guard.service" usr/lib/systemd/system/mainstay-guard.service
put 644 "$here/tmpfiles.conf" usr/lib/tmpfiles.d/mainstay.conf
put 600 "$here/agent.yaml" etc/mainstay/agent.yaml
for script in "$top"/examples/scripts/*; do
	put 755 "$script" "usr/share/mainstay/$(basename "$script")"
done

doc=usr/share/doc/mainstay
modules=$(cd "$top" && CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/mainstay | sort -u)
put 644 "$top/LICENSE" "$doc/copyright"
notices >"$root/$doc/THIRD-PARTY-NOTICES"
gzip -9n "$root/$doc/THIRD-PARTY-NOTICES"
[ ! -e "$top/README.md" ] || put 644 "$top/README.md" "$doc/README.md"
for example in pair address xivo xivo-service cc xds edge full hooks monitoring; do
	mkdir -p "$root/$doc/examples"
	cp -r "$top/examples/$example" "$root/$doc/examples/"
done

"$root/usr/bin/mainstay" man --dir "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
mkdir -p "$root/usr/share/bash-completion/completions"
"$root/usr/bin/mainstay" completion bash >"$root/usr/share/bash-completion/completions/mainstay"

# pack FOLDER SCRIPTS FILE makes a package of what is under a folder.
pack() {
	mkdir "$1/DEBIAN"
	size=$(du -sk --exclude=DEBIAN "$1" | cut -f 1)
	sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" "$2/control" >"$1/DEBIAN/control"
	install -m 644 "$2/conffiles" "$1/DEBIAN/conffiles"
	install -m 755 "$2/postinst" "$2/prerm" "$2/postrm" "$1/DEBIAN/"
	chmod -R go-w,u+rwX,go+rX "$1/usr"
	find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group -Zgzip --build "$1" "$3" >&2
}

mkdir -p "$out"
chmod 700 "$root/etc/mainstay"
pack "$root" "$here" "$out/mainstay_${version}_$arch.deb"
components >"$out/mainstay_${version}_$arch.cdx.json"

# The page is the same program, with a unit and a user of its own.
root=$page
put 644 "$here/console/mainstay-console.service" usr/lib/systemd/system/mainstay-console.service
put 644 "$here/console/sysusers.conf" usr/lib/sysusers.d/mainstay-console.conf
put 644 "$here/console/repositories" etc/mainstay-console/repositories
put 644 "$here/console/default" etc/default/mainstay-console
put 644 "$top/LICENSE" usr/share/doc/mainstay-console/copyright
pack "$page" "$here/console" "$out/mainstay-console_${version}_all.deb"

echo "$out/mainstay_${version}_$arch.deb"
