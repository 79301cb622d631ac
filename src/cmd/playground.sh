#!/usr/bin/env bash
# A small network on this machine: one pentad in front, with a table of its
# peers, and a few more behind it, some that it dials and some that dial it. The
# one in front mines a block every ten seconds, which goes from peer to peer.
# Real processes and real TCP on 127.0.0.1, regtest, no other network.
#
#   playground.sh BUILD_DIRECTORY [OPTIONS for the node in front]
#
# The nodes live below BUILD_DIRECTORY/playground, those of a second network
# beside it below playground-2, and so on.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 1; }
pentad=$1/src/cmd/pentad
cli=$1/src/cmd/pentad-cli
top=$1/playground
shift
n_helpers=5

# ---- a home ----------------------------------------------------------------

# Make the directory, and lock it: false if somebody lives there. The lock is
# on descriptor 9, which the nodes inherit: it lasts until the last of them has
# ended, however this shell ended. Without flock(1) the front node is asked for.
take() { # take DIRECTORY
    mkdir -p "$1"
    if ! command -v flock >/dev/null; then
        if kill -0 "$(cat "$1/front/regtest/bitcoind.pid" 2>&1)" 2>/dev/null
        then return 1; else return 0; fi
    fi
    exec 9<"$1"
    # Who had the lock may have removed the directory before he let it go.
    flock -n 9 && [ "$1" -ef /dev/fd/9 ]
}

# The first home that is free; what is in it or in others is left over.
find_home() {
    local number=2 old
    for old in "$top"-*; do
        [ -d "$old" ] && take "$old" && rm -rf "$old"
    done
    home=$top
    until take "$home"; do
        home=$top-$number
        number=$((number + 1))
    done
    rm -rf "${home:?}"/*
}

# A port of 127.0.0.1 on which nobody listens, from $1 on.
free_port() {
    port=$1
    while grep -qsi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") [0-9A-F:]* 0A" \
            /proc/net/tcp /proc/net/tcp6; do
        port=$((port + 1))
    done
    echo "$port"
}

# ---- the end ---------------------------------------------------------------

# The numbers of the jobs that have not ended.
alive() {
    local number='s/^\[\([0-9]*\)\].*/\1/p'
    jobs -r | sed -n "$number"
    jobs -s | sed -n "$number"
}

# Signal every node that has not ended. By job, never by process: the shell then
# looks whether the process is still its child, and its number not another's.
signal_nodes() { # signal_nodes SIGNAL
    local job
    for job in $(alive); do
        kill "-$1" "%$job" || :
    done
}

# A node leaves within a second. One that does not is not waited for. Each holds
# the pipe open for writing: its end comes with the last of them. What the shell
# would say of jobs that were killed is of no use to anybody.
stop() {
    trap '' INT TERM HUP
    exec 2>/dev/null 7>&-
    signal_nodes TERM
    read -rt 10 -u 6 || [ $? -le 128 ] || signal_nodes KILL
    wait || :
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP

# ---- the network -----------------------------------------------------------

# Start a node with the home $home/NAME.
start() { # start NAME PORT OPTIONS...
    local at=$home/$1 port=$2
    shift 2
    # It holds the pipe open, and writes to it when it is up.
    "$pentad" -regtest -datadir="$at" -bind=127.0.0.1 -port="$port" -listen=1 \
        -printtoconsole=0 -startupnotify='echo >&8' "$@" 8>"$at/up" &
}

# Wait until the node listens, or has ended.
is_up() { # is_up NAME
    read -r <"$home/$1/up"
}

start_helper() { # start_helper NUMBER OPTIONS...
    local i=$1
    shift
    start "$i" "${ports[i]}" -uacomment="helper$i" -server=0 "$@" \
        </dev/null >"$home/$i/out" 2>&1
}

# A block every ten seconds, until the last node has ended: nobody writes to the
# pipe.
mine() {
    local status
    trap 'exit 0' TERM
    while :; do
        status=0
        read -rt 10 -u 6 || status=$?
        [ $status -gt 128 ] || exit 0
        "$cli" -regtest -datadir="$home/front" \
            generatetodescriptor 1 "raw(51)" || :
    done
}

find_home
mkfifo "$home/ended"
# shellcheck disable=SC2094
exec 7<>"$home/ended" 6<"$home/ended"
port=28500
for name in front $(seq $n_helpers); do
    mkdir "$home/$name"
    mkfifo "$home/$name/up"
done
declare -a ports
for i in $(seq 0 $n_helpers); do
    ports[i]=$(free_port "$port")
    port=$((ports[i] + 1))
done
rpc_port=$(free_port "$port")
# Here pentad-cli finds it too.
printf '[regtest]\nrpcport=%s\n' "$rpc_port" >"$home/front/bitcoin.conf"

# Who is dialled listens before: the even ones, the front, which dials them,
# and the odd ones, each of which dials the front and an even one.
for i in $(seq 2 2 $n_helpers); do
    start_helper "$i" -connect=0
    is_up "$i" || :
    set -- "-connect=127.0.0.1:${ports[i]}" "$@"
done
# In the background, so that a signal to this shell is handled at once.
start front "${ports[0]}" -peertable "$@"
front=$!
status=0
if is_up front; then
    for i in $(seq 1 2 $n_helpers); do
        even=$((i < n_helpers ? i + 1 : i - 1))
        start_helper "$i" -connect="127.0.0.1:${ports[0]}" \
            -connect="127.0.0.1:${ports[even]}"
        is_up "$i" || :
    done
    mine </dev/null >/dev/null 2>&1 7>&- &
fi
wait "$front" || status=$?
stop
exit "$status"
