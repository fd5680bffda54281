#!/usr/bin/env bash
# Builds the Debian package of the agent into a folder. The same source gives the
# same file, byte for byte.
#
#   build.sh [FOLDER]        default: dist
#   VERSION=1.2.3 build.sh   another version than cmd/mainstay/VERSION
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
out=$(realpath -m "${1:-$top/dist}")
version=${VERSION:-$(cat "$top/cmd/mainstay/VERSION")}
arch=$(cd "$top" && go env GOARCH)
[ "$arch" != arm ] || arch=armhf
[ "$arch" != 386 ] || arch=i386
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# put MODE SOURCE TARGET
put() { install -D -m "$1" "$2" "$root/$3"; }

(cd "$top" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$root/usr/bin/mainstay" ./cmd/mainstay)
put 644 "$here/mainstay.service" usr/lib/systemd/system/mainstay.service
put 644 "$here/mainstay-guard.service" usr/lib/systemd/system/mainstay-guard.service
put 644 "$here/tmpfiles.conf" usr/lib/tmpfiles.d/mainstay.conf
put 600 "$here/agent.yaml" etc/mainstay/agent.yaml
for script in "$top"/examples/scripts/*; do
	put 755 "$script" "usr/share/mainstay/$(basename "$script")"
done

doc=usr/share/doc/mainstay
put 644 "$top/LICENSE" "$doc/copyright"
[ ! -e "$top/README.md" ] || put 644 "$top/README.md" "$doc/README.md"
for example in xivo cc xds edge full; do
	mkdir -p "$root/$doc/examples"
	cp -r "$top/examples/$example" "$root/$doc/examples/"
done

"$root/usr/bin/mainstay" man --dir "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
mkdir -p "$root/usr/share/bash-completion/completions"
"$root/usr/bin/mainstay" completion bash >"$root/usr/share/bash-completion/completions/mainstay"

mkdir "$root/DEBIAN"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" "$here/control" >"$root/DEBIAN/control"
put 644 "$here/conffiles" DEBIAN/conffiles
for script in postinst prerm postrm; do
	put 755 "$here/$script" "DEBIAN/$script"
done
chmod -R go-w,u+rwX,go+rX "$root/usr"
chmod 700 "$root/etc/mainstay"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
package=$out/mainstay_${version}_$arch.deb
dpkg-deb --root-owner-group -Zgzip --build "$root" "$package" >&2
echo "$package"
