#!/usr/bin/env bash
# Plays the whole assurance flow of the booking API, as the official test set does, and prints a table of its cases.
#
#   scripts/assurance.sh [BINARY] [--unsigned-only]      (default: target/debug/slotkeeper)
#   scripts/assurance.sh --server URL [OPTION...]        against a server that runs already
#
# Four runs, each on a demo server of its own with an empty database: in JSON and in XML with unsigned tokens over
# HTTP, as behind the Spine proxy, and in both with signed tokens over HTTPS with client certificates. Half a minute.
# --unsigned-only leaves the latter two out. Nothing is left behind.
#
# With --server both formats are played, or the one named by --format. What the flow needs there: a service with a
# hundred free slots in the next four days for each format, and some that are kept back; one without any; and two
# organisations that do not see each other's bookings. Most of what it books stays booked. `python3
# tests/assurance/assurance.py play --help` lists the options: --service, --empty-service, --organisation,
# --other-organisation, --public-url, --audience; --key, --kid and --issuer for signed tokens, or --token-command;
# --ca, --cert and --cert-key for HTTPS.
#
# What has to be on the machine is Python 3.10 or newer and openssl.
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
flow=$here/tests/assurance/assurance.py
kid=assurance-1
issuer=https://consumer.example-iuc.thirdparty.nhs.uk/
server=
place=
results=()

stop_server() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}

finish() {
    stop_server
    [ -z "$place" ] || rm -rf "$place"
}

missing_packages() {
    command -v python3 >/dev/null || echo python3
    command -v openssl >/dev/null || echo openssl
}

# quietly COMMAND…: says nothing unless it fails.
quietly() {
    "$@" >"$place/said" 2>&1 && return 0
    echo "failed: $*" >&2
    cat "$place/said" >&2
    exit 1
}

prepare() {
    local missing
    read -r -a missing <<<"$(missing_packages | tr '\n' ' ')"
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "missing: ${missing[*]}. As root on Debian: apt-get update && apt-get install ${missing[*]}" >&2
        exit 1
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "$(python3 --version) is too old: Python 3.10 or newer is needed" >&2
        exit 1
    fi
    # The server's settings are those below, not those of whoever calls this.
    while read -r name; do unset "$name"; done < <(compgen -e SLOTKEEPER_)
    place=$(mktemp -d)
    trap finish EXIT
    trap 'exit 130' INT TERM
    quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$place/other-key.pem"
}

# authority NAME: a certificate authority of its own.
authority() {
    quietly openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Assurance $1 authority" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$place/$1-ca.key" -out "$place/$1-ca.pem"
}

# certificate NAME AUTHORITY SUBJECT USE [ALTERNATIVE]
certificate() {
    quietly openssl req -newkey rsa:2048 -nodes -subj "/CN=$3" -keyout "$place/$1.key" -out "$place/$1.csr"
    {
        echo "basicConstraints=CA:FALSE"
        echo "keyUsage=critical,digitalSignature,keyEncipherment"
        echo "extendedKeyUsage=$4"
        echo "subjectAltName=${5-DNS:$3}"
    } >"$place/$1.ext"
    quietly openssl x509 -req -days 2 -in "$place/$1.csr" -CA "$place/$2-ca.pem" -CAkey "$place/$2-ca.key" \
        -CAcreateserial -extfile "$place/$1.ext" -out "$place/$1.pem"
}

keys_and_certificates() {
    quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$place/key.pem"
    python3 -B "$flow" jwks "$place/key.pem" "$kid" >"$place/jwks.json"
    authority server
    authority client
    authority other
    certificate server server 127.0.0.1 serverAuth IP:127.0.0.1
    certificate client client spine-proxy.example clientAuth
    certificate stranger client somebody-else.example clientAuth
    certificate forged other spine-proxy.example clientAuth
}

# start_server URL FLAG...: on an empty database; waits until it listens.
start_server() {
    local url=$1
    shift
    mkdir "$place/run"
    (cd "$place/run" && exec "$binary" serve --demo --log warn "$@") >"$place/out" 2>"$place/err" &
    server=$!
    python3 -B - "${url##*:}" "$server" <<'PYTHON'
import os, socket, sys, threading, time
# Pitfall: time.sleep of Python 3.11 fails under libfaketime (scripts/set-clock.sh).
pause = threading.Event().wait
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        os.kill(int(sys.argv[2]), 0)
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2).close()
        sys.exit(0)
    except ProcessLookupError:
        sys.exit(1)
    except OSError:
        pause(0.05)
