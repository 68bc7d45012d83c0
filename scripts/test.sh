#!/usr/bin/env bash
# Installs what the tests need, then checks format and lints and runs every test.
#
#   scripts/test.sh
#
# On Debian or Ubuntu as root, missing packages are installed; otherwise they are listed and nothing is
# changed. All steps run even if an earlier one fails, so that one run shows everything there is to mend.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()
skipped=()
log=target/test.log
# What the tests see of FHIR is kept here for the validators of scripts/clients.sh.
answers=$PWD/target/answers

say() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND…: announces the step, runs it, says how long it took, remembers a failure.
step() {
    local name=$1 begin=$SECONDS status=0
    shift
    say "$name: $*"
    "$@" || status=$?
    if [ "$status" -eq 0 ]; then
        echo "== $name: ok, $((SECONDS - begin)) s"
    else
        echo "== $name: FAILED (status $status), $((SECONDS - begin)) s"
        failed+=("$name")
    fi
    return 0
}

skip() {
    say "$1: skipped, $2"
    skipped+=("$1")
}

have_postgresql() {
    local initdb
    for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
        if [ -x "$initdb" ] && [ -x "${initdb%/*}/postgres" ]; then
            # PostgreSQL refuses to run as root: the tests then run it as its own user.
            [ "$(id -u)" -ne 0 ] || id postgres >/dev/null 2>&1 && return 0
        fi
    done
    return 1
}

missing_packages() {
    command -v cc >/dev/null || echo gcc libc6-dev
    command -v curl >/dev/null || echo curl ca-certificates
    [ "$(id -u)" -ne 0 ] || command -v runuser >/dev/null || echo util-linux
    have_postgresql || echo postgresql
    command -v python3 >/dev/null || echo python3
    command -v openssl >/dev/null || echo openssl
    # A library, which nobody finds in the path.
    [ -n "$(find /usr/lib -path '*/faketime/libfaketimeMT.so.1' -print -quit)" ] || echo libfaketime
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -y -q -o Dpkg::Options::=--force-confold)
    # Called as a step, where `set -e` is off: each command says itself that a failure ends it.
    "${apt[@]}" update || return
    if [[ " $* " == *" postgresql "* ]]; then
        # The tests start servers of their own; the package need not run one as well.
        "${apt[@]}" install --no-install-recommends postgresql-common || return
        local conf=/etc/postgresql-common/createcluster.conf
        sed -i -E 's/^#? *create_main_cluster *=.*/create_main_cluster = false/' "$conf" || return
        grep -q '^create_main_cluster = false' "$conf" || echo 'create_main_cluster = false' >>"$conf" || return
    fi
    "${apt[@]}" install --no-install-recommends "$@"
}

# rust-toolchain.toml names a version. Where rustup has that version under another name alone (`stable`), it is taken from
# there, so that nothing is fetched that is here already.
take_toolchain_at_hand() {
    command -v rustup >/dev/null || return 0
    ! RUSTUP_AUTO_INSTALL=0 cargo --version >/dev/null 2>&1 || return 0
    local wanted default
    wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    default=$(rustup default 2>/dev/null | cut -d ' ' -f 1)
    if [ -n "$default" ] && RUSTUP_TOOLCHAIN=$default rustc --version 2>/dev/null | grep -qF "rustc $wanted "; then
        export RUSTUP_TOOLCHAIN=$default
    fi
}

prepare() {
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    take_toolchain_at_hand
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: install a Rust toolchain, version $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer, with rustup" >&2
        exit 1
    fi
    local missing
    read -r -a missing <<<"$(missing_packages | tr '\n' ' ')"
    if [ "${#missing[@]}" -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${missing[*]}. As root on Debian: apt-get update && apt-get install ${missing[*]}" >&2
        exit 1
    fi
    step packages install_packages "${missing[@]}"
    if [ -n "$(missing_packages)" ]; then
        echo "still missing after the installation: $(missing_packages | tr '\n' ' ')" >&2
        exit 1
    fi
}

run_tests() {
    # Many tests wait for a database or a clock, so there may be more of them at once than cores.
    rm -rf "$answers"
    SLOTKEEPER_TEST_ANSWERS=$answers RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))} \
        cargo test --locked --workspace --no-fail-fast 2>&1 | tee "$log"
}

run_clients() {
    SLOTKEEPER_TEST_ANSWERS=$answers scripts/clients.sh target/debug/slotkeeper 2>&1 | tee target/clients.log
}

run_assurance() {
    scripts/assurance.sh target/debug/slotkeeper 2>&1 | tee target/assurance.log
}

# Adds up cargo's closing lines; prints "<passed> <failed> <ignored>".
count_tests() {
    awk '/^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") p += $(i-1); if ($i == "failed;") f += $(i-1); if ($i == "ignored;") g += $(i-1) } }
         END { print p + 0, f + 0, g + 0 }' "$log"
}

prepare
mkdir -p target
: >"$log"

if cargo fmt --version >/dev/null 2>&1; then
    step format cargo fmt --all --check
else
    skip format "rustfmt is not installed (rustup component add rustfmt)"
fi
if cargo clippy --version >/dev/null 2>&1; then
    step lints cargo clippy --workspace --all-targets --locked -- -D warnings
else
    skip lints "clippy is not installed (rustup component add clippy)"
fi
step dependencies scripts/deny.sh --install
step build cargo test --locked --workspace --no-run
if [[ " ${failed[*]-} " == *" build "* ]]; then
    skip tests "they do not build"
else
    step tests run_tests
    # Clients and validators nobody here wrote, the flow of the assurance, the request collection and the demo, against
    # the binary just built; and the latter three again in nights in which a diary is another one than usual.
    step clients run_clients
    step assurance run_assurance
    step requests env SLOTKEEPER_BIN=target/debug/slotkeeper scripts/smoke.sh --install
    step demo python3 -B tests/demo/pasted.py target/debug/slotkeeper
    step clocks scripts/set-clock.sh --short
fi

read -r passed broken ignored <<<"$(count_tests)"
if [ "$passed" -eq 0 ] && [ "${#failed[@]}" -eq 0 ]; then
    failed+=("no test ran")
fi
say "summary after $SECONDS s"
[ "${#skipped[@]}" -eq 0 ] || echo "skipped: ${skipped[*]}"
if [ "${#failed[@]}" -ne 0 ]; then
    echo "FAILED: ${failed[*]}"
    grep -E '^test .* FAILED$|^error: test failed|^    `-p ' "$log" || true
fi
echo "$passed passed, $broken failed, $ignored skipped"
[ "${#failed[@]}" -eq 0 ]
