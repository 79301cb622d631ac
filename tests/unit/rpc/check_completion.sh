#!/bin/bash
# What bash completes for pentad-cli, with a program of that name that knows a
# few methods.
[ -n "$BASH_VERSION" ] || exec bash "$0" "$@"
set -u

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cat >"$dir/pentad-cli" <<'END'
#!/bin/sh
echo "$*" >>"${0%/*}/calls"
printf '== Blockchain ==\ngetblock "hash" ( verbosity )\ngetblockcount\n\n'
printf '== Control ==\nhelp ( "command" )\n'
END
chmod +x "$dir/pentad-cli"
PATH=$dir:$PATH
# shellcheck source=/dev/null
. "${PTD_SRCDIR:-.}/src/cmd/completions/pentad-cli" || exit 1

failed=0

# expect WANT WORD...: the last word is the one being typed.
expect() {
    local want=$1 got
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _pentad_cli
    got=${COMPREPLY[*]}
    [ "$got" = "$want" ] && return
    echo "$*: '$got', not '$want'"
    failed=1
}

expect 'getblock getblockcount help' pentad-cli ''
expect 'getblock getblockcount' pentad-cli -regtest getb
expect 'getblock getblockcount' pentad-cli help getb
expect '' pentad-cli getblockcount getb
expect '-rpcport=' pentad-cli -rpcpo
expect '-rpcport=' pentad-cli --rpcpo
expect '-testnet -testnet4' pentad-cli -test
expect 'always auto' pentad-cli -color = a
expect 'test testnet4' pentad-cli -chain = test
expect 'regtest' pentad-cli --chain = reg
expect 'main test testnet4 signet regtest' pentad-cli -chain =
expect '' pentad-cli -rpcuser = getb
expect 'remove' pentad-cli setban 1.2.3.4 r
expect 'onetry' pentad-cli -regtest addnode 1.2.3.4 o
expect '' pentad-cli getblock -r

# The node on the line is the one that is asked; a password on standard input is
# not waited for.
: >"$dir/calls"
expect 'help' pentad-cli -regtest -rpcport = 1 -stdinrpcpass -named he
grep -qx -- '-regtest -rpcport=1 -rpcclienttimeout=2 help' "$dir/calls" || {
    cat "$dir/calls"
    failed=1
}
exit $failed
