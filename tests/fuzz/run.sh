#!/usr/bin/env bash
# Run every fuzz target over its seeds, and on from there, in SECONDS of time
# in all (on all processors). To be called in a build directory that was
# configured with --enable-fuzzing and where `make fuzz-targets` was done;
# `make fuzz` does both. Fails if any target fails; what made it fail stays in
# tests/fuzz/found, what it learnt in tests/fuzz/learnt.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail

seeds=tests/fuzz/seeds
learnt=tests/fuzz/learnt
found=tests/fuzz/found

# Messages without fields have nothing to find: one second each.
is_trivial() { # is_trivial NAME
    [[ -z $(find "$seeds/$1" -type f -size +3c -print -quit) ]]
}

run_one() { # run_one SECONDS TARGET
    local name=${2##*/fuzz_} log
    log=$found/$name.log
    mkdir -p "$learnt/$name"
    if "./$2" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 \
        -max_len=8192 -artifact_prefix="$found/$name-" \
        -print_final_stats=1 "$learnt/$name" "$seeds/$name" \
        >"$log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "$log") runs"
        rm "$log"
        return
    fi
    echo "FAIL $name"
    tail -n 40 "$log"
    return 1
}

if [[ ${1:-} == --one ]]; then
    run_one "$2" "$3"
    exit
fi

seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
[[ $# -gt 0 ]] || mapfile -t all < <(make -s print-fuzz-targets)
targets=("${@:-${all[@]}}")
mkdir -p "$found"
jobs=$(nproc)
n_trivial=0
for target in "${targets[@]}"; do
    ! is_trivial "${target##*/fuzz_}" || n_trivial=$((n_trivial + 1))
done
n=$((${#targets[@]} - n_trivial))
each=$(((seconds * jobs - n_trivial) / (n > 0 ? n : 1)))
((each >= 1)) || each=1
for target in "${targets[@]}"; do
    if is_trivial "${target##*/fuzz_}"; then
        echo "1 $target"
    else
        echo "$each $target"
    fi
done | xargs -P "$jobs" -L 1 "$BASH" "$0" --one
