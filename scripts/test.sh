#!/usr/bin/env bash
# Everything that `make test` runs, with the time each part took. All parts run, then the failures are named.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
failed=()

part() {
    local name=$1 limit=$2 from=$SECONDS
    shift 2
    echo
    echo "== $name"
    # A hang must end as a failure that is named, not as a silent machine.
    if ! timeout --kill-after=30 "$limit" "$@"; then
        failed+=("$name")
    fi
    echo "== $name: $((SECONDS - from)) s"
}

scripts/packages.sh build test models fuzz console
scripts/onnxruntime.sh "${CARGO_TARGET_DIR:-target}/lib"
part "console build" 10m scripts/dashboard.sh
part "console unit" 5m scripts/console.sh unit
part "fuzz targets" 15m scripts/fuzz.sh
part "cargo test" 35m cargo test --workspace --locked --no-fail-fast
part "console browser" 15m scripts/console.sh browser
part "trainer" 20m scripts/trainer.sh
part "deploy files" 5m deploy/check.sh "$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/portcullis"

echo
echo "make test took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "all parts passed"
