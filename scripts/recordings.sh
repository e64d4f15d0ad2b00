#!/usr/bin/env bash
# Replays recorded exchanges of the service we are compatible with against a dev server of our own, and prints a score for
# each resource of the Management API. The recordings are not part of this repository; without them there is nothing to do.
#
#   scripts/recordings.sh [--test GLOB] [--report FILE] [--floor FILE] [--raise] [-v]
#
# --floor FILE   fails where a resource scores below its line in FILE (default: scripts/recordings.floor)
# --raise        writes scores that rose into that file; a floor never falls
# --no-floor     judges nothing
# RECORDINGS     folder of the recordings (default: ../shared/recordings beside this repository)
# CHANCERY_BIN   the binary to test (default: built here)
set -euo pipefail
cd "$(dirname "$0")/.."

recordings=${RECORDINGS:-../shared/recordings}
floor=scripts/recordings.floor
report='' raise='' pattern=() verbose=()
while [ $# -gt 0 ]; do
  case $1 in
    --floor) floor=$2; shift 2 ;;
    --no-floor) floor=''; shift ;;
    --raise) raise=yes; shift ;;
    --report) report=$2; shift 2 ;;
    --test) pattern=(--test "$2"); shift 2 ;;
    -v) verbose=(-v); shift ;;
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

report=${report:-$work/report.json}
# It exits 1 where anything failed; the floor is what decides here.
python3 "$recordings/replay.py" --base "$base" --token "$token" --reset-cmd "$reset" --report "$report" \
  "${pattern[@]}" "${verbose[@]}" || true
[ -s "$report" ] || { echo "the replay broke off" >&2; exit 1; }

# A part of the recordings says nothing about a floor taken over all of them.
if [ -z "$floor" ] || [ ${#pattern[@]} -gt 0 ]; then
  exit 0
fi
python3 - "$report" "$floor" "$raise" <<'PY'
import json, os, sys
report, path, may_raise = sys.argv[1:]
found = {}
for name, counts in json.load(open(report))["by_resource"].items():
    # Rounded down, so that the figure written is never above the one measured.
    found[name] = int(1000 * counts.get("pass", 0) / sum(counts.values())) / 1000
floor = {}
if os.path.exists(path):
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            name, score = line.split()
            floor[name] = float(score)
fallen = [(name, score, found.get(name, 0.0)) for name, score in floor.items() if found.get(name, 0.0) < score - 0.0005]
for name, score, now in fallen:
    print(f"fallen: {name} scores {now:.3f}, its floor is {score:.3f}")
risen = {name: now for name, now in found.items() if now > floor.get(name, 0.0) + 0.0005}
if may_raise and not fallen:
    kept = {name: max(floor.get(name, 0.0), found.get(name, 0.0)) for name in {*floor, *found}}
    with open(path, "w") as out:
        out.write("# The share of recorded exchanges that are answered alike, by resource of the Management API.\n")
        out.write("# Raised by scripts/recordings.sh --raise; never lowered.\n")
        for name in sorted(kept):
            if kept[name] > 0:
                out.write(f"{name} {kept[name]:.3f}\n")
    print(f"floor: {len(risen)} resources rose")
elif risen:
    print(f"{len(risen)} resources score above their floor: scripts/recordings.sh --raise writes that down")
sys.exit(1 if fallen else 0)
PY
