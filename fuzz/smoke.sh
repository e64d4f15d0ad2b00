#!/usr/bin/env bash
# Runs every fuzz target for some seconds each and fails on a crash, a hang or a leak of memory.
#   fuzz/smoke.sh [SECONDS] [TARGET...]      default: 20 seconds, all targets
# Installs cargo-fuzz where it is missing. Inputs that fail are left in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"

seconds="${1:-20}"
case "$seconds" in
  '' | *[!0-9]*) echo "usage: smoke.sh [SECONDS] [TARGET...]" >&2; exit 2 ;;
esac
[ $# -eq 0 ] || shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done

if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install cargo-fuzz --version '^0.13' --locked --quiet
fi

# No sanitizer: our code has no unsafe block, and this way the stable toolchain is enough.
cargo fuzz build --sanitizer none

failed=()
for target in "${targets[@]}"; do
  echo "fuzzing $target for $seconds s" >&2
  mkdir -p "corpus/$target" "artifacts/$target"
  log="$(mktemp)"
  if cargo fuzz run --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -dict=oauth.dict -max_len=8192 -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 >"$log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */  runs: /p; s/^stat::peak_rss_mb: */  MB: /p' "$log" >&2
  else
    failed+=("$target")
    tail -n 60 "$log" >&2
  fi
  rm -f "$log"
done

if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}; the inputs are in fuzz/artifacts" >&2
  exit 1
fi
