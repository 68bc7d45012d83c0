#!/usr/bin/env bash
# Measures what docs/scale.md states: memory, disk and growth for a number of slots, several servers on one PostgreSQL,
# a streaming standby and failover to it. One machine, a built binary, throw-away PostgreSQL servers of its own.
#
#   scripts/scale.sh                   size, servers and standby: about a quarter of an hour on two cores
#   scripts/scale.sh size servers      only these parts
#   scripts/scale.sh --large size      also ten million slots: 8 GB under /tmp
#   scripts/scale.sh --quick           one run where there would be three, one kill, no million slots: proves that it works
#
# SLOTKEEPER_BIN names the binary (target/release/slotkeeper). RUNS, KILLS, CLIENTS, SLOTS, BOOKERS and EACH change the sizes.
# Tables go to stdout, one line of JSON a row to OUT (target/scale.jsonl), everything else to stderr. Exit 1: a race was
# not clean, an invariant is broken, or an answered booking is missing where none may be.
#
# What a reader would get wrong: cleaning up is the keeper's, a process of its own. It waits for the end of this one,
# whatever ends it, SIGKILL included, then ends what is on its list and removes the files. So nothing that is started
# here may inherit file descriptor 9, by which the keeper knows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { echo "usage: scripts/scale.sh [--large] [--quick] [size] [servers] [standby], not $1" >&2; exit 2; }
large='' quick='' parts=()
for word in "$@"; do
    case $word in
    --large) large=1 ;;
    --quick) quick=1 ;;
    size | servers | standby) parts+=("$word") ;;
    *) usage "$word" ;;
    esac
done
[ "${#parts[@]}" -ne 0 ] || parts=(size servers standby)

bin=${SLOTKEEPER_BIN:-target/release/slotkeeper}
runs=${RUNS:-$([ -n "$quick" ] && echo 1 || echo 3)}       # runs of each figure; the median counts
kills=${KILLS:-$([ -n "$quick" ] && echo 1 || echo 5)}     # failovers of each kind of standby
clients=${CLIENTS:-64} slots=${SLOTS:-200}                  # a race for the same slots
bookers=${BOOKERS:-32}                                      # a run of bookings: so many clients, each for slots of its own …
each=${EACH:-$([ -n "$quick" ] && echo 100 || echo 300)}   # … and so many of them
out=${OUT:-target/scale.jsonl}
failed=()

fail() { echo "scale: $1" >&2; exit 1; }
[ -x "$bin" ] || fail "no binary $bin: cargo build --release, or name one in SLOTKEEPER_BIN"
for program in jq curl psql; do command -v "$program" >/dev/null || fail "$program is missing (Debian: apt-get install jq curl postgresql)"; done
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$pg" ] && [ -x "$pg/initdb" ] || fail 'no PostgreSQL (Debian: apt-get install postgresql)'
mkdir -p "$(dirname "$out")"
: >"$out"
bin=$(realpath "$bin") out=$(realpath "$out")

# -- Whatever is started, and its end ---------------------------------------------------------------------------------

dir=$(mktemp -d /tmp/skscale.XXXXXX)
chmod 755 "$dir"
: >"$dir/list"
mkfifo "$dir/alive"

