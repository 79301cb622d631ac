#!/usr/bin/env bash
# A small network on this machine: one pentad in front, with a table of its
# peers, and a few more behind it, some that it dials and some that dial it. The
# one in front mines a block every ten seconds, which goes from peer to peer.
# Real processes and real TCP on 127.0.0.1, regtest, no other network.
#
#   playground.sh BUILD_DIRECTORY [OPTIONS for the node in front]
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 1; }
pentad=$1/src/cmd/pentad
cli=$1/src/cmd/pentad-cli
home=$1/playground
shift
n_helpers=5

# A port of 127.0.0.1 on which nobody listens, from $1 on.
free_port() {
    port=$1
    while grep -qsi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") [0-9A-F:]* 0A" \
            /proc/net/tcp /proc/net/tcp6; do
        port=$((port + 1))
    done
    echo "$port"
}

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
        [ "$job" = "$timer" ] || kill "-$1" "%$job" 2>/dev/null || :
    done
}

# A node leaves within a second. One that does not is not waited for. The timer
# is a job like the nodes, so that one wait is enough.
timer=
stop() {
    local left
    trap '' INT TERM HUP
    signal_nodes TERM
    sleep 10 &
    timer=$(jobs %+ | sed 's/^\[\([0-9]*\)\].*/\1/')
    while left=$(alive) && [ "$left" != "$timer" ]; do
        wait -n || :
        grep -qx "$timer" <<<"$(alive)" || { signal_nodes KILL; break; }
    done
    kill -KILL "%$timer" 2>/dev/null || :
    wait || :
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP

# A block every ten seconds, once the node in front answers.
mine() { # mine RPC_PORT
    local sleeper=
    trap 'kill "$sleeper" 2>/dev/null || :; exit 0' TERM
    while :; do
        sleep 10 &
        sleeper=$!
        wait "$sleeper" || :
        "$cli" -regtest -datadir="$home/front" -rpcport="$1" \
            generatetodescriptor 1 "raw(51)" >/dev/null 2>&1 || :
    done
}

rm -rf "$home"
front_port=$(free_port 28500)
port=$front_port
i=1
while [ $i -le $n_helpers ]; do
    before=$port
    port=$(free_port $((port + 1)))
    mkdir -p "$home/$i"
    # Each knows the one before it; the odd ones thus dial towards the front,
    # which itself dials the even ones.
    target=$before
    [ $((i % 2)) = 1 ] && target=$front_port
    "$pentad" -regtest -datadir="$home/$i" -bind=127.0.0.1 -port="$port" \
        -connect="127.0.0.1:$target" -listen=1 -uacomment="helper$i" \
        -server=0 -printtoconsole=0 </dev/null >"$home/$i/out" 2>&1 &
    [ $((i % 2)) = 0 ] && set -- "-connect=127.0.0.1:$port" "$@"
    i=$((i + 1))
done

mkdir -p "$home/front"
rpc_port=$(free_port $((port + 1)))
# In the background, so that a signal to this shell is handled at once.
"$pentad" -regtest -datadir="$home/front" -bind=127.0.0.1 -port="$front_port" \
    -rpcport="$rpc_port" -listen=1 -printtoconsole=0 -peertable "$@" &
front=$!
mine "$rpc_port" </dev/null &
status=0
wait "$front" || status=$?
stop
exit "$status"
