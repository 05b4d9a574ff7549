#!/usr/bin/env bash
# A private PostgreSQL for tests, also on a machine that has none, and as root.
#
#   scripts/postgres.sh start [PID]   prints its URL; stops by itself when that process is gone
#   scripts/postgres.sh stop          stops it and removes all that it left
#
# What tests let happen to a server of their own (KURSKOLL_POSTGRES_STATE):
#
#   scripts/postgres.sh crash         ends it as a crash would; its files stay
#   scripts/postgres.sh again         starts it again where it was
#   scripts/postgres.sh freeze|thaw   stops all its processes (SIGSTOP), and lets them go on
#   scripts/postgres.sh standby DIR   a synchronous copy of it with its state in DIR; prints its URL
#   scripts/postgres.sh promote       makes a copy the one that is written to
#
# It listens on a free port of 127.0.0.1 only, trusts everybody there, and forgoes every sync: it holds nothing that
# matters. With KURSKOLL_POSTGRES_DURABLE=1 it syncs as a real one does; that is for measuring, and is a server of its own.
# KURSKOLL_POSTGRES_PRELOAD names a library that is loaded into it (LD_PRELOAD).
# Its files lie in KURSKOLL_POSTGRES_STATE (default: a folder under TMPDIR, one for each working copy).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
this=$here/scripts/postgres.sh
durable=${KURSKOLL_POSTGRES_DURABLE:-}
state=${KURSKOLL_POSTGRES_STATE:-${TMPDIR:-/tmp}/kurskoll-postgres-$(id -u)-$(cksum <<<"$here" | cut -d ' ' -f 1)${durable:+-durable}}
data=$state/data

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# The folder of the newest server on this machine; nothing where there is none.
server_programs() {
    local folder
    for folder in "$(dirname "$(command -v initdb || echo /none/initdb)")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse) \
        "$(pg_config --bindir 2>/dev/null || echo /none)"; do
        if [[ -x $folder/initdb && -x $folder/pg_ctl && -x $folder/postgres ]]; then
            printf '%s\n' "$folder"
            return
        fi
    done
}

install_server() {
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        fail 'no PostgreSQL server here: install the package "postgresql" (Debian: apt-get install postgresql),' \
            'or set KURSKOLL_TEST_POSTGRES_URL to a server whose role may create databases.'
    fi
    say 'no PostgreSQL server here: installing it with apt-get'
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql; } >&2
}

# The server refuses root: as root it runs as somebody without rights.
server_user() {
    if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_server_user() {
    if [[ $(id -u) -ne 0 ]]; then
        (cd / && "$@")
    else
        (cd / && runuser -u "$(server_user)" -- "$@")
    fi
}

runs() { [[ -s $state/url ]] && as_server_user "$programs/pg_ctl" status --pgdata="$data" >/dev/null 2>&1; }

remove_files() {
    rm -rf "$data" "$state/log" "$state/url"
    rmdir "$state" 2>/dev/null || true
}

start() {
    local watched=${1:-} port settings
    programs=$(server_programs)
    if [[ -z $programs ]]; then
        install_server
        programs=$(server_programs)
    fi
    if runs; then
        cat "$state/url"
        return
    fi
    remove_files
    mkdir -p -m 700 "$state"
    [[ $(id -u) -ne 0 ]] || chown "$(server_user)" "$state"
    trap 'remove_files' EXIT
    as_server_user "$programs/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C \
        --no-sync >"$state/log" 2>&1 || fail "initdb failed: $(tail -n 5 "$state/log")"
    settings='-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300'
    if [[ $durable ]]; then
        settings+=' -c fsync=on -c synchronous_commit=on -c full_page_writes=on'
    else
        settings+=' -c fsync=off -c synchronous_commit=off -c full_page_writes=off'
    fi
    run_on_a_free_port "$settings" "$watched"
}

# Starts the server on a port that is free, and prints its URL.
run_on_a_free_port() {
    local settings=$1 watched=${2:-} port
    # Below the ports that the kernel hands out; one that is taken makes the server give up at once.
    for _ in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12000))
        if as_server_user env ${KURSKOLL_POSTGRES_PRELOAD:+LD_PRELOAD="$KURSKOLL_POSTGRES_PRELOAD"} \
            "$programs/pg_ctl" start --wait --silent --pgdata="$data" \
            --options="$settings -c port=$port" </dev/null >>"$state/log" 2>&1; then
            trap - EXIT
            printf 'postgres://postgres@127.0.0.1:%s/postgres\n' "$port" | tee "$state/url"
            if [[ -n $watched ]]; then
                KURSKOLL_POSTGRES_STATE=$state setsid "$this" watch "$watched" </dev/null >/dev/null 2>&1 &
            fi
            return
        fi
    done
    fail "the server does not start: $(tail -n 5 "$state/log")"
}

stop() {
    programs=$(server_programs)
    if [[ -n $programs ]] && runs; then
        as_server_user "$programs/pg_ctl" stop --mode=immediate --silent --pgdata="$data" >/dev/null
    fi
    remove_files
}

crash() {
    programs=$(server_programs)
    as_server_user "$programs/pg_ctl" stop --mode=immediate --silent --pgdata="$data" >/dev/null
}

again() {
    programs=$(server_programs)
    # With the options of its first start, the port among them.
    as_server_user env ${KURSKOLL_POSTGRES_PRELOAD:+LD_PRELOAD="$KURSKOLL_POSTGRES_PRELOAD"} \
        "$programs/pg_ctl" restart --wait --silent --pgdata="$data" </dev/null >>"$state/log" 2>&1 ||
        fail "the server does not start again: $(tail -n 5 "$state/log")"
}

# A signal to the server and to everything that it started.
signal_all() {
    local postmaster
    postmaster=$(head -n 1 "$data/postmaster.pid")
    # shellcheck disable=SC2046
    kill "-$1" "$postmaster" $(pgrep --parent "$postmaster" || true)
}

standby() {
    local primary_url port settings
    primary_url=$(cat "$state/url")
    port=${primary_url##*:}
    port=${port%%/*}
    programs=$(server_programs)
    state=$1
    data=$state/data
    mkdir -p -m 700 "$state"
    [[ $(id -u) -ne 0 ]] || chown "$(server_user)" "$state"
    # A link to the server's programs may not be there for this one.
    as_server_user "$(dirname "$(readlink --canonicalize "$programs/pg_ctl")")/pg_basebackup" --pgdata="$data" --host=127.0.0.1 --port="$port" --username=postgres \
        --write-recovery-conf --checkpoint=fast --no-sync >"$state/log" 2>&1 ||
        fail "no copy: $(tail -n 5 "$state/log")"
    settings='-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c fsync=off'
    run_on_a_free_port "$settings"
}

promote() {
    programs=$(server_programs)
    as_server_user "$programs/pg_ctl" promote --wait --silent --pgdata="$data" >/dev/null
}

# For a parent that was killed and could not stop the server.
watch() {
    while kill -0 "$1" 2>/dev/null; do
        [[ -d $data ]] || exit 0
        sleep 1
    done
    stop
}

case ${1:-} in
    start) start "${2:-}" ;;
    stop) stop ;;
    watch) watch "$2" ;;
    crash) crash ;;
    again) again ;;
    freeze) signal_all STOP ;;
    thaw) signal_all CONT ;;
    standby) standby "$2" ;;
    promote) promote ;;
    *)
        sed -n '2,18s/^# \{0,1\}//p' "$this" >&2
        exit 2
        ;;
esac
