#!/usr/bin/env bash
# Line coverage by the compiler's own instrumentation. It needs llvm-profdata and llvm-cov of the
# compiler's LLVM version: rustup's llvm-tools component, or a package of the same major version.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
out=$target/cover
major=$(rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
component=$(rustc --print target-libdir)/../bin

find_tool() {
    local candidate
    for candidate in "$component/$1" "$1-$major" "/usr/lib/llvm-$major/bin/$1"; do
        if command -v "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

scripts/packages.sh build test
if ! find_tool llvm-cov >/dev/null && command -v rustup >/dev/null; then
    echo "adding the llvm-tools component"
    timeout 120 rustup component add llvm-tools || true
fi
if ! profdata=$(find_tool llvm-profdata) || ! cov=$(find_tool llvm-cov); then
    echo "make cover needs llvm-profdata and llvm-cov of LLVM $major: rustup component add llvm-tools," >&2
    echo "or a Debian package llvm-$major. An older LLVM cannot read what this compiler writes." >&2
    exit 1
fi

rm -rf "$out/raw"
mkdir -p "$out/raw"
# A target folder of its own: instrumented objects must not mix with the others.
export RUSTFLAGS="-C instrument-coverage" CARGO_TARGET_DIR=$out/target
LLVM_PROFILE_FILE=$(realpath "$out")/raw/%p-%m.profraw
export LLVM_PROFILE_FILE
cargo test --workspace --locked --no-fail-fast

objects=()
while IFS= read -r path; do
    objects+=(--object "$path")
done < <(cargo test --workspace --locked --no-run --message-format=json 2>/dev/null |
    python3 -c 'import json, sys
for line in sys.stdin:
    print(json.loads(line).get("executable") or "", end="\n")' | sed '/^$/d')

find "$out/raw" -name '*.profraw' >"$out/profiles"
"$profdata" merge --sparse --input-files="$out/profiles" --output="$out/cover.profdata"
"$cov" report --instr-profile="$out/cover.profdata" --ignore-filename-regex='/(registry|rustc|tests|target)/' \
    "${objects[@]}"
echo "A process that was killed leaves no profile: what only those ran counts as not covered."
