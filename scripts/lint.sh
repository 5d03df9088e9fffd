#!/usr/bin/env bash
# Formatting, clippy, dependency rules, documentation; each step is named, the first that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
started=$SECONDS

step() {
    echo
    echo "== $1"
    shift
    "$@"
}

# Built once, without the optimisation that a tool of one second does not need.
cargo_deny() {
    local version=0.20.2
    local tool=$target/tools/bin/cargo-deny
    if [ "$("$tool" --version 2>/dev/null)" != "cargo-deny $version" ]; then
        echo "building cargo-deny $version into $target/tools (about 90 seconds on two cores)"
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
            CARGO_TARGET_DIR=$target/tools/build \
            cargo install --quiet --locked --force --root "$target/tools" --version "$version" cargo-deny
        rm -rf "$target/tools/build"
    fi
    "$tool" --locked check --hide-inclusion-graph bans licenses sources
    if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*" >/dev/null; then
        "$tool" --locked check --hide-inclusion-graph --disable-fetch advisories
    else
        echo "advisories: not checked, their database is not on this machine (cargo deny fetch brings it)"
    fi
}

scripts/packages.sh build
step "cargo fmt" cargo fmt --all --check
step "cargo clippy" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "console" scripts/console.sh lint
step "cargo deny" cargo_deny
step "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
for script in .ci/run scripts/*.sh; do
    bash -n "$script"
done
echo
echo "lint: all passed in $((SECONDS - started)) s"
