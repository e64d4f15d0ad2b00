#!/usr/bin/env bash
# Installs what the tests need and is missing; with --cluster, what `make test-cluster` needs. Does nothing where everything is there; says
# so where it cannot install.
set -euo pipefail

missing=()
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  missing+=(postgresql)
fi
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing+=(chromium)
command -v npm >/dev/null 2>&1 || missing+=(nodejs npm)
command -v python3 >/dev/null 2>&1 || missing+=(python3 python3-venv)
if [ "${1:-}" = --cluster ]; then
  missing=()
  need() {
    command -v "$1" >/dev/null 2>&1 || missing+=("$2")
  }
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
  need patroni patroni
  need etcd etcd-server
  need ip iproute2
  need iptables iptables
  python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
fi

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "please install: ${missing[*]} (tests that need them are skipped otherwise)" >&2
  exit 0
fi
echo "installing: ${missing[*]}" >&2
apt-get update -qq
# The packaged cluster is of no use here: tests start servers of their own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
