#!/usr/bin/env bash
# Check of what lies in deploy/ without a container engine: deploy/check.sh [PORTCULLIS_BINARY]
# Each check says what it did; one whose tool is not on this machine is named as skipped.
set -euo pipefail
cd "$(dirname "$0")"
binary=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skipped() { echo "skipped: $1 (no $2 here)"; }

python3 - "$work/queries.yml" <<'PY'
import json, sys

board = json.load(open("grafana/portcullis.json"))
queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
queries += [note["expr"] for note in board["annotations"]["list"]]
assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]), "two panels share an id"
# As recording rules, in JSON, which is YAML too: promtool parses every query.
rules = [
    {"record": f"dashboard:query{number}", "expr": query.replace("$__rate_interval", "1m").replace("$instance", ".*")}
    for number, query in enumerate(queries)
]
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, open(sys.argv[1], "w"))
print(f"dashboard: valid JSON, {len(board['panels'])} panels, {len(queries)} queries")
PY

if command -v promtool >/dev/null; then
    promtool check config prometheus/prometheus.yml >"$work/out" || { cat "$work/out"; exit 1; }
    promtool check rules "$work/queries.yml" >"$work/out" || { cat "$work/out"; exit 1; }
    promtool test rules prometheus/alerts_test.yml >"$work/out" || { cat "$work/out"; exit 1; }
    echo "promtool: prometheus.yml, alerts.yml and the queries of the dashboard are valid, alerts fire as tested"
else
    skipped "prometheus.yml, alerts.yml, queries" promtool
fi

if command -v systemd-analyze >/dev/null; then
    # The binary is not installed where the unit says, which verify would complain of.
    sed 's#/usr/local/bin/portcullis#/bin/true#' systemd/portcullis.service >"$work/portcullis.service"
    systemd-analyze verify "$work/portcullis.service" && echo "systemd-analyze verify: the unit is valid"
else
    skipped "systemd unit" systemd-analyze
fi

if nginx=$(PATH="$PATH:/usr/sbin" command -v nginx); then
    sed "s#/tmp/#$work/#" demo-api/nginx.conf >"$work/nginx.conf"
    "$nginx" -t -q -c "$work/nginx.conf" && echo "nginx -t: the demo API is valid"
else
    skipped "demo API" nginx
fi

if docker compose version >/dev/null 2>&1; then
    docker compose -f compose.yaml config --quiet && echo "docker compose config: compose.yaml is valid"
else
    skipped "compose.yaml" "docker compose"
fi

if [ -n "$binary" ]; then
    "$binary" check --config portcullis.yaml && echo "portcullis check: the image's configuration is valid"
fi
