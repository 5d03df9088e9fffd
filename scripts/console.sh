#!/usr/bin/env bash
# The tests of the web console: console.sh lint | unit | browser | million. The last two need Chromium: `browser` is every
# page before the debug binary, `million` the figures of the logs over a million records, before the release binary.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# browse PROFILE [NAME]: the files of tests, or the one of that name, one after the other.
browse() {
    local profile=$1 name=${2:-*}
    cd dashboard
    PORTCULLIS_BIN=$target/$profile/portcullis ONNXRUNTIME=$target/lib/libonnxruntime.so SCREENSHOTS=$target/screenshots \
        node --test --test-concurrency=1 --test-force-exit --test-reporter=spec e2e/$name.test.mjs
}

if ! scripts/dashboard.sh deps; then
    echo "console $1: needs Node.js 20 or later with npm" >&2
    exit 1
fi
case "${1:-}" in
    lint)
        cd dashboard
        npm run --silent lint
        npm run --silent typecheck
        ;;
    unit) cd dashboard && npm test --silent ;;
    browser)
        # Built by then in `make test`; alone it takes what cargo needs.
        cargo build --locked --quiet --package portcullis --bin portcullis
        scripts/onnxruntime.sh "$target/lib"
        browse debug
        ;;
    million)
        cargo build --locked --release --package portcullis --bin portcullis
        ROWS=1000000 browse release crowd
        ;;
    *)
        echo "console.sh lint | unit | browser | million" >&2
        exit 2
        ;;
esac
