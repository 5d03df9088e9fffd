#!/usr/bin/env bash
# Fetch the library of ONNX Runtime into a folder: onnxruntime.sh DIR. It comes out of the wheel on PyPI, whose digest
# is pinned here; the wheel for Python 3.11 whatever Python there is, since only the library in it is wanted.
# 1.28.0 and no later one: from 1.29 on its makers count what it is used for unless told not to.
set -euo pipefail

VERSION=1.28.0
folder=${1:?usage: onnxruntime.sh DIR}
library=$folder/libonnxruntime.so

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
        platform=manylinux_2_28_x86_64
        digest=a166b78ee04f3a37fa1ef82034b6a3ce96d9684e582d4d30b296de83e9998bb5
        ;;
    Linux-aarch64)
        platform=manylinux_2_28_aarch64
        digest=8d66f9ceb29909c70839e4e4fb3435c7b490050d8f162bd5f3aba4ca01ee517f
        ;;
    *)
        echo "onnxruntime.sh: no wheel is pinned for $(uname -s) on $(uname -m); install onnxruntime $VERSION by other means" >&2
        exit 1
        ;;
esac

# The digest stands beside the library, so that another version here is noticed.
[ -s "$library" ] && [ "$(cat "$library.from" 2>/dev/null)" = "$digest" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "onnxruntime==$VERSION --hash=sha256:$digest" >"$work/requirements.txt"
echo "fetching ONNX Runtime $VERSION"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform "$platform" \
    --require-hashes --requirement "$work/requirements.txt" --dest "$work"
python3 - "$work" "libonnxruntime.so.$VERSION" <<'PYTHON'
import pathlib, sys, zipfile

work, name = pathlib.Path(sys.argv[1]), sys.argv[2]
with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
    (work / "library").write_bytes(wheel.read(f"onnxruntime/capi/{name}"))
PYTHON
mkdir -p "$folder"
mv "$work/library" "$library"
echo "$digest" >"$library.from"
