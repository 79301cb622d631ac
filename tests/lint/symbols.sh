#!/bin/sh
# The shared library exports the ptd_ API and nothing else; the static one has
# no global name without the prefix; every function that a public header
# declares with PTD_API is really there.
set -eu

lib=$PTD_BUILDDIR/src/.libs
so=$lib/libpentad.so
[ -n "${PTD_SANITIZED:-}" ] && { echo "SKIP: sanitizers add names"; exit 77; }
[ -e "$so" ] || { echo "SKIP: no shared library in this build"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

nm -D --defined-only "$so" | awk '{ print $NF }' | sort -u >"$work/so"
if grep -v '^ptd_' "$work/so" >"$work/bad"; then
    echo "libpentad.so exports what is not ptd_:"
    cat "$work/bad"
    status=1
fi

if nm -g --defined-only "$lib/libpentad.a" 2>"$work/nm" |
        awk 'NF == 3 { print $3 }' | grep -v '^ptd_' >"$work/bad"; then
    echo "libpentad.a has global names that are not ptd_:"
    sort -u "$work/bad"
    status=1
fi

# Declarations end at a semicolon; the name is what precedes the first bracket
# after PTD_API.
for header in "$PTD_SRCDIR"/include/pentad/*.h; do
    sed -e 's,/\*.*\*/,,' -e '/^#/d' "$header" | tr '\n' ' ' | tr ';{}' '\n' |
        sed -n 's/.*PTD_API[^(]*[ *]\(ptd_[a-z0-9_]*\) *(.*/\1/p'
done | sort -u >"$work/declared"
if ! comm -23 "$work/declared" "$work/so" | cmp -s - /dev/null; then
    echo "declared with PTD_API, but not in libpentad.so:"
    comm -23 "$work/declared" "$work/so"
    status=1
fi
if ! comm -13 "$work/declared" "$work/so" | cmp -s - /dev/null; then
    echo "in libpentad.so, but in no public header:"
    comm -13 "$work/declared" "$work/so"
    status=1
fi
echo "symbols: $(wc -l <"$work/so") exported," \
    "$(wc -l <"$work/declared") declared"
exit $status
