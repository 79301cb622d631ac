#!/usr/bin/env python3
"""gdb's `pentad threads` lists a live peer's five threads by name."""

import os
import re
import shutil
import subprocess
import sys

source = os.environ["PTD_SRCDIR"]
sys.path.insert(0, os.path.join(source, "tests/support"))
from rawnode import RawNode  # noqa: E402

program = os.path.join(os.environ["PTD_BUILDDIR"], "src/examples/listener")
script = os.path.join(source, "src/gdb/pentad-gdb.py")
SKIP = 77


def gdb(pid, *commands):
    argv = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
            "-iex", f"source {script}", "-p", str(pid)]
    for command in commands:
        argv += ["-ex", command]
    run = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=120)
    print(run.stdout)
    return run.stdout


def names(text):
    """The third column of the tables in gdb's output."""
    return re.findall(r"^ +\d+ +\d+  (\S+) ", text, re.M)


def main():
    if os.environ.get("PTD_SANITIZED"):
        print("SKIP: a sanitizer's threads stand in the list")
        return SKIP
    if not shutil.which("gdb"):
        print("SKIP: no gdb")
        return SKIP
    listener = subprocess.Popen([program, "0"], stdout=subprocess.PIPE,
                                text=True)
    try:
        port = int(listener.stdout.readline().rsplit(":", 1)[1])
        node = RawNode(port)
        node.handshake()
        node.send("ping", b"\0" * 8)
        node.wait_for("pong")
        text = gdb(listener.pid, "pentad threads p0-", "pentad threads",
                   "pentad threads nobody")
        if "Operation not permitted" in text or "ptrace" in text:
            print("SKIP: no right to attach to a process")
            return SKIP
        five = ["p0-in", "p0-out", "p0-ping", "p0-queue", "p0-stall"]
        assert names(text)[:5] == five, names(text)
        everyone = names(text)[5:]
        assert set(five) < set(everyone), everyone
        assert len(everyone) > 5, "main is missing"
        assert "begins with nobody" in text
        # Where each is, above what threads wait with.
        for role in "out", "ping", "queue", "stall":
            assert re.search(rf"p0-{role} +ptd_peer_{role}_main > "
                             r"ptd_(select|chan_recv)", text), role
        assert "ptd_park" not in text
        # It was only looked at: the node goes on.
        node.send("ping", b"\1" * 8)
        assert node.wait_for("pong") == b"\1" * 8
        node.close()
        listener.stdout.read()
        assert listener.wait(30) == 0
    finally:
        if listener.poll() is None:
            listener.kill()
        listener.wait()
    return 0


sys.exit(main())
