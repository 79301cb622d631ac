#!/usr/bin/env python3
"""The network of `./bootstrap run` comes up, a second one beside it, and each
is gone when its script is, without a word."""

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


def signal_one(script, number):
    script.send_signal(number)


def signal_group(script, number):
    """As a terminal does."""
    os.killpg(script.pid, number)


def run(number, and_then, send=signal_one):
    script = subprocess.Popen(
        [os.path.join(SRCDIR, "src/cmd/playground.sh"), BUILDDIR],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while len(nodes(script.pid)) < N_NODES:
            assert time.monotonic() < deadline, session(script.pid)
            assert script.poll() is None, script.returncode
            time.sleep(0.05)
        status = and_then(script)
        send(script, number)
        said = script.communicate(timeout=30)[1]
        assert script.returncode == status, (script.returncode, said)
        assert said == "", said
        assert session(script.pid) == [], session(script.pid)
    finally:
        for pid, _ in session(script.pid):
            os.kill(pid, signal.SIGKILL)
        script.wait()


def terminated(script):
    return 143


def interrupted(script):
    return 130


def front(home):
    """The directory of a front node, and its process."""
    home = os.path.join(BUILDDIR, home, "front", "regtest")
    with open(os.path.join(home, "bitcoind.pid"), encoding="ascii") as f:
        return os.stat(home).st_ino, int(f.read())


def with_second(first):
    """A second network has a home of its own, and leaves the first alone."""
    before = nodes(first.pid), front("playground")

    def look(second):
        assert front("playground-2")[1] in nodes(second.pid)
        return 130

    assert before[1][1] in before[0], before
    run(signal.SIGINT, look, signal_group)
    assert (nodes(first.pid), front("playground")) == before
    assert first.poll() is None, first.returncode
    return 143


def stop_one(script):
    """One that does not answer must not keep the script."""
    os.kill(nodes(script.pid)[0], signal.SIGSTOP)
    return 130


def main():
    run(signal.SIGTERM, with_second)
    assert os.path.isdir(os.path.join(BUILDDIR, "playground-2"))
    run(signal.SIGINT, interrupted, signal_group)
    assert not os.path.isdir(os.path.join(BUILDDIR, "playground-2"))
    run(signal.SIGTERM, terminated, signal_group)
    run(signal.SIGINT, stop_one)


if not os.access("/proc/self/stat", os.R_OK):
    print("SKIP: no /proc")
    sys.exit(77)
main()