# When a process began, so that another one that was given the same number is never taken for it.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
alive() { grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"; }
enlist() { echo "$1 $2 $(began "$2")" >>"$dir/list"; }

keeper() {
    set +e
    trap '' HUP INT TERM
    cat "$dir/alive" >/dev/null
    local signal pid since left=() i
    while read -r signal pid since; do
        [ -n "$since" ] && [ "$(began "$pid")" = "$since" ] || continue
        # A standby may be stopped at this moment, with all its children.
        for i in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do kill -CONT "$i" 2>/dev/null; done
        kill -CONT "$pid" 2>/dev/null
        kill -s "$signal" "$pid" 2>/dev/null && left+=("$pid")
    done <"$dir/list"
    for ((i = 0; i < 50 && ${#left[@]} > 0; i++)); do
        for pid in "${!left[@]}"; do alive "${left[pid]}" || unset "left[$pid]"; done
        sleep 0.1
    done
    for pid in "${left[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    for _ in 1 2 3 4 5; do rm -rf "$dir" 2>/dev/null && break || sleep 1; done
}
keeper </dev/null >/dev/null 2>&1 &
keeper_pid=$!
exec 9>"$dir/alive"
trap 'code=$?; exec 9>&-; wait "$keeper_pid" 2>/dev/null || true; exit $code' EXIT
trap 'exit 130' INT HUP
trap 'exit 143' TERM

become=() # PostgreSQL refuses to run as root
[ "$(id -u)" != 0 ] || become=(setpriv --reuid postgres --regid postgres --init-groups --)
as_postgres() { (cd / && exec "${become[@]}" "$@" 9>&-); }

ports=()
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        [[ " ${ports[*]-} " == *" $port "* ]] && continue
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then ports+=("$port"); REPLY=$port; return; fi
    done
}

# As crates/bench/src/postgres.rs has it.
settings=(fsync=on synchronous_commit=on full_page_writes=on max_connections=400 shared_buffers=512MB max_wal_size=4GB
    checkpoint_timeout=15min jit=off max_parallel_workers_per_gather=0 timezone=UTC log_checkpoints=off)

# pg_start NAME PORT: starts the PostgreSQL in $dir/NAME; its pid in REPLY.
pg_start() {
    local options=() setting
    for setting in "${settings[@]}"; do options+=(-c "$setting"); done
    # A subshell that lets go of 9 by itself: bash would keep a copy of it around a function.
    (exec 9>&- && cd / && exec "${become[@]}" "$pg/postgres" -D "$dir/$1/data" -k "$dir/$1" -h 127.0.0.1 -p "$2" "${options[@]}") </dev/null >>"$dir/$1/log" 2>&1 &
    disown
    local i
    for ((i = 0; i < 600; i++)); do
        REPLY=$(head -n 1 "$dir/$1/data/postmaster.pid" 2>/dev/null || true)
        if [ -n "$REPLY" ] && [ -d "/proc/$REPLY" ] && as_postgres "$pg/pg_isready" -q -h 127.0.0.1 -p "$2"; then
            enlist QUIT "$REPLY"
            return
        fi
        sleep 0.1
    done
    fail "PostgreSQL $1 does not start: $(tail -n 3 "$dir/$1/log" | tr '\n' ' ')"
}
pg_home() { mkdir "$dir/$1"; [ "$(id -u)" != 0 ] || chown postgres "$dir/$1"; }
pg_new() {
    pg_home "$1"
    as_postgres "$pg/initdb" -D "$dir/$1/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
        fail "initdb: $(tail -n 3 "$dir/initdb.log" | tr '\n' ' ')"
    pg_start "$1" "$2"
}
url() { echo "postgres://postgres@127.0.0.1:$1/$2"; }
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2" 9>&-; }
gone() { local i; for ((i = 0; i < 300; i++)); do alive "$1" || return 0; sleep 0.1; done; fail "process $1 does not end"; }
pg_stop() { kill -INT "$1"; gone "$1"; }

# serve URL [flag…]: pid in REPLY, its port in PORT, its log in LOG. Waits until it is ready.
serve() {
    local database=$1
    shift
    free_port
    PORT=$REPLY LOG=$dir/serve-$REPLY.log
    "$bin" serve --database-url "$database" --listen "127.0.0.1:$PORT" "$@" >"$LOG" 2>&1 9>&- </dev/null &
    local pid=$! i
    enlist TERM "$pid"
    for ((i = 0; i < 600; i++)); do
        if curl -fs -m 3 "http://127.0.0.1:$PORT/health/ready" -o "$dir/ready" 9>&-; then REPLY=$pid; return; fi
        [ -d "/proc/$pid" ] || break
        sleep 0.05
    done
    fail "the server does not start: $(tail -n 2 "$LOG" | tr '\n' ' ')"
}
server_end() { kill -TERM "$1" 2>/dev/null || true; gone "$1"; }

# -- Figures ----------------------------------------------------------------------------------------------------------

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" -v d="${2:-1}" 'BEGIN { printf "%.*f", d, b - a }'; }
calc() { awk -v d="${2:-2}" "BEGIN { printf \"%.*f\", d, $1 }"; }
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
rss_mb() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }
# CPU seconds of a process; of a PostgreSQL with all its children, those that have ended included.
cpu_of() { sed 's/.*) //' "/proc/$1/stat" | awk -v h="$(getconf CLK_TCK)" '{ printf "%.2f", ($12 + $13) / h }'; }
cpu_of_pg() {
    local stats=("/proc/$1/stat") child
    for child in $(cat "/proc/$1/task/$1/children"); do stats+=("/proc/$child/stat"); done
    cat "${stats[@]}" 2>/dev/null | sed 's/.*) //' | awk -v h="$(getconf CLK_TCK)" \
        'NR == 1 { s = $12 + $13 + $14 + $15 } NR > 1 { s += $12 + $13 } END { printf "%.2f", s / h }'
}
# row KEY VALUE…: a line of JSON; numbers stay numbers.
row() {
    local words=()
    while [ "$#" -gt 0 ]; do words+=(--arg "$1" "$2"); shift 2; done
    jq -nc "${words[@]}" '[$ARGS.named | to_entries[] | .value as $text | .value = (try ($text | tonumber) catch $text)] | from_entries' >>"$out"
}
note() { echo "scale: $1" >&2; }
broken() { failed+=("$1"); echo "scale: FAILED $1" >&2; }
checked() { "$bin" check --database-url "$1" >"$dir/check.log" 2>&1 9>&- || { broken "check after $2"; cat "$dir/check.log" >&2; }; }
grouped() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; } # 12345 as 12,345

# bookings NAME URL SERVER…: $bookers clients, each booking $each slots of a service of its own, all at once. The rate is
# that of the middle eight tenths by the audit trail, so that neither the start nor the end of the clients counts.
# Sets RATE, P50, P99 (ms, medians of the clients') and BOOKED.
bookings() {
    local name=$1 database=$2 client pids=() servers=("${@:3}") seq
    seq=$(ask "$database" 'SELECT coalesce(max(seq), 0) FROM audit')
    mkdir -p "$dir/run"
    rm -f "$dir"/run/*
    for ((client = 0; client < bookers; client++)); do
        timeout 120 "$bin" race --server "${servers[client % ${#servers[@]}]}" --service $((2100000000 + client)) --clients 1 --slots "$each" \
            --keep --timeout 30 --json "$dir/run/$client.json" >"$dir/run/$client.log" 2>&1 9>&- </dev/null &
        pids+=($!)
    done
    for client in "${pids[@]}"; do enlist TERM "$client"; done
    for client in "${pids[@]}"; do wait "$client" || broken "$name: $(tail -qn 1 "$dir"/run/*.log | sort | uniq -c | tr '\n' ' ')"; done
    read -r RATE BOOKED < <(ask "$database" "SELECT round(0.8 * count(*) * 1000 / greatest(1, percentile_disc(0.9) WITHIN GROUP (ORDER BY recorded_ms)
        - percentile_disc(0.1) WITHIN GROUP (ORDER BY recorded_ms))), count(*) FROM audit WHERE seq > $seq AND action = 'book'" | tr '|' ' ')
    P50=$(median $(jq .won_us.p50 "$dir"/run/*.json)) P99=$(median $(jq .won_us.p99 "$dir"/run/*.json))
    P50=$(calc "$P50 / 1000" 1) P99=$(calc "$P99 / 1000" 1)
    note "$name: $BOOKED bookings, $RATE/s, p50 $P50 ms, p99 $P99 ms"
}

# -- The parts --------------------------------------------------------------------------------------------------------

lines=()   # of the table under way
table() { printf '\n%s\n\n' "$1"; printf '%s\n' "${lines[@]}"; lines=(); }

part_size() {
    local sizes=('5x50x400 100000') size shape port pid
    [ -n "$quick" ] || sizes+=('50x50x400 1000000')
    [ -z "$large" ] || sizes+=('50x500x400 10000000')
    lines=('| slots | seeding | table | indexes | database | server, index on | server, index off | index whole after |' '|---|---|---|---|---|---|---|---|')
    for size in "${sizes[@]}"; do
        read -r shape size <<<"$size"
        free_port; port=$REPLY
        pg_new "size$size" "$port"; pid=$REPLY
        ask "$(url "$port" postgres)" 'CREATE DATABASE slotkeeper'
        local db begun seeding heap index all whole on off
        db=$(url "$port" slotkeeper)
        "$bin" migrate --database-url "$db" >"$dir/migrate.log" 2>&1 9>&-
        begun=$(now)
        timeout 3600 "$bin" seed --synthetic "$shape" --database-url "$db" >"$dir/seed.log" 2>&1 9>&- || fail "seed: $(tail -n 1 "$dir/seed.log")"
        seeding=$(since "$begun")
        ask "$db" 'VACUUM (FREEZE, ANALYZE) slot'
        ask "$db" CHECKPOINT
        heap=$(ask "$db" "SELECT pg_table_size('slot')") index=$(ask "$db" "SELECT pg_indexes_size('slot')")
        all=$(ask "$db" 'SELECT pg_database_size(current_database())')
        serve "$db" --availability-index off
        sleep 1; off=$(rss_mb "$REPLY"); server_end "$REPLY"
        begun=$(now)
        serve "$db"
        until grep -q 'the availability index holds' "$LOG"; do
            [ "$(since "$begun" 0)" -lt 300 ] || fail 'the availability index is never whole'
            sleep 0.02
        done
        whole=$(since "$begun" 2)
        sleep 1; on=$(rss_mb "$REPLY"); server_end "$REPLY"
        row part size slots "$size" seed_s "$seeding" table_bytes "$heap" index_bytes "$index" database_bytes "$all" rss_on_mb "$on" rss_off_mb "$off" index_whole_s "$whole"
        lines+=("| $(grouped "$size") | $seeding s | $(calc "$heap / $size" 0) B/slot | $(calc "$index / $size" 0) B/slot | $(calc "$all / 1048576" 0) MiB | $on MiB | $off MiB | $whole s |")
        note "size: $size slots done"
        pg_stop "$pid"
        rm -rf "$dir/size$size"
    done
    table 'Slots'

    # What a booking leaves behind: runs of bookings on a diary of their own, sizes and log before and after.
    free_port; port=$REPLY
    pg_new booking "$port"; pid=$REPLY
    local db; db=$(diary "$port")
    serve "$db"
    local server=$REPLY lsn grown kinds
    ask "$db" CHECKPOINT
    bookings 'first run after a checkpoint' "$db" "http://127.0.0.1:$PORT" # its pages are logged whole once
    ask "$db" VACUUM
    local rows=0 before wal=0 run
    before=$(ask "$db" 'SELECT pg_database_size(current_database())')
    for ((run = 0; run < runs; run++)); do
        lsn=$(ask "$db" 'SELECT pg_current_wal_lsn()')
        bookings "bookings, run $((run + 1)) of $runs" "$db" "http://127.0.0.1:$PORT"
        wal=$(calc "$wal + $(ask "$db" "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '$lsn')")" 0)
        rows=$((rows + BOOKED))
    done
    ask "$db" VACUUM
    grown=$(calc "$(ask "$db" 'SELECT pg_database_size(current_database())') - $before" 0)
    kinds=$(ask "$db" "SELECT string_agg(format('%s %s', t, pg_total_relation_size(t::regclass) / (SELECT count(*) FROM appointment)), ', ')
        FROM unnest(ARRAY['appointment', 'appointment_version', 'request_key', 'audit']) AS t")
    server_end "$server"
    checked "$db" 'the bookings'
    row part booking bookings "$rows" database_bytes "$(calc "$grown / $rows" 0)" wal_bytes "$(calc "$wal / $rows" 0)" tables "$kinds"
    lines=('| bookings | database | write-ahead log | of the database, by table (with indexes) |' '|---|---|---|---|'
        "| $(grouped "$rows") | $(calc "$grown / $rows" 0) B/booking | $(calc "$wal / $rows" 0) B/booking | $kinds |")
    table 'A booking'
    pg_stop "$pid"
}

# diary PORT: a migrated database with a service for every booker; its URL.
diary() {
    local db; db=$(url "$1" slotkeeper)
    ask "$(url "$1" postgres)" 'CREATE DATABASE slotkeeper' >&2
    "$bin" migrate --database-url "$db" >"$dir/migrate.log" 2>&1 9>&-
    "$bin" seed --synthetic "$((bookers + 1))x30x400" --database-url "$db" >"$dir/seed.log" 2>&1 9>&- || fail "seed: $(tail -n 1 "$dir/seed.log")"
    ask "$db" 'VACUUM ANALYZE' >&2
    echo "$db"
}

part_servers() {
    local port pid db count mode run i
    free_port; port=$REPLY
    pg_new servers "$port"; pid=$REPLY
    db=$(diary "$port")
    lines=('| servers | mode | requests/s | won p50 | won p99 | verdict | CPU s per 1,000 requests: PostgreSQL | servers | connections |' '|---|---|---|---|---|---|---|---|---|')
    for count in 1 2 4; do
        local pids=() roots=() words=()
        for ((i = 0; i < count; i++)); do serve "$db"; pids+=("$REPLY"); roots+=("http://127.0.0.1:$PORT"); words+=(--server "http://127.0.0.1:$PORT"); done
        for mode in book book-cancel distinct; do
            local rates=() p50s=() p99s=() pgs=() sks=() verdict=clean c0 c1 s0 s1 requests
            for ((run = 0; run < runs; run++)); do
                c0=$(cpu_of_pg "$pid") s0=0
                for i in "${pids[@]}"; do s0=$(calc "$s0 + $(cpu_of "$i")"); done
                if [ "$mode" = distinct ]; then
                    bookings "$count servers, distinct slots" "$db" "${roots[@]}"
                    rates+=("$RATE") p50s+=("$P50") p99s+=("$P99") requests=$BOOKED
                else
                    timeout 300 "$bin" race "${words[@]}" --service $((2100000000 + bookers)) --clients "$clients" --slots "$slots" --mode "$mode" --timeout 30 \
                        --json "$dir/race.json" >"$dir/race.log" 2>&1 9>&- </dev/null || { verdict='NOT CLEAN'; broken "$count servers, $mode"; grep FAILED "$dir/race.log" >&2 || true; }
                    rates+=("$(jq .requests_per_s "$dir/race.json")") requests=$(jq .requests "$dir/race.json")
                    p50s+=("$(calc "$(jq .won_us.p50 "$dir/race.json") / 1000" 1)") p99s+=("$(calc "$(jq .won_us.p99 "$dir/race.json") / 1000" 1)")
                fi
                c1=$(cpu_of_pg "$pid") s1=0
                for i in "${pids[@]}"; do s1=$(calc "$s1 + $(cpu_of "$i")"); done
                pgs+=("$(calc "($c1 - $c0) * 1000 / $requests" 3)") sks+=("$(calc "($s1 - $s0) * 1000 / $requests" 3)")
            done
            local used; used=$(ask "$db" "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slotkeeper'")
            checked "$db" "$count servers, $mode"
            row part servers servers "$count" mode "$mode" requests_per_s "$(median "${rates[@]}")" won_p50_ms "$(median "${p50s[@]}")" won_p99_ms "$(median "${p99s[@]}")" \
                verdict "$verdict" cpu_postgresql "$(median "${pgs[@]}")" cpu_servers "$(median "${sks[@]}")" connections "$used"
            lines+=("| $count | $mode | $(grouped "$(median "${rates[@]}")") | $(median "${p50s[@]}") ms | $(median "${p99s[@]}") ms | $verdict | $(median "${pgs[@]}") | $(median "${sks[@]}") | $used |")
            note "servers: $count, $mode done"
        done
        for i in "${pids[@]}"; do server_end "$i"; done
    done
    pg_stop "$pid"
    table 'Several servers'
}

# A primary `$1a` and a streaming standby `$1b`. Sets P_PORT, P_PID, S_PORT, S_PID, DB (of the primary), BOTH (of either).
pair() {
    free_port; P_PORT=$REPLY
    pg_new "$1a" "$P_PORT"; P_PID=$REPLY
    DB=$(diary "$P_PORT")
    pg_home "$1b"
    as_postgres "$pg/pg_basebackup" -h 127.0.0.1 -p "$P_PORT" -U postgres -D "$dir/$1b/data" -R -c fast -X stream >"$dir/basebackup.log" 2>&1 ||
        fail "pg_basebackup: $(tail -n 1 "$dir/basebackup.log")"
    free_port; S_PORT=$REPLY
    pg_start "$1b" "$S_PORT"; S_PID=$REPLY
    BOTH="postgres://postgres@127.0.0.1:$P_PORT,127.0.0.1:$S_PORT/slotkeeper?target_session_attrs=read-write"
    caught_up async
}
# Set only on the primary, and after the copy was made: a promoted standby must not wait for a standby of its own.
follow() { # asynchronous | on | remote_apply
    local db=$DB
    ask "$db" "ALTER SYSTEM SET synchronous_standby_names = '$([ "$1" = asynchronous ] || echo '*')'"
    ask "$db" "ALTER SYSTEM SET synchronous_commit = $([ "$1" = remote_apply ] && echo remote_apply || echo on)"
    ask "$db" 'SELECT pg_reload_conf()' >/dev/null
    caught_up "$([ "$1" = asynchronous ] && echo async || echo sync)"
}
caught_up() {
    local i
    for ((i = 0; i < 300; i++)); do
        [ "$(ask "$DB" "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '$1' AND pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) < 65536")" = 0 ] || return 0
        sleep 0.1
    done
    fail "the standby does not become $1"
}

part_standby() {
    local kind run rates=() p50s p99s alone='' median_rate
    # The cost: the kinds take turns, so that the machine's moods fall on all of them.
    pair cost
    serve "$DB"
    local server=$REPLY
    declare -A rate p50 p99
    local kinds=(none asynchronous on remote_apply)
    bookings 'standby: a first run that is not counted' "$DB" "http://127.0.0.1:$PORT" # it logs whole pages
    for ((run = 0; run < runs; run++)); do
        for kind in "${kinds[@]}"; do
            if [ "$kind" = none ]; then
                follow asynchronous
                pause_standby STOP
            else follow "$kind"; fi
            bookings "standby: $kind" "$DB" "http://127.0.0.1:$PORT"
            rate[$kind]+=" $RATE" p50[$kind]+=" $P50" p99[$kind]+=" $P99"
            [ "$kind" != none ] || pause_standby CONT
        done
    done
    checked "$DB" 'the standby'
    lines=('| standby | bookings/s | of none | p50 | p99 |' '|---|---|---|---|---|')
    for kind in "${kinds[@]}"; do
        median_rate=$(median ${rate[$kind]})
        alone=${alone:-$median_rate}
        row part standby standby "$kind" bookings_per_s "$median_rate" ratio "$(calc "$median_rate / $alone")" p50_ms "$(median ${p50[$kind]})" p99_ms "$(median ${p99[$kind]})"
        lines+=("| $kind | $(grouped "$median_rate") | $(calc "$median_rate / $alone") | $(median ${p50[$kind]}) ms | $(median ${p99[$kind]}) ms |")
    done
    table 'What a standby costs'

    # The standby away while commits must wait for it, and back.
    follow on
    kill -KILL "$S_PID"; gone "$S_PID"
    local begun status
    begun=$(now)
    timeout 60 "$bin" race --server "http://127.0.0.1:$PORT" --service $((2100000000 + bookers)) --clients 4 --slots 4 --timeout 45 --keep --journal "$dir/away.journal" \
        >"$dir/away.log" 2>&1 9>&- </dev/null &
    local race=$!
    sleep 40
    # From the log: `race` sends a request that was answered "outcome unknown" again by itself.
    status=$(sed -nE 's/.*POST [^ ]+ ([0-9]+) in ([0-9]+)[0-9]{5} us.*/\1 \2/p' "$LOG" | sort | uniq -c |
        awk '{ printf "%s%s times %s after %.1f s", s, $1, $2, $3 / 10; s = ", " }')
    local read_status; read_status=$(curl -s -m 5 -o "$dir/ready" -w '%{http_code}' "http://127.0.0.1:$PORT/health/ready" 9>&- || true)
    ask "$DB" "ALTER SYSTEM SET synchronous_standby_names = ''"
    ask "$DB" 'SELECT pg_reload_conf()' >/dev/null
    begun=$(now)
    first_booking "http://127.0.0.1:$PORT" "$begun"
    wait "$race" || true
    checked "$DB" 'the standby was away'
    row part away answers "$status" ready "$read_status" first_booking_s "$FIRST"
    lines=('| answered while the synchronous standby is away, 40 s | /health/ready | first 201 after `synchronous_standby_names` is empty |' '|---|---|---|' "| $status | $read_status | $FIRST s |")
    table 'The synchronous standby away'
    server_end "$server"
    pg_stop "$P_PID"
    rm -rf "$dir/costa" "$dir/costb"

    lines=('| standby | kills | answered 201 | of them missing | promoted after | same server: first 201 | restarted server: first 201 | journals not clean | check |' '|---|---|---|---|---|---|---|---|---|')
    for kind in on asynchronous; do failover "$kind"; done
    table 'Failover'
}
# Every process of the standby stops or goes on: while they are stopped nothing of it runs, and little is sent to it.
pause_standby() { local one; for one in "$S_PID" $(cat "/proc/$S_PID/task/$S_PID/children"); do kill -s "$1" "$one" 2>/dev/null || true; done; }

