#!/usr/bin/env python3
"""The network of `./bootstrap run` comes up, and is gone when its script is."""

import os
import signal
import subprocess
import sys
import time

SRCDIR = os.environ["PTD_SRCDIR"]
BUILDDIR = os.environ["PTD_BUILDDIR"]
N_NODES = 6


def session(sid):
    """The processes of a session: pid and command."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[3]) == sid and rest.split()[0] != "Z":
            found.append((int(pid), name.split("(", 1)[1]))
    return found


def nodes(sid):
    return [pid for pid, name in session(sid) if name.endswith("pentad")]


def run(number, and_then):
    script = subprocess.Popen(
        [os.path.join(SRCDIR, "src/cmd/playground.sh"), BUILDDIR],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while len(nodes(script.pid)) < N_NODES:
            assert time.monotonic() < deadline, session(script.pid)
            assert script.poll() is None, script.returncode
            time.sleep(0.05)
        status = and_then(script)
        script.send_signal(number)
        assert script.wait(30) == status, script.returncode
        assert session(script.pid) == [], session(script.pid)
    finally:
        for pid, _ in session(script.pid):
            os.kill(pid, signal.SIGKILL)
        script.wait()


def nothing(script):
    return 143


def stop_one(script):
    """One that does not answer must not keep the script."""
    os.kill(nodes(script.pid)[0], signal.SIGSTOP)
    return 130


def main():
    run(signal.SIGTERM, nothing)
    run(signal.SIGINT, stop_one)


if not os.access("/proc/self/stat", os.R_OK):
    print("SKIP: no /proc")
    sys.exit(77)
main()
