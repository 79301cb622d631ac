#!/bin/sh
# Checks the models with spin, each sound run to the end, and shows that each
# planted fault is found. A line for each run, a summary; exit status 0 if all
# is as it should be, 1 if not, 77 if spin or a compiler is missing.
#
#   run.sh [MODEL...]      peer, chan, pressure; all by default
#
# Environment: SPIN, CC, MODEL_TMP (a folder to build in), MODEL_JOBS
set -eu

SPIN=${SPIN:-spin}
CC=${CC:-cc}
MODEL_JOBS=${MODEL_JOBS:-$(nproc 2>/dev/null || echo 1)}
dir=$(cd "$(dirname "$0")" && pwd)
export SPIN CC MODEL_TMP MODEL_JOBS

# Model, what is to come of it, defines. "sound": no error in a search of all
# states; else what spin must complain of: "deadlock" (somebody sleeps for
# ever), or a part of the assertion that fails.
runs() {
    cat <<'RUNS'
peer      sound        MSGS=SIX CALM
peer      sound        MSGS=TWO MUTE
peer      sound        MSGS=INSIDE
peer      sound        MSGS=CALLERS
peer      sound        MSGS=INVENTORY
peer      sound        MSGS=EARLY
peer      sound        MSGS=OWNERS
peer      sound        MSGS=EARLY CALM
pressure  sound        N_REQ=2 SIZE=1 ANSWER=4 BEYOND
pressure  sound        N_REQ=2 SIZE=3
pressure  sound        N_REQ=2 SIZE=1 ANSWER=3
pressure  sound        N_REQ=1 SIZE=4
chan      sound        SCENE=3
chan      sound        SCENE=4
chan      sound        SCENE=4 GROUP
chan      sound        SCENE=2
chan      sound        SCENE=2 GROUP
chan      sound        SCENE=5
chan      sound        SCENE=1
chan      sound        SCENE=1 CAP=2
peer      deadlock     FAULT_NO_DRAIN
peer      deadlock     FAULT_DRAIN_FIRST
peer      accepted     FAULT_OVERTAKE
peer      token_free   FAULT_SPLIT_GIVE
peer      token_free   FAULT_FREE_ALWAYS CALM
peer      deadlock     FAULT_UNSTARTED MSGS=ONE
peer      deadlock     FAULT_HELLO_BLOCKS MSGS=EARLY CALM
peer      deadlock     FAULT_DEAF_CALLER MSGS=OWNERS
peer      deadlock     FAULT_JOIN_EARLY MSGS=INSIDE
peer      deadlock     FAULT_STALL_DEAF MSGS=ONE MUTE
peer      deadlock     FAULT_STALL_BLOCKS MSGS=TWO MUTE
chan      deadlock     FAULT_LOST_SIGNAL SCENE=2 NO_CHECK
chan      deadlock     FAULT_CLAIM_STOPS SCENE=2 NO_CHECK
chan      deadlock     FAULT_ENTER_LATE SCENE=1 NO_CHECK
chan      deadlock     FAULT_PARK_RACE SCENE=4
chan      receivers    FAULT_ADMIT_RING SCENE=5
chan      got[me]      FAULT_TIMEOUT_NO_CLAIM SCENE=3
chan      receivers    FAULT_CLOSE_ONE SCENE=3
pressure  deadlock     FAULT_PAUSE_STOPS N_REQ=1 SIZE=4
pressure  deadlock     FAULT_RECV_LIMIT N_REQ=1 SIZE=4
pressure  deadlock     FAULT_PAUSE_RACE
pressure  fresh[me]    FAULT_LATCH_STUCK
pressure  queued[me]   FAULT_NO_GATE
pressure  deadlock     FAULT_NO_DEADLINE N_REQ=2 SIZE=1 ANSWER=4
RUNS
}

# The verifier's own words, cut to a line: nothing if it found no error.
complaint() {
    sed -n 's/^pan:1: //p' "$1" | sed 's/ (at depth [0-9]*)$//' |
        tr '\t' ' ' | head -n 1
}

is_complete() {
    grep -q 'errors: 0$' "$1" &&
        ! grep -Eqi 'max search depth|not completed|truncated|pan: (out|reach)' \
            "$1"
}

# as_expected WANT COMPLAINT LOG
as_expected() {
    case $1 in
    sound) [ -z "$2" ] && is_complete "$3" ;;
    deadlock) [ "$2" = "invalid end state" ] ;;
    *) case $2 in "assertion violated"*"$1"*) ;; *) false ;; esac ;;
    esac
}

# one MODEL WANT DEFINES...
one() {
    model=$1 want=$2
    shift 2
    name=$(echo "$model $*" | tr ' =' '__')
    here=$MODEL_TMP/$name
    defines=''
    for d in "$@"; do
        defines="$defines -D$d"
    done
    rm -rf "$here"
    mkdir "$here"
    cd "$here"
    # Optimising takes longer than what it saves.
    # shellcheck disable=SC2086
    if ! "$SPIN" $defines -a "$dir/$model.pml" >log 2>&1 ||
        ! $CC -O0 -w -DSAFETY -DMEMLIM=2500 -o pan pan.c >>log 2>&1; then
        echo "FAIL  $model $*: does not build"
        cat log
        return 1
    fi
    ./pan -m20000 -w22 >out 2>&1 || true
    said=$(complaint out)
    states=$(sed -n 's/^ *\([0-9][0-9.e+]*\) states, stored.*/\1/p' out)
    seconds=$(sed -n 's/.*elapsed time \([0-9.e+-]*\) seconds/\1/p' out)
    if as_expected "$want" "$said" out; then
        verdict=ok status=0
    else
        verdict=FAIL status=1
    fi
    printf '%-5s %-9s %-40s %9s states %6s s  %.60s\n' "$verdict" "$model" \
        "$*" "${states:-?}" "${seconds:-?}" "${said:-all states, no error}"
    if [ $status != 0 ]; then
        echo "      expected: $want; see $here/out"
        grep -E 'rror|pan:|completed|too small' out || true
    fi
    return $status
}

if [ "${1:-}" = --one ]; then
    shift
    # xargs hands over the words of one line of the table.
    one "$@"
    exit
fi

for tool in "$SPIN" "${CC%% *}"; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "check-model: skipped, '$tool' is not installed (Debian: spin, gcc)"
        exit 77
    fi
done

own_tmp=
if [ -z "${MODEL_TMP:-}" ]; then
    own_tmp=$(mktemp -d)
    MODEL_TMP=$own_tmp
    trap 'rm -rf "$own_tmp"' EXIT
fi
mkdir -p "$MODEL_TMP"
MODEL_TMP=$(cd "$MODEL_TMP" && pwd)

wanted='^('$(echo "${*:-peer chan pressure}" | tr ' ' '|')') '
start=$(date +%s)
status=0
runs | grep -E "$wanted" |
    xargs -P "$MODEL_JOBS" -L 1 "$dir/run.sh" --one >"$MODEL_TMP/summary" ||
    status=1
cat "$MODEL_TMP/summary"
n_ok=$(grep -c '^ok ' "$MODEL_TMP/summary" || true)
n_fail=$(grep -c '^FAIL ' "$MODEL_TMP/summary" || true)
n_all=$(runs | grep -Ec "$wanted")
[ "$n_ok" = "$n_all" ] || status=1
echo "models: $n_ok of $n_all runs as expected, $n_fail failed, in" \
    "$(($(date +%s) - start)) s"
exit $status
