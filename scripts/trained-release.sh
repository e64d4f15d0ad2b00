#!/usr/bin/env bash
# Builds target/trained/chancery by profile-guided optimisation: an instrumented build does for half a minute what servers are
# asked most, and the final build lays out and inlines the code by what was counted. With --bench the load generator and its floor are
# built by the same counts, as target/trained/chancery-bench, so that both sides of a ratio are alike. The server is the same either way.
#
# Needs llvm-profdata of rustc's own LLVM: rustup's component llvm-tools, added where it is missing, or LLVM_PROFDATA=FILE.
# It trains on SQLite and on PostgreSQL, of which it starts a server of its own where the programs are installed; TRAIN_POSTGRES=URL
# names an empty database instead.
set -euo pipefail
cd "$(dirname "$0")/.."

bench=
case "${1:-}" in
  '') ;;
  --bench) bench=1 ;;
  *) echo "usage: $0 [--bench]" >&2; exit 2 ;;
esac

host=$(rustc -vV | sed -n 's/^host: //p')
profdata=${LLVM_PROFDATA:-$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata}
if [ ! -x "$profdata" ] && command -v rustup >/dev/null 2>&1; then rustup component add llvm-tools >&2; fi
if [ ! -x "$profdata" ]; then
  echo "there is no $profdata: install rustup's component llvm-tools, or name the one of LLVM $(rustc -vV | sed -n 's/^LLVM version: //p') in LLVM_PROFDATA" >&2
  exit 1
fi

out=$PWD/target/trained
profiles=$out/profiles
rm -rf "$profiles"
mkdir -p "$profiles" "$out/untrained"
export CARGO_TARGET_DIR=$out/build CARGO_INCREMENTAL=0
built=$CARGO_TARGET_DIR/$host/release
# As `make release`: on Linux the C library goes into the binary.
static=
case "$host" in *-linux-*) static="-C target-feature=+crt-static" ;; esac

# With --target the flags reach what runs in the end, and neither build scripts nor macros.
server() {
  RUSTFLAGS="${RUSTFLAGS:-} $1" cargo rustc --release --locked --target "$host" -p chancery --bin chancery -- $static
  cp "$built/chancery" "$2/"
}
generator() {
  RUSTFLAGS="${RUSTFLAGS:-} $1" cargo build --release --locked --target "$host" -p chancery-bench
  cp "$built/chancery-bench" "$2/"
}

echo "1 of 3: an instrumented build" >&2
server "-Cprofile-generate=$profiles" "$out/untrained"
generator "-Cprofile-generate=$profiles" "$out/untrained"

echo "2 of 3: training" >&2
train() {
  "$out/untrained/chancery-bench" --binary "$out/untrained/chancery" --connections 16 --seconds 1.5 --rounds 1 --items 2000 "$@" >/dev/null
}
train
postgres=${TRAIN_POSTGRES:-}
if [ -z "$postgres" ]; then
  cargo build --locked -p chancery-pgtest --example throwaway
  # Its standard input ends with this script, and so does the server. Where there is none something stays to be read from: bash
  # forgets a coprocess that ended.
  coproc throwaway { "$CARGO_TARGET_DIR/debug/examples/throwaway" || { echo; cat; }; }
  read -r postgres <&"${throwaway[0]}"
fi
if [ -n "$postgres" ]; then
  train --database "$postgres"
else
  echo "trained on SQLite alone: on PostgreSQL a refresh will cost a quarter more than it could" >&2
fi
"$profdata" merge -o "$out/profile.profdata" "$profiles"

echo "3 of 3: the build by what was counted" >&2
server "-Cprofile-use=$out/profile.profdata" "$out"
if [ -n "$bench" ]; then generator "-Cprofile-use=$out/profile.profdata" "$out"; fi
ls -l "$out/chancery" >&2
