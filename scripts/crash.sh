#!/usr/bin/env bash
# The long form of the tests about faults and crashes: races of 64 clients for 200 slots under every fault,
# 50 kills of a server on each database and 10 of PostgreSQL itself, in release.
#
#   scripts/crash.sh            both, about half an hour on two cores
#   scripts/crash.sh crash      only the kills
#   scripts/crash.sh faults     only the faults
#
# ROUNDS, POSTGRES_ROUNDS, CLIENTS and SLOTS in the environment change the sizes; SLOTKEEPER_CRASH_SEED
# repeats the random moments of an earlier run. Everything said is kept in target/crash-*.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-both}
case $what in both | crash | faults) ;; *)
    echo "usage: scripts/crash.sh [both|crash|faults], not $what" >&2
    exit 2
    ;;
esac
clients=${CLIENTS:-64} slots=${SLOTS:-200}
export SLOTKEEPER_CRASH_ROUNDS=${ROUNDS:-50} SLOTKEEPER_CRASH_POSTGRES_ROUNDS=${POSTGRES_ROUNDS:-10}
export SLOTKEEPER_CRASH_CLIENTS=$clients SLOTKEEPER_CRASH_SLOTS=$slots
export SLOTKEEPER_FAULT_CLIENTS=$clients SLOTKEEPER_FAULT_SLOTS=$slots
failed=()

# run NAME: one folder of the tests with real processes, its whole output in a log.
run() {
    local name=$1 log=target/crash-$1.log status=0
    echo "== $name: begun $(date -u '+%Y-%m-%d %H:%M:%S') UTC, $clients clients, $slots slots"
    nice cargo test --locked --release --test process "$name::" -- --test-threads 2 --nocapture >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        failed+=("$name")
        grep -E '^error|^test .* FAILED|panicked at' "$log" || true
    fi
    echo "== $name: ended $(date -u '+%Y-%m-%d %H:%M:%S') UTC, status $status, see $log"
}

# The numbers, as a table.
summary() {
    sed -n 's/^crash-summary //p' target/crash-crash.log 2>/dev/null || true
    grep -hE '^(sqlite|postgresql): [0-9]+ (migrations|first starts) killed' target/crash-crash.log 2>/dev/null || true
}

mkdir -p target
[ "$what" = faults ] || run crash
[ "$what" = crash ] || run faults
echo "== summary: $(nproc) cores, $(uname -sm), PostgreSQL $(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -n 1)"
[ "$what" = faults ] || summary
for log in target/crash-crash.log target/crash-faults.log; do
    [ -f "$log" ] && echo "$log: $(grep -E '^test result' "$log" || echo 'no result')"
done
if [ "${#failed[@]}" -ne 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
