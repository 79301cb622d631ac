#!/bin/sh
# Every installed header compiles alone, in C11 and in C++17, without warnings
# and without anything from config.h; a program's own X is left alone.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
status=0

compile() { # compile LANGUAGE HEADER COMPILER [FLAGS...]
    language=$1 header=$2
    shift 2
    printf '#include <pentad/%s>\n' "$header" >"$work/alone.c"
    # Twice: the guard must hold.
    printf '#include <pentad/%s>\nextern int alone;\n' "$header" >>"$work/alone.c"
    printf '#ifndef X\n#error X is gone\n#endif\n' >>"$work/alone.c"
    if ! "$@" -x "$language" -I"$PTD_SRCDIR/include" -Wall -Wextra -Wpedantic \
            -Werror -fsyntax-only -DX=theirs "$work/alone.c"; then
        echo "pentad/$header does not compile alone: $*"
        status=1
    fi
    n=$((n + 1))
}

for path in "$PTD_SRCDIR"/include/pentad/*.h; do
    header=${path##*/}
    # $PTD_CC may hold a command and its flags.
    # shellcheck disable=SC2086
    compile c "$header" $PTD_CC -std=c11
    if [ -n "${PTD_CXX:-}" ]; then
        # shellcheck disable=SC2086
        compile c++ "$header" $PTD_CXX -std=c++17
    fi
done
[ -n "${PTD_CXX:-}" ] || echo "SKIP for C++: no C++ compiler"
echo "headers: $n compilations"
[ "$n" -gt 0 ] || status=1
exit $status
