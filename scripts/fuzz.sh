#!/usr/bin/env bash
# Build the fuzz targets and run each for FUZZ_SECONDS: fuzz.sh [TARGET …]. Coverage comes from the compiler's
# own passes, which stable has too; with a nightly compiler the address sanitizer watches as well.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-12}
root=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
host=$(rustc --version --verbose | sed -n 's/^host: //p')
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(view parsers decode rules inspect)

flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
cargo=(cargo)
if rustup run nightly rustc --version >/dev/null 2>&1; then
    cargo=(rustup run nightly cargo)
    flags+=" -Zsanitizer=address"
    echo "fuzzing with $(rustup run nightly rustc --version) and the address sanitizer"
else
    echo "fuzzing with $(rustc --version), without a sanitizer (no nightly compiler here)"
fi

from=$SECONDS
# What is fuzzed has the versions of what is shipped: cargo takes them over and adds libFuzzer.
cp Cargo.lock tests/fuzz/Cargo.lock
# With --target the flags reach the code under test and not the build scripts.
RUSTFLAGS=$flags CARGO_TARGET_DIR=$root/target "${cargo[@]}" build --release --quiet \
    --manifest-path tests/fuzz/Cargo.toml --target "$host"
echo "fuzz targets built in $((SECONDS - from)) s"

failed=0
# A fixed seed in CI, so that a red run can be had again; by hand each run begins elsewhere.
seed=${FUZZ_SEED:-${CI:+1}}
for target in "${targets[@]}"; do
    mkdir -p "$root/corpus/$target" "$root/artifacts/$target"
    log=$root/$target.log
    # What was found before is kept in the target folder, the seeds lie in the repository. A value that takes over
    # ten seconds under instrumentation is a hang.
    if "$root/target/$host/release/$target" -seed="${seed:-0}" -max_total_time="$seconds" -max_len=8192 \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$root/artifacts/$target/" \
        "$root/corpus/$target" "tests/fuzz/seeds/$target" >"$log" 2>&1; then
        echo "fuzz $target: ok, $(sed -n 's/^Done \(.*\)$/\1/p' "$log"), $(grep -o 'cov: [0-9]*' "$log" | tail -n 1)"
    else
        echo "fuzz $target: FAILED" >&2
        tail -n 40 "$log" >&2
        echo "the input lies in $root/artifacts/$target; run it alone: $root/target/$host/release/$target FILE" >&2
        failed=1
    fi
done
exit "$failed"
