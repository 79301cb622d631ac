#!/usr/bin/env python3
"""The example of the library prints each message that a node sends to it."""

import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/support"))
from rawnode import RawNode  # noqa: E402

program = os.path.join(os.environ["PTD_BUILDDIR"], "src/examples/listener")


def expect(listener, *words):
    line = listener.stdout.readline()
    print(line, end="")
    for word in words:
        assert word in line, f"{word!r} not in {line!r}"
    return line


def main():
    listener = subprocess.Popen([program, "0"], stdout=subprocess.PIPE,
                                text=True)
    try:
        port = int(expect(listener, "listening on").rsplit(":", 1)[1])
        node = RawNode(port)
        node.handshake()
        expect(listener, "peer=0", "version", "/rawnode:1/")
        expect(listener, "peer=0", "verack")

        node.send("ping", struct.pack("<Q", 0xfeed))
        assert node.wait_for("pong") == struct.pack("<Q", 0xfeed)
        expect(listener, "peer=0", "ping")

        inv = struct.pack("<I", 1) + bytes(range(32))
        node.send("inv", b"\1" + inv)
        expect(listener, "peer=0", "inv")
        node.send("sendheaders")
        expect(listener, "peer=0", "sendheaders")
        node.send("getaddr")
        expect(listener, "peer=0", "getaddr")

        # Only what is well formed is heard, and it ends with the connection.
        node.send("inv", b"\5" + inv)
        assert listener.stdout.read() == ""
        assert listener.wait(30) == 0
        node.close()
    finally:
        if listener.poll() is None:
            listener.kill()
        listener.wait()


main()
