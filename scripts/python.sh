#!/usr/bin/env bash
# Make the Python environment of the trainer in target/venv and print its interpreter: python.sh [EXTRA …], by default
# with everything. Nothing is installed outside of the target folder.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/venv
extras=$(IFS=,; echo "${*:-deep report tune test}" | tr ' ' ',')
stamp=$venv/portcullis-train.stamp
wanted="$extras $(sha256sum models/train/pyproject.toml | cut -d' ' -f1)"

python=
for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "the trainer needs Python 3.11 or later" >&2
    exit 1
fi

if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    echo "installing the trainer's packages into $venv (about half a gigabyte)" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --editable "models/train[$extras]" >&2
    echo "$wanted" >"$stamp"
fi
echo "$venv/bin/python"
