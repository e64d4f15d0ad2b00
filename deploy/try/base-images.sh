#!/usr/bin/env bash
# Makes the two images that the Containerfile starts from, under the names it gives them, where no registry of images can be
# reached: Debian by debootstrap, Node from npm, the Rust toolchain of this machine. Needs root, debootstrap, buildah, npm, rustc.
#
#     deploy/try/base-images.sh
#
# Does nothing for an image that is there. Not what to ship: an authority that this machine trusts beyond Debian's is trusted by them.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/try/lib.sh
need debootstrap buildah npm rustc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
  local wanted=()
  have docker.io/library/node:22-bookworm-slim || wanted+=(node)
  have docker.io/library/rust:1-bookworm || wanted+=(rust)
  [ ${#wanted[@]} -gt 0 ] || return 0
  debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$work/debian" "${MIRROR:-http://deb.debian.org/debian}" >"$work/log" ||
    { tail -5 "$work/log" >&2; exit 1; }
  cp -rL /usr/local/share/ca-certificates/. "$work/debian/usr/local/share/ca-certificates/" 2>/dev/null || true
  chroot "$work/debian" update-ca-certificates >/dev/null 2>&1
  rm -rf "$work/debian/var/cache/apt/archives"/*.deb
  for image in "${wanted[@]}"; do "$image"; done
}

have() {
  buildah inspect --type image "$1" >/dev/null 2>&1
}

node() {
  (cd "$work" && npm install --silent --no-audit --no-fund --prefix npm node@22.23.3 >&2)
  local at
  at=$(from_debian)
  buildah copy --quiet "$at" "$(find "$work/npm/node_modules" -path '*/bin/node' -type f -size +10M | head -1)" /usr/local/bin/node >/dev/null
  buildah copy --quiet "$at" "$(npm root --global)/npm" /usr/local/lib/node_modules/npm >/dev/null
  buildah run --isolation chroot "$at" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
  buildah config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$at"
  finish "$at" docker.io/library/node:22-bookworm-slim
}

rust() {
  local at
  at=$(from_debian)
  mkdir "$work/toolchain"
  tar -C "$(rustc --print sysroot)" --exclude=share -c . | tar -C "$work/toolchain" -x
  buildah copy --quiet "$at" "$work/toolchain" /usr/local >/dev/null
  buildah config --env CARGO_HOME=/root/.cargo "$at"
  finish "$at" docker.io/library/rust:1-bookworm
}

from_debian() {
  local at
  at=$(buildah from scratch)
  buildah copy --quiet "$at" "$work/debian" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$at"
  echo "$at"
}

finish() {
  buildah commit --quiet --rm "$1" "$2" >/dev/null
  echo "$2 is there"
}

main
