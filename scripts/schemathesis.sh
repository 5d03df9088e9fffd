#!/usr/bin/env bash
# Schemathesis against a running gateway: what the OpenAPI document promises is tried out, with data that fits it and
# data that does not. It and its dependencies live in the target folder. BINARY names the executable to try;
# EXAMPLES is how many cases are made up for each operation, SEED from which seed. The live feed as events never ends and is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
binary=${BINARY:-$target/debug/portcullis}
examples=${EXAMPLES:-40}
seed=${SEED:-1}
version=4.32.5

tool=$target/tools/schemathesis
if [ "$("$tool/bin/schemathesis" --version 2>/dev/null)" != "schemathesis, version $version" ]; then
    echo "installing Schemathesis $version into $tool"
    python3 -m venv "$tool"
    "$tool/bin/pip" install --quiet "schemathesis==$version"
fi
[ -x "$binary" ] || cargo build --locked --package portcullis --bin portcullis

folder=$(mktemp -d)
gateway=
finish() {
    [ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true
    [ -z "$gateway" ] || wait "$gateway" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

cat >"$folder/gateway.yaml" <<'YAML'
listeners: [{ address: "127.0.0.1:0" }]
admin: { address: "127.0.0.1:0" }
upstreams: { api: { servers: ["http://127.0.0.1:9"] } }
routes: [{ path: /, upstream: api }]
behaviour: { enabled: true }
records: { output: none }
YAML

password=schemathesis-tries-this
# There before anybody looks into it, however late the gateway starts.
: >"$folder/log"
PORTCULLIS_ADMIN_PASSWORD=$password "$binary" run --config "$folder/gateway.yaml" --state-dir "$folder/state" \
    >"$folder/log" 2>&1 &
gateway=$!
for _ in $(seq 300); do
    admin=$(sed -n 's/^.*admin on \(http:[^ ]*\).*$/\1/p' "$folder/log")
    proxy=$(sed -n 's/^.*listening on \(http:[^ ]*\).*$/\1/p' "$folder/log" | head -1)
    [ -n "$admin" ] && break
    kill -0 "$gateway" || { cat "$folder/log"; exit 1; }
    sleep 0.1
done

# Something to find: harmless requests and an attack.
for path in /a /b '/c?id=1%27%20UNION%20SELECT%20password%20FROM%20users--'; do
    curl --silent --output /dev/null "$proxy$path" || true
done
curl --silent --fail --output /dev/null --cookie-jar "$folder/cookies" --header "Origin: $admin" \
    --json "{\"name\":\"admin\",\"password\":\"$password\"}" "$admin/api/v1/login"
token=$(curl --silent --fail --cookie "$folder/cookies" --header "Origin: $admin" \
    --json '{"name":"schemathesis","role":"admin"}' "$admin/api/v1/tokens" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')

rc=0
(cd "$folder" && "$tool/bin/schemathesis" --config-file "$here/scripts/schemathesis.toml" run "$admin/api/v1/openapi.json" \
    --header "Authorization: Bearer $token" --exclude-path /api/v1/live/events --exclude-path /api/v1/password \
    --max-examples "$examples" --seed "$seed" --request-timeout 20 --workers 1 --continue-on-failure) || rc=$?
if grep -E "panicked|ERROR" "$folder/log"; then
    echo "the gateway's log has errors"
    rc=1
fi
exit "$rc"
