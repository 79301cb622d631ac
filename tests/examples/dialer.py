#!/usr/bin/env python3
"""The example that dials shakes hands, asks for headers, prints the answer."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/support"))
from rawnode import REGTEST, RawNode, version  # noqa: E402

program = os.path.join(os.environ["PTD_BUILDDIR"], "src/examples/dialer")


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    port = listener.getsockname()[1]
    dialer = subprocess.Popen([program, str(port)], stdout=subprocess.PIPE,
                              text=True)
    try:
        node = RawNode.__new__(RawNode)
        node.magic = REGTEST
        node.sock = listener.accept()[0]
        node.sock.settimeout(30)
        node.wait_for("version")
        node.send("version", version())
        node.send("verack")
        node.wait_for("verack")
        asked = node.wait_for("getheaders")
        assert asked[4] == 1 and len(asked) == 4 + 1 + 32 + 32, asked
        node.send("headers", b"\0")
        for word in "version", "verack", "headers":
            line = dialer.stdout.readline()
            print(line, end="")
            assert word in line, line
        node.close()
        assert dialer.wait(30) == 0
    finally:
        listener.close()
        if dialer.poll() is None:
            dialer.kill()
        dialer.wait()


main()
