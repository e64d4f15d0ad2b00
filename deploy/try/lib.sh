# What the scripts of this folder share.

# Ends with a word of what is missing: an exercise that cannot be done is skipped, and says so.
need() {
  local tool missing=()
  for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
  if [ ${#missing[@]} -gt 0 ]; then
    echo "skipped: ${missing[*]} not installed" >&2
    exit 77
  fi
}

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "never so: $*" >&2; return 1; }
    sleep 0.2
  done
}

# What was seen to work, one line each.
seen() {
  echo "  ok: $*"
}

# What a machine asks for a token with: token_form WHAT_INIT_PRINTED
token_form() {
  python3 - "$1" <<'PYTHON'
import json, sys, urllib.parse
made = json.load(open(sys.argv[1]))
fields = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"], "audience": made["issuers"][0] + "api/v2/"}
print(urllib.parse.urlencode(fields))
PYTHON
}

# Podman; with runc, where control groups are of both versions at once, which crun refuses.
engine() {
  if [ -d /sys/fs/cgroup/unified ] && command -v runc >/dev/null; then
    podman --runtime runc "$@"
  else
    podman "$@"
  fi
}
