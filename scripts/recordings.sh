#!/usr/bin/env bash
# Replays recorded exchanges of the service we are compatible with against a dev server of our own, and prints a score for
# each resource of the Management API. The recordings are not part of this repository; without them there is nothing to do.
#
#   scripts/recordings.sh [--test GLOB] [--report FILE] [--floor FILE] [--raise] [-v]
#
# For each resource two figures are told: over all its exchanges, and without those that scripts/recordings.excluded lists
# with a reason each. The floor is about the second.
#
# --floor FILE   fails where a resource scores below its line in FILE (default: scripts/recordings.floor)
# --raise        writes scores that rose into that file; a floor never falls
# --no-floor     judges nothing
# --report FILE  writes figures and every step that did not pass there, as JSON
# -v             shows every step that did not pass and is not listed; -vv the listed ones too
# RECORDINGS     folder of the recordings (default: ../shared/recordings beside this repository)
# CHANCERY_BIN   the binary to test (default: built here)
set -euo pipefail
cd "$(dirname "$0")/.."

recordings=${RECORDINGS:-../shared/recordings}
floor=scripts/recordings.floor
report='' raise='' pattern=() verbose=''
while [ $# -gt 0 ]; do
  case $1 in
    --floor) floor=$2; shift 2 ;;
    --no-floor) floor=''; shift ;;
    --raise) raise=yes; shift ;;
    --report) report=$2; shift 2 ;;
    --test) pattern=(--test "$2"); shift 2 ;;
    -v | -vv) verbose=$1; shift ;;
    *) echo "unknown argument: $1" >&2; exit 2 ;;
  esac
done

if [ ! -f "$recordings/replay.py" ]; then
  echo "skipped: there are no recordings in $recordings"
  exit 0
fi

binary=${CHANCERY_BIN:-}
if [ -z "$binary" ]; then
  cargo build --quiet --locked -p chancery
  binary=${CARGO_TARGET_DIR:-target}/debug/chancery
fi

work=$(mktemp -d)
server=''
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT

# Nothing here outlives the run, so nothing needs to survive a power cut.
"$binary" dev --data "$work/data" --http 127.0.0.1:0 --https 127.0.0.1:0 --ready-file "$work/ready.json" \
  >"$work/out" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -s "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$work/out" >&2; exit 1; }
  sleep 0.1
done
[ -s "$work/ready.json" ] || { echo "the server did not become ready" >&2; cat "$work/out" >&2; exit 1; }

# The recordings speak the tenant's own name, which is one host: plain HTTP saves them the handshake.
base=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["issuer"].rstrip("/"))' "$work/ready.json")
token=$(python3 - "$work/ready.json" <<'PY'
import json, sys, urllib.request
ready = json.load(open(sys.argv[1]))
own = ready["clients"]["management"]
body = {"grant_type": "client_credentials", "client_id": own["client_id"], "client_secret": own["client_secret"],
        "audience": ready["issuer"] + "api/v2/"}
request = urllib.request.Request(ready["issuer"] + "oauth/token", json.dumps(body).encode(), {"Content-Type": "application/json"})
print(json.load(urllib.request.urlopen(request))["access_token"])
PY
)
reset="curl -fsS -o /dev/null -X POST -H 'Content-Type: application/json' -d '{\"seed\":\"fresh\"}' $base/dev/reset"

# Each exchange is named by its step, so that the report tells of every one of them.
python3 scripts/recordings.py name "$recordings/exchanges.jsonl" "$work/exchanges.jsonl"
# It exits 1 where anything failed; the floor is what decides here.
python3 "$recordings/replay.py" --base "$base" --token "$token" --reset-cmd "$reset" --report "$work/report.json" \
  --exchanges "$work/exchanges.jsonl" "${pattern[@]}" >"$work/replayed" 2>&1 || true
[ -s "$work/report.json" ] || { tail -n 20 "$work/replayed" >&2; echo "the replay broke off" >&2; exit 1; }

# A part of the recordings says nothing about a floor taken over all of them.
if [ ${#pattern[@]} -gt 0 ]; then
  floor=''
fi
python3 scripts/recordings.py judge "$work/report.json" --excluded scripts/recordings.excluded \
  --floor "$floor" --raise "$raise" --verbose="$verbose" --report "$report"
