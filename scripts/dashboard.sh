#!/usr/bin/env bash
# Builds the dashboard into ui/dashboard/dist, from where the server's build takes it. Does nothing where it is built from
# these very sources already; says so, and fails with --require only, where npm is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null 2>&1; then
  echo "npm is not installed: the server is built without its dashboard. Node 20 or newer and 'make dashboard' add it." >&2
  [ "${1:-}" != --require ] || exit 1
  exit 0
fi

sources() {
  find ui/dashboard clients/typescript/src -type f \
    -not -path '*/node_modules/*' -not -path 'ui/dashboard/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum
}
stamp=ui/dashboard/node_modules/.built
if [ -f ui/dashboard/dist/index.html ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(sources)" ]; then
  exit 0
fi
cd ui/dashboard
echo "building the dashboard" >&2
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
npm run --silent build >&2
cd ../..
sources >"$stamp"
