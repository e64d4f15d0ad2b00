#!/usr/bin/env bash
# A rolling upgrade with real binaries: a server of the release before and one of this release on one PostgreSQL, requests all
# the while. No request may fail: not before, not while the new one brings the schema forward, not when the old one starts once
# more, and not when it ends.
#
#     scripts/upgrade.sh OLD_BINARY NEW_BINARY
#     scripts/upgrade.sh REVISION               builds the old one from that revision in target/upgrade, the new one as it is
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# = 1 ]; then
  [ -d target/upgrade/source ] || git worktree add --quiet --detach target/upgrade/source "$1"
  git -C target/upgrade/source checkout --quiet --detach "$1"
  cargo build --quiet --locked -p chancery --manifest-path target/upgrade/source/Cargo.toml --target-dir target/upgrade/target
  cargo build --quiet --locked -p chancery
  set -- target/upgrade/target/debug/chancery target/debug/chancery
fi
old=$(realpath "$1") new=$(realpath "$2")

work=$(mktemp -d /tmp/chancery-upgrade-XXXXXX)
bin=$(dirname "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb | tail -1)")
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; else "$@"; fi; }
finish() {
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  (cd / && as "$bin/pg_ctl" stop -m immediate -s -D "$work/pg/data") || true
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/pg"
[ "$(id -u)" != 0 ] || { chown postgres "$work/pg"; chmod 755 "$work"; }
(cd / && as "$bin/initdb" -D "$work/pg/data" -U postgres -A trust -E UTF8 --locale=C -N >/dev/null)
printf "listen_addresses = ''\nunix_socket_directories = '%s/pg'\n" "$work" >>"$work/pg/data/postgresql.conf"
(cd / && as "$bin/pg_ctl" start -w -s -D "$work/pg/data" -l "$work/pg/log" >/dev/null 2>&1)

export CHANCERY_DATABASE="postgres://postgres@${work//\//%2F}%2Fpg/postgres" CHANCERY_MASTER_KEY_FILE=$work/master.key
"$old" keys generate-master >"$work/master.key"
chmod 600 "$work/master.key"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
host=login.acme.example
"$old" init --tenant acme --origin "https://$host" --json >"$work/init.json"
id=$(grep -o '"client_id": *"[^"]*"' "$work/init.json" | cut -d'"' -f4)
secret=$(grep -o '"client_secret": *"[^"]*"' "$work/init.json" | cut -d'"' -f4)

# PORT: a token, a read and a write of the Management API.
round() {
  local token
  token=$(curl -fsS -m 10 -H "host: $host" "http://127.0.0.1:$1/oauth/token" -d grant_type=client_credentials \
    -d "client_id=$id" --data-urlencode "client_secret=$secret" --data-urlencode "audience=https://$host/api/v2/" |
    grep -o '"access_token":"[^"]*"' | cut -d'"' -f4)
  curl -fsS -m 10 -H "host: $host" -H "authorization: Bearer $token" "http://127.0.0.1:$1/api/v2/clients" >/dev/null
  curl -fsS -m 10 -H "host: $host" -H "authorization: Bearer $token" -H 'content-type: application/json' \
    "http://127.0.0.1:$1/api/v2/roles" -d "{\"name\": \"$2 $RANDOM$RANDOM$RANDOM\"}" >/dev/null
}
start() { # BINARY PORT METRICS
  "$1" serve --http "127.0.0.1:$2" --metrics "127.0.0.1:$3" 2>>"$work/log" &
  started=$!
  for _ in $(seq 600); do
    curl -fsS -m 5 "http://127.0.0.1:$3/readyz" >/dev/null 2>&1 && return
    kill -0 "$started" 2>/dev/null || break
    sleep 0.1
  done
  echo "$1 does not serve:" >&2
  cat "$work/log" >&2
  exit 1
}
# PORT NAME: rounds until the file NAME.stop is there; counts them.
load() {
  local rounds=0 failures=0
  while [ ! -e "$work/$2.stop" ]; do
    if round "$1" "$2"; then rounds=$((rounds + 1)); else failures=$((failures + 1)); fi
  done
  echo "$rounds $failures" >"$work/$2.count"
}
count() { # NAME
  touch "$work/$1.stop"
  while [ ! -e "$work/$1.count" ]; do sleep 0.1; done
  read -r rounds failures <"$work/$1.count"
  echo "$1: $rounds rounds of requests, $failures failed"
  [ "$rounds" -gt 0 ] && [ "$failures" = 0 ]
}

a=$(free_port) b=$(free_port)
start "$old" "$a" "$(free_port)"
first=$started
load "$a" "the old one, beside the new one" &
sleep 1
start "$new" "$b" "$(free_port)"
load "$b" "the new one" &
sleep 5
count "the old one, beside the new one"
kill -TERM "$first"
wait "$first"
# One that was there before, and starts once more.
c=$(free_port)
start "$old" "$c" "$(free_port)"
again=$started
load "$c" "the old one, started again" &
sleep 3
count "the old one, started again"
kill -TERM "$again"
wait "$again"
sleep 1
count "the new one"
echo "no request failed"
