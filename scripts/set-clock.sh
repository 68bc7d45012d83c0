#!/usr/bin/env bash
# Runs the demo's commands, the request collection, the assurance flow and, once scripts/clients.sh has installed them,
# the clients that others wrote as if it were another time: on the days and in the nights on which a diary is another
# one than usual. SQLite; every part on servers of its own.
#
#   scripts/set-clock.sh [--short] [INSTANT...]
#
# An INSTANT is what `date` understands, in UTC: "2027-03-28 00:59:30". Without any, the list below is gone through, which
# takes about twenty minutes; with --short only the ones marked there, without clients, and of the assurance only
# the runs without signatures: under a minute. SLOTKEEPER_BIN names the binary (target/debug/slotkeeper).
#
# Needs libfaketime (Debian: apt-get install libfaketime) and what scripts/assurance.sh and scripts/smoke.sh need.
#
# Pitfall: the clock is moved by a fixed distance and goes on from there, the same for the server and for all who call
# it; a clock that began anew with each process would date tokens before the server's start. Monotonic clocks are left
# alone, or timeouts would fire at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Marked with *: the short form. London is UTC in winter and an hour ahead in summer.
list=(
    '2026-12-01 10:05:00   a Tuesday in the middle of the morning'
    '2026-12-05 17:45:00   a Saturday after the last visit to room 1'
    '2026-12-06 12:40:00   a Sunday'
    '2026-12-25 09:00:00   Christmas Day'
    '2026-12-31 12:00:00   New Year'\''s Eve'
    '2026-12-31 23:59:50   seconds before the year ends'
    '2027-03-25 00:30:00   a week with a day of 23 hours ahead'
    '2027-03-27 23:55:00   five to midnight before the clocks go forward'
    '2027-03-28 00:59:50   seconds before the clocks go forward'
    '2027-03-28 02:30:00   after the clocks have gone forward'
    '2027-03-29 08:20:00   Easter Monday'
    '2027-06-30 22:55:00   five to midnight in London, in summer'
    '2027-06-30 23:20:00   past midnight in London, not yet in UTC'
    '2026-10-24 22:55:00   five to midnight before the clocks go back'
    '2026-10-25 00:20:00   the hour that comes twice, the first time'
    '2026-10-25 00:59:50 * seconds before the clocks go back'
    '2026-10-25 01:40:00   the hour that comes twice, the second time'
    '2026-10-26 09:00:00   the day after the clocks went back'
    '2028-02-28 23:55:00   five to midnight before 29 February'
    '2028-02-29 12:10:00   29 February'
    '2028-02-29 23:59:50 * seconds before the end of 29 February'
)

short=
instants=()
for word in "$@"; do
    case $word in
        --short) short=1 ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" && exit 0 ;;
        -*) echo "usage: scripts/set-clock.sh [--short] [INSTANT...], not $word" >&2 && exit 2 ;;
        *) instants+=("$word") ;;
    esac
done
if [ "${#instants[@]}" -eq 0 ]; then
    for line in "${list[@]}"; do
        if [ -z "$short" ] || [ "${line:20:1}" = '*' ]; then instants+=("${line:0:19}"); fi
    done
fi

library=$(find /usr/lib -path '*/faketime/libfaketimeMT.so.1' -print -quit)
if [ -z "$library" ]; then
    echo "missing: libfaketime. As root on Debian: apt-get update && apt-get install libfaketime" >&2
    exit 1
fi
bin=$(realpath -m -- "${SLOTKEEPER_BIN:-target/debug/slotkeeper}")
if [ ! -x "$bin" ]; then
    echo "there is no program at $bin: cargo build, or name another in SLOTKEEPER_BIN" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# at DISTANCE COMMAND...: runs it with the clock so many seconds ahead.
at() {
    local distance=$1
    shift
    env TZ=UTC LD_PRELOAD="$library" FAKETIME="$distance" FAKETIME_DONT_FAKE_MONOTONIC=1 SLOTKEEPER_BIN="$bin" "$@"
}

# Whether it works on this machine: a run at the true time would prove nothing.
clock_is_set() {
    local told
    for told in "$(at "$1" date +%s)" "$(at "$1" python3 -c 'import time; print(int(time.time()))')"; do
        if [ "$((told - $2))" -lt 0 ] || [ "$((told - $2))" -gt 60 ]; then
            echo "libfaketime does not set the clock here: $(date -u -d "@$told") instead of $(date -u -d "@$2")" >&2
            return 1
        fi
    done
}

failed=()
# part INSTANT NAME COMMAND...: silent unless it fails.
part() {
    local instant=$1 name=$2 begin=$SECONDS distance
    shift 2
    distance=$(($(date -u -d "$instant" +%s) - $(date +%s)))
    [ "$distance" -lt 0 ] || distance=+$distance
    if clock_is_set "$distance" "$(date -u -d "$instant" +%s)" && at "$distance" "$@" >"$log" 2>&1; then
        printf ' %s %s s' "$name" "$((SECONDS - begin))"
    else
        printf ' %s FAILED\n' "$name"
        sed 's/^/    /' "$log"
        failed+=("$instant: $name")
    fi
}

for instant in "${instants[@]}"; do
    printf '%s:' "$(date -u -d "$instant" '+%a %F %T')"
    part "$instant" demo python3 -B tests/demo/pasted.py "$bin"
    part "$instant" requests scripts/smoke.sh
    part "$instant" assurance scripts/assurance.sh "$bin" ${short:+--unsigned-only}
    # Nothing can be installed at another time: certificates of registries would not be valid.
    if [ -z "$short" ] && [ -f "${CARGO_TARGET_DIR:-target}/clients/oauth.stamp" ]; then
        part "$instant" clients scripts/clients.sh "$bin"
    fi
    printf '\n'
done
if [ "${#failed[@]}" -ne 0 ]; then
    printf 'FAILED at %s\n' "${failed[@]}"
    exit 1
fi
