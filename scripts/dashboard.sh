#!/usr/bin/env bash
# Build the web console into dashboard/dist/site, from where the binary takes it. Quick where nothing changed.
#   dashboard.sh          build; without Node the gateway is built without its console, and this says so
#   dashboard.sh deps     only what npm installs; an error where that is impossible
set -euo pipefail
cd "$(dirname "$0")/../dashboard"

need=20
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt "$need" ] || ! command -v npm >/dev/null; then
    if [ -f dist/site/index.html ]; then
        echo "console: no Node.js $need or later here; the console that was built before is used" >&2
    else
        echo "console: no Node.js $need or later with npm here; the gateway is built without its console" >&2
    fi
    [ "${1:-}" != deps ] || exit 1
    exit 0
fi

# What the lock file says is installed once, and again when it changes.
lock=$(sha256sum package-lock.json package.json | sha256sum | cut -d' ' -f1)
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$lock" ]; then
    echo "console: npm ci"
    npm ci --no-audit --no-fund --loglevel=error
    echo "$lock" >node_modules/.installed
fi
[ "${1:-}" != deps ] || exit 0

# Everything that the result depends on, by content: a check-out gives all files a new time.
sources() {
    find src public scripts index.html package.json package-lock.json vite.config.ts tsconfig.json \
        ../tests/golden/openapi.json -type f ! -name '*.test.ts*' ! -name schema.gen.ts | LC_ALL=C sort
}
stamp=$(sources | xargs -d '\n' sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat dist/site/.built 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi
echo "console: building"
npm run --silent build
echo "$stamp" >dist/site/.built
