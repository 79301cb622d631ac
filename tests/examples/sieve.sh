#!/bin/sh
# The example of channels alone counts the primes.
set -eu

said=$("$PTD_BUILDDIR/src/examples/sieve" | tail -n 1)
echo "$said"
[ "$said" = "1229 primes up to 10000" ]
