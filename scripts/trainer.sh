#!/usr/bin/env bash
# Test the trainer, then train a small set of models from made-up traffic alone with the gateway's own features, and check
# that every artifact computes what was trained. Takes some minutes; the environment is made on the first run.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
python=$(scripts/python.sh)
"$python" -m pytest --quiet models/train/tests
export PORTCULLIS_BIN=${PORTCULLIS_BIN:-$target/debug/portcullis}
rm -rf "$target/trainer"
"$python" -m portcullis_train all --work "$target/trainer" --models "$target/trainer/out"
