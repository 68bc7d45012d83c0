#!/usr/bin/env bash
# Holds what is depended on to deny.toml: licences, bans and sources. Reads no database of advisories.
#
#   scripts/deny.sh [--install]
#
# Needs cargo-deny (tried with 0.20.2) in the path or in target/tools/bin. With --install, a missing one is built there from
# crates.io (a minute or two). A network is needed for that, and for packages that Cargo.lock names and no build has fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DENY_VERSION=0.20.2
tools=$PWD/target/tools
PATH=$tools/bin:$PATH

if ! command -v cargo-deny >/dev/null; then
    if [ "${1-}" != --install ]; then
        echo "cargo-deny is missing: run scripts/deny.sh --install, or cargo install cargo-deny --version $DENY_VERSION --locked" >&2
        exit 1
    fi
    # Without optimisation it is built in half the time, and it runs for seconds.
    CARGO_TARGET_DIR=$tools/build cargo install cargo-deny --version "$DENY_VERSION" --locked --debug --root "$tools"
    rm -rf "$tools/build"
fi

# The packages of other platforms are judged too, and a build for this one does not fetch them.
cargo fetch --locked
cargo deny --offline --locked --workspace check licenses bans sources
