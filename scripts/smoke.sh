#!/usr/bin/env bash
# Runs the collection in docs/requests against a demo server of its own: a smoke test of what is built.
#
#   scripts/smoke.sh [--install]
#
# Builds the binary (or takes the one in $SLOTKEEPER_BIN), starts `serve --demo` on a free port with an empty
# database, runs every file once and stops the server: about two seconds once built. Needs `hurl` (tried with 8.0.1) in
# the path or in target/tools/bin. With --install, a missing one is built there from crates.io: as root on
# Debian the packages it needs are installed first (a few minutes; the only part that needs a network).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

HURL_VERSION=8.0.1
tools=$PWD/target/tools
PATH=$tools/bin:$PATH

install_hurl() {
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -y -q update
        apt-get -y -q install --no-install-recommends gcc libc6-dev pkg-config libxml2-dev libssl-dev libclang1
    fi
    # bindgen reads libxml2's headers with libclang; its own headers are a package named by version, so gcc's must do.
    BINDGEN_EXTRA_CLANG_ARGS="-I$(cc -print-file-name=include)" CARGO_TARGET_DIR=$tools/build \
        cargo install hurl --version "$HURL_VERSION" --locked --root "$tools"
    rm -rf "$tools/build"
}

if ! command -v hurl >/dev/null; then
    if [ "${1-}" != --install ]; then
        echo "hurl is missing: run scripts/smoke.sh --install, or cargo install hurl --version $HURL_VERSION --locked" >&2
        exit 1
    fi
    install_hurl
fi

bin=${SLOTKEEPER_BIN-}
if [ -z "$bin" ]; then
    cargo build --locked --quiet
    bin=${CARGO_TARGET_DIR:-target}/debug/slotkeeper
fi
bin=$(realpath "$bin")
# The server's settings are those below, not those of whoever calls this.
while read -r name; do unset "$name"; done < <(compgen -e SLOTKEEPER_)
requests=$PWD/docs/requests

dir=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap finish EXIT

# A port may be taken between the choice and the start, hence a few attempts.
host=
for _ in 1 2 3 4 5; do
    port=$((15000 + RANDOM % 17000))
    (cd "$dir" && exec "$bin" serve --demo --listen "127.0.0.1:$port" --log warn >"$dir/stdout" 2>"$dir/stderr") &
    server=$!
    for _ in $(seq 150); do
        if curl -fsS -o /dev/null "http://127.0.0.1:$port/health/ready" 2>/dev/null; then
            host=http://127.0.0.1:$port
            break 2
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
done
if [ -z "$host" ]; then
    echo "the demo server does not start: $(tail -n 3 "$dir/stderr")" >&2
    exit 1
fi

from=$(date -u -d '+2 days' +%F)
status=0
# One after the other: two files must not book the same slot.
hurl --test --jobs 1 --variable "host=$host" --variable "from=$from" "$requests"/*.hurl || status=$?
if [ "$status" -ne 0 ]; then
    sed 's/^/server: /' "$dir/stderr" >&2
fi
exit "$status"