sys.exit(1)
PYTHON
}

free_port() { python3 -B -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# run NAME FORMAT URL PUBLIC_URL, then the server's flags, `--`, the flow's.
run() {
    local name=$1 format=$2 url=$3 public=$4 file=$place/${1// /-}.json flags=()
    shift 4
    while [ "$1" != -- ]; do
        flags+=("$1")
        shift
    done
    shift
    results+=("$name=$file")
    if start_server "$url" --listen "${url##*/}" --public-url "$public" "${flags[@]}"; then
        python3 -B "$flow" play --url "$url" --public-url "$public" --format "$format" --results "$file" --issuer "$issuer" \
            --other-key "$place/other-key.pem" --guarded --binary "$binary" --database "sqlite://$place/run/slotkeeper.db" "$@" || true
    fi
    if [ ! -f "$file" ]; then
        python3 -B -c 'import json, sys; print(json.dumps([["Server_Starts", "failed", sys.argv[1], 0]]))' \
            "the server does not start: $(tail -n 3 "$place/err")" >"$file"
    fi
    stop_server
    rm -rf "$place/run"
}

# The server believes one address, that of a proxy in front of it; the flow is played from there.
unsigned_run() {
    local url
    url=http://127.0.0.1:$(free_port)
    run "$1 unsigned" "$1" "$url" https://weirside.example --auth unsigned --trusted-proxy 127.0.0.2/32 \
        -- --source 127.0.0.2 --outside 127.0.0.1
}

signed_run() {
    local url
    url=https://127.0.0.1:$(free_port)
    run "$1 signed" "$1" "$url" "$url" --auth jwks --jwks "$place/jwks.json" --issuer "$issuer" \
        --tls-cert "$place/server.pem" --tls-key "$place/server.key" \
        --client-ca "$place/client-ca.pem" --client-subject spine-proxy.example \
        -- --key "$place/key.pem" --kid "$kid" --public-key "$(openssl rsa -in "$place/key.pem" -pubout 2>/dev/null)" \
        --ca "$place/server-ca.pem" --cert "$place/client.pem" --cert-key "$place/client.key" \
        --wrong-client "another system's certificate=$place/stranger.pem,$place/stranger.key" \
        --wrong-client "another authority's certificate=$place/forged.pem,$place/forged.key"
}

own_server() {
    local unsigned_only= format
    binary=$here/target/debug/slotkeeper
    for word in "$@"; do
        case $word in
            --unsigned-only) unsigned_only=1 ;;
            -*)
                echo "there is no option $word without --server" >&2
                exit 2
                ;;
            *) binary=$(realpath -m -- "$word") ;;
        esac
    done
    if [ ! -x "$binary" ]; then
        echo "there is no program at $binary: cargo build, or name another" >&2
        exit 1
    fi
    prepare
    for format in json xml; do unsigned_run "$format"; done
    if [ -n "$unsigned_only" ]; then
        echo "left out by --unsigned-only: the runs with signed tokens over HTTPS"
    else
        keys_and_certificates
        for format in json xml; do signed_run "$format"; done
    fi
}

running_server() {
    local formats=(json xml) options=() format status
    while [ $# -gt 0 ]; do
        case $1 in
            --server | --format)
                if [ $# -lt 2 ]; then
                    echo "$1 needs a value" >&2
                    exit 2
                fi
                ;;&
            --server) options+=(--url "${2%/}") && shift 2 ;;
            --format) formats=("$2") && shift 2 ;;
            *) options+=("$1") && shift ;;
        esac
    done
    prepare
    for format in "${formats[@]}"; do
        python3 -B "$flow" play --other-key "$place/other-key.pem" --format "$format" --results "$place/$format.json" "${options[@]}" || status=$?
        # Without results nothing was played, and why has been said.
        [ -f "$place/$format.json" ] || exit "$status"
        results+=("$format=$place/$format.json")
    done
}

case " $* " in
    *" --help "* | *" -h "*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" && exit 0 ;;
    *" --server "*) running_server "$@" ;;
    *) own_server "$@" ;;
esac
python3 -B "$flow" report "${results[@]}"
