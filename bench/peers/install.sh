#!/usr/bin/env bash
# Installs the peers from the registries of their languages, into node_modules and target/peers: minutes for the first time, nothing
# after that. One that cannot be installed is named and left out.
set -uo pipefail
cd "$(dirname "$0")"
peers=../../target/peers
mkdir -p "$peers"

main() {
  # The load generator needs nothing of npm.
  install oidc-provider npm ci --ignore-scripts --no-audit --no-fund
  install hydra build_hydra
  install keycloak build_keycloak
  install spring mvn --quiet --batch-mode --file spring/pom.xml package
  install zitadel build_zitadel
}

install() {
  local name=$1
  shift
  if "$@" >"$peers/$name.log" 2>&1; then
    echo "$name is installed" >&2
  else
    echo "$name is left out: $(grep -v '^$' "$peers/$name.log" | tail -1)" >&2
  fi
}

# One compiler at a time: the largest package takes a gigabyte. Needs a C compiler, for SQLite.
build_hydra() {
  (cd hydra && GOFLAGS="-p=1 -mod=readonly" CGO_ENABLED=1 go build -tags sqlite -o "../$peers/hydra" .)
}

build_zitadel() {
  (cd zitadel && GOFLAGS="-p=1 -mod=readonly" CGO_ENABLED=0 go build -o "../$peers/zitadel-oidc" .)
}

# Java 17 or newer.
build_keycloak() {
  mvn --quiet --batch-mode --file keycloak/pom.xml package || return
  local home
  home=$peers/keycloak/keycloak-$(sed -n '/keycloak-quarkus-dist/{n;s/.*>\(.*\)<.*/\1/p}' keycloak/pom.xml)
  [ -f "$home/.built" ] || { "$home/bin/kc.sh" build --db=dev-file --cache=local --health-enabled=false && touch "$home/.built"; }
}

main
