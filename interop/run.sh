#!/bin/sh
# Unmodified clients and a real browser against the built server; see run.mjs. Installs what is missing.
set -eu
cd "$(dirname "$0")"

missing=""
command -v node >/dev/null || missing="$missing nodejs npm"
command -v jq >/dev/null || missing="$missing jq"
command -v curl >/dev/null || missing="$missing curl"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3 python3-venv"
if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "interop: please install$missing" >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

exec node run.mjs "$@"
