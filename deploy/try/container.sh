#!/usr/bin/env bash
# The image, built from the Containerfile as it stands and run as deploy/README.md says: it is made ready, gets a tenant, issues a token,
# stops. Needs buildah and podman; where no registry of images can be reached, deploy/try/base-images.sh first.
#
#     deploy/try/container.sh            # builds: some ten minutes on two cores
#     deploy/try/container.sh IMAGE      # tries one that is there
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/try/lib.sh
need buildah podman curl python3

image=${1:-}
work=$(mktemp -d)
name=chancery-try-$$
# No higher than this machine's.
limits=(--ulimit "nofile=$(ulimit -n):$(ulimit -n)" --ulimit nproc=4096:4096)
tight=(--read-only --cap-drop=all --security-opt=no-new-privileges)
key=(-v "$work/master.key:/run/secrets/master.key:ro" -v "$name:/var/lib/chancery")

main() {
  trap leave EXIT
  if [ -z "$image" ]; then
    image=localhost/chancery
    buildah build --isolation chroot --pull=ifmissing --ignorefile deploy/container/Containerfile.dockerignore -f deploy/container/Containerfile -t "$image" .
    seen "built"
  fi
  (umask 077 && head -c 32 /dev/urandom | base64 >"$work/master.key")
  chown 65532:65532 "$work/master.key"
  contents
  run init --json --tenant acme --origin https://login.acme.example >"$work/made.json"
  engine run --detach --name "$name" --network host --env CHANCERY_HTTP=127.0.0.1:4000 "${limits[@]}" "${tight[@]}" "${key[@]}" "$image" >/dev/null
  until_true 20 engine exec "$name" /usr/local/bin/chancery ready
  seen "ready, as $(engine exec "$name" /usr/local/bin/chancery --version), user $(stat -c %u "/proc/$(engine inspect -f '{{.State.Pid}}' "$name")"), its files read-only"
  token
  seen "a token issued"
  engine stop --time 40 "$name" >/dev/null
  [ "$(engine inspect -f '{{.State.ExitCode}}' "$name")" = 0 ]
  seen "stopped with status 0"
}

run() {
  engine run --rm --network host "${limits[@]}" "${tight[@]}" "${key[@]}" "$image" "$@"
}

contents() {
  local at
  at=$(engine image mount "$image")
  local files
  files=$(cd "$at" && find . -type f | sort | paste -sd' ')
  engine image unmount "$image" >/dev/null
  seen "$(engine image inspect -f '{{.Size}}' "$image") bytes: $files"
}

token() {
  curl -fsS -H 'host: login.acme.example' -d "$(token_form "$work/made.json")" http://127.0.0.1:4000/oauth/token | grep -q '"access_token":"ey'
}

leave() {
  [ $? = 0 ] || engine logs "$name" 2>&1 | tail -20 >&2 || true
  engine rm --force --time 0 "$name" >/dev/null 2>&1 || true
  engine volume rm --force "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}

main
