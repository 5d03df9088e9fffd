#!/usr/bin/env bash
# The tests of the web console: console.sh lint | unit | browser. `browser` needs the debug binary and Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

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
        binary=$target/debug/portcullis
        # Built by then in `make test`; alone it takes what cargo needs.
        cargo build --locked --quiet --package portcullis --bin portcullis
        cd dashboard
        PORTCULLIS_BIN=$binary SCREENSHOTS=$target/screenshots \
            node --test --test-concurrency=1 --test-force-exit --test-reporter=spec e2e/*.test.mjs
        ;;
    *)
        echo "console.sh lint | unit | browser" >&2
        exit 2
        ;;
esac
