#!/usr/bin/env bash
# Patroni's own opinion of the example. That it works is for `make test-cluster`, which runs three of it. Its binaries of PostgreSQL are
# at hand, etcd is something that listens, and the `ttl` is what Patroni from 3.2 on accepts: the example's file says why it has less.
#
#     deploy/try/patroni.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/try/lib.sh
need patroni python3

work=$(mktemp -d)
listener=
trap '[ -z "$listener" ] || kill "$listener"; rm -rf "$work"' EXIT

main() {
  local bin
  bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  [ -n "$bin" ] || { echo "skipped: PostgreSQL not installed" >&2; exit 77; }
  python3 -c '
import socket, sys, time
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], file=open(sys.argv[1], "w"), flush=True)
while True: listening.accept()' "$work/port" &
  listener=$!
  until_true 5 test -s "$work/port"
  local etcd
  etcd=127.0.0.1:$(cat "$work/port")
  sed -e "s#hosts: \[.*#hosts: [$etcd]#" -e 's#ttl: 10#ttl: 20#' -e "s#bin_dir: .*#bin_dir: $bin#" -e "s#data_dir: .*#data_dir: $work/data#" \
    -e 's#db1.example#192.0.2.1#' deploy/patroni/patroni.yml >"$work/patroni.yml"
  grep -q "$etcd" "$work/patroni.yml"
  patroni --validate-config --ignore-listen-port "$work/patroni.yml"
  seen "valid for Patroni $(patroni --version | grep -oE "[0-9.]+$")"
}

main
