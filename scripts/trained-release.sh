#!/usr/bin/env bash
# Builds target/trained/chancery by profile-guided optimisation: an instrumented build does for half a minute what servers are
# asked most, and the final build lays out and inlines the code by what was counted. With --bench the load generator and its floor are
# trained in the same run, as target/trained/chancery-bench, so that both sides of a ratio are built alike.
#
# Needs llvm-profdata of rustc's own LLVM: rustup's component llvm-tools, added where it is missing, or LLVM_PROFDATA=FILE.
# TRAIN_POSTGRES=URL, an empty database, adds a second run there: for servers that run on PostgreSQL.
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
build() {
  RUSTFLAGS="${RUSTFLAGS:-} $1" cargo rustc --release --locked --target "$host" -p chancery --bin chancery -- $static
  if [ -n "$bench" ]; then
    RUSTFLAGS="${RUSTFLAGS:-} $1" cargo build --release --locked --target "$host" -p chancery-bench
  fi
}

echo "1 of 3: an instrumented build" >&2
build "-Cprofile-generate=$profiles"
cp "$built/chancery" "$out/untrained/chancery"
if [ -n "$bench" ]; then
  cp "$built/chancery-bench" "$out/untrained/chancery-bench"
  generator=$out/untrained/chancery-bench
else
  CARGO_TARGET_DIR=$PWD/target cargo build --release --locked -p chancery-bench
  generator=$PWD/target/release/chancery-bench
fi

echo "2 of 3: training" >&2
train() {
  "$generator" --binary "$out/untrained/chancery" --connections 16 --seconds 1.5 --rounds 1 --items 2000 "$@" >/dev/null
}
train
if [ -n "${TRAIN_POSTGRES:-}" ]; then train --database "$TRAIN_POSTGRES"; fi
"$profdata" merge -o "$out/profile.profdata" "$profiles"

echo "3 of 3: the build by what was counted" >&2
build "-Cprofile-use=$out/profile.profdata"
cp "$built/chancery" "$out/chancery"
if [ -n "$bench" ]; then cp "$built/chancery-bench" "$out/chancery-bench"; fi
ls -l "$out/chancery" >&2