# first_booking SERVER SINCE: how long until a booking is answered 201, in FIRST.
first_booking() {
    local i
    for ((i = 0; i < 120; i++)); do
        if timeout 20 "$bin" race --server "$1" --service $((2100000000 + bookers)) --clients 1 --slots 1 --keep --timeout 8 >"$dir/first.log" 2>&1 9>&- </dev/null; then
            FIRST=$(since "$2")
            return
        fi
        sleep 0.1
    done
    FIRST=never
    broken "no booking after the failover: $(tail -n 1 "$dir/first.log")"
}

failover() {
    local kind=$1 round answered=0 missing=0 promotes=() sames=() agains=() unclean=0 verdict=clean client
    for ((round = 0; round < kills; round++)); do
        pair "fail$kind$round"
        follow "$kind"
        serve "$BOTH"
        local server=$REPLY root=http://127.0.0.1:$PORT pids=() target begun children i
        rm -rf "$dir/run"; mkdir "$dir/run"
        for ((client = 0; client < bookers; client++)); do
            timeout 90 "$bin" race --server "$root" --service $((2100000000 + client)) --clients 1 --slots 300 --timeout 20 --keep --journal "$dir/run/$client.journal" \
                >"$dir/run/$client.log" 2>&1 9>&- </dev/null &
            pids+=($!)
        done
        for client in "${pids[@]}"; do enlist TERM "$client"; done
        # In the middle: when so much has been answered, wherever that is in time.
        target=$((bookers * (40 + RANDOM % 120)))
        for ((i = 0; i < 1200; i++)); do
            [ "$(cat "$dir"/run/*.journal 2>/dev/null | grep -c '^{"answered".*"status":201' || true)" -lt "$target" ] || break
            sleep 0.02
        done
        children=$(cat "/proc/$P_PID/task/$P_PID/children")
        # shellcheck disable=SC2086
        kill -KILL "$P_PID" $children 2>/dev/null || true
        begun=$(now)
        ask "$(url "$S_PORT" slotkeeper)" 'SELECT pg_promote(true, 30)' >/dev/null
        promotes+=("$(since "$begun" 2)")
        first_booking "$root" "$begun"
        sames+=("$FIRST")
        for client in "${pids[@]}"; do wait "$client" || true; done
        local new; new=$(url "$S_PORT" slotkeeper)
        # Answered 201 before or after the kill, and not in the database that now counts.
        cat "$dir"/run/*.journal | grep '^{"answered".*"status":201' | jq -r .appointment >"$dir/answered"
        ask "$new" 'SELECT id FROM appointment' | sort >"$dir/kept"
        i=$(sort "$dir/answered" | comm -23 - "$dir/kept" | wc -l)
        answered=$((answered + $(wc -l <"$dir/answered"))) missing=$((missing + i))
        note "failover $kind: $(wc -l <"$dir/answered") answered, $i missing, same server after $FIRST s"
        [ "$kind" = asynchronous ] || [ "$i" = 0 ] || broken "$i answered bookings are missing after a failover to a synchronous standby"
        for ((client = 0; client < bookers; client++)); do
            timeout 60 "$bin" race --server "$root" --settle "$dir/run/$client.journal" --keep --timeout 20 >"$dir/run/$client.settled" 2>&1 9>&- </dev/null || unclean=$((unclean + 1))
        done
        server_end "$server"
        begun=$(now)
        serve "$BOTH"
        server=$REPLY
        first_booking "http://127.0.0.1:$PORT" "$begun"
        agains+=("$FIRST")
        server_end "$server"
        i=${#failed[@]}
        checked "$new" "failover $kind"
        [ "${#failed[@]}" = "$i" ] || verdict='NOT CLEAN'
        pg_stop "$S_PID"
        rm -rf "$dir/fail$kind$round"{a,b}
    done
    if [ "$kind" = on ] && [ "$unclean" -ne 0 ]; then broken "$unclean journals are not clean after a failover to a synchronous standby"; fi
    row part failover standby "$kind" kills "$kills" answered "$answered" missing "$missing" promote_s "$(median "${promotes[@]}")" same_server_s "$(median "${sames[@]}")" \
        restarted_s "$(median "${agains[@]}")" journals_not_clean "$unclean" check "$verdict"
    lines+=("| $kind | $kills | $(grouped "$answered") | $missing | $(median "${promotes[@]}") s | $(median "${sames[@]}") s | $(median "${agains[@]}") s | $unclean of $((bookers * kills)) | $verdict |")
}

echo "$("$bin" --version), PostgreSQL $("$pg/postgres" --version | awk '{ print $3 }'), $(nproc) cores, $(uname -sm), $(date -u '+%Y-%m-%d %H:%M') UTC, load $(cut -d ' ' -f 1 /proc/loadavg)"
for part in "${parts[@]}"; do "part_$part"; done
printf '\nended %s UTC, load %s; a line of JSON a row in %s\n' "$(date -u '+%H:%M')" "$(cut -d ' ' -f 1 /proc/loadavg)" "${out##*/}"
if [ "${#failed[@]}" -ne 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
