#!/usr/bin/env python3
"""A dial that fails is told of once without being asked, and each time to who
asks for the category net."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, free_ports  # noqa: E402


def main():
    target = f"127.0.0.1:{free_ports()[0]}"
    failed = f"connection to {target} failed: connect: Connection refused"
    quiet = Pentad("-chain=regtest", f"-connect={target}")
    net = Pentad("-chain=regtest", f"-connect={target}", "-debug=net")
    try:
        quiet.wait_for(f"{failed}; again in 5 s")
        net.wait_for(f"{failed}; again in 5 s")
        net.wait_for(rf"\[net\] {failed}; again in 10 s")
        quiet.stop()
        net.stop()
    finally:
        quiet.kill()
        net.kill()


main()
