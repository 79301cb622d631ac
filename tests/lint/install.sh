#!/bin/sh
# What `make install` puts down is whole: every file is there, a stranger's
# program builds against it by pkg-config alone (shared and static) and runs,
# gdb finds its script, and `make uninstall` leaves nothing behind.
set -eu

[ -n "${PTD_SANITIZED:-}" ] && { echo "SKIP: built with a sanitizer"; exit 77; }
command -v pkg-config >/dev/null || { echo "SKIP: no pkg-config"; exit 77; }
[ -e "$PTD_BUILDDIR/src/.libs/libpentad.so" ] ||
    { echo "SKIP: no shared library in this build"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Our own make: neither the jobs nor the variables of the one that runs us.
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$work/root
variable() {
    PKG_CONFIG_PATH="$PTD_BUILDDIR/src" pkg-config --variable="$1" pentad
}
prefix=$root$(variable prefix)
libdir=$root$(variable libdir)

fail() {
    echo "FAIL: $*"
    exit 1
}

run_make() {
    "$PTD_MAKE" -s -C "$PTD_BUILDDIR" "$1" DESTDIR="$root" \
        >"$work/log" 2>&1 || { cat "$work/log"; fail "make $1"; }
}

run_make install

find "$root" ! -type d | sort >"$work/files"
for want in "$prefix/bin/pentad" "$libdir/libpentad.so" \
    "$libdir/libpentad.a" "$libdir/pkgconfig/pentad.pc" \
    "$prefix/share/man/man1/pentad.1" "$prefix/share/man/man3/libpentad.3" \
    "$prefix/share/man/man3/ptd_chan.3"; do
    grep -Fqx "$want" "$work/files" || fail "$want is not installed"
done
for header in "$PTD_SRCDIR"/include/pentad/*.h; do
    grep -Fqx "$prefix/include/pentad/${header##*/}" "$work/files" ||
        fail "${header##*/} is not installed"
done
grep -q '/share/gdb/auto-load/.*/bin/pentad-gdb\.py$' "$work/files" ||
    fail "no gdb script beside the program"
grep -q '/share/gdb/auto-load/.*/libpentad\.so\..*-gdb\.py$' "$work/files" ||
    fail "no gdb script beside the library"

pc() {
    PKG_CONFIG_PATH="$libdir/pkgconfig" \
        pkg-config --define-variable=prefix="$prefix" \
        --define-variable=libdir="$libdir" "$@" pentad
}
# shellcheck disable=SC2046,SC2086
$PTD_CC -std=c11 -Wall -Wextra -Werror $(pc --cflags) -o "$work/shared" \
    "$PTD_SRCDIR/src/examples/listener.c" $(pc --libs) ||
    fail "the example does not build against the shared library"
# shellcheck disable=SC2046,SC2086
$PTD_CC -std=c11 $(pc --cflags) -o "$work/static" \
    "$PTD_SRCDIR/src/examples/listener.c" "$libdir/libpentad.a" \
    $(pc --static --libs | sed 's/-lpentad//') ||
    fail "the example does not build against the static library"
for example in dialer sieve; do
    # shellcheck disable=SC2046,SC2086
    $PTD_CC -std=c11 -Wall -Wextra -Werror $(pc --cflags) -o "$work/$example" \
        "$PTD_SRCDIR/src/examples/$example.c" $(pc --libs) -pthread ||
        fail "the example $example does not build"
done
# The manual's too: it is the text between .Bd and .Ed.
{
    echo '#include <pentad/chan.h>'
    echo '#include <stdio.h>'
    echo 'struct line { char text[80]; };'
    sed -n '/^\.Bd/,/^\.Ed/{/^\./d;p;}' "$PTD_SRCDIR/src/man/ptd_chan.3"
    echo 'int main(void) { pass_on(NULL, NULL, NULL); }'
} >"$work/manual.c"
# shellcheck disable=SC2046,SC2086
$PTD_CC -std=c11 -Wall -Wextra -Werror $(pc --cflags) -fsyntax-only \
    "$work/manual.c" || fail "the example of ptd_chan(3) does not compile"
# Without arguments it says how it is used: loading and linking are shown.
for program in shared static; do
    LD_LIBRARY_PATH=$libdir "$work/$program" >"$work/log" 2>&1 || :
    grep -q 'usage: listener PORT' "$work/log" ||
        { cat "$work/log"; fail "the $program program does not run"; }
done
"$prefix/bin/pentad" -version >"$work/version" || fail "pentad -version"
"$prefix/bin/pentad" -help >"$work/help" || fail "pentad -help"

run_make uninstall
left=$(find "$root" ! -type d)
[ -z "$left" ] || fail "left behind by make uninstall: $left"
echo "install: $(wc -l <"$work/files") files come and go"
