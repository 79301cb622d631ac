#!/usr/bin/env python3
"""What pentad does with the descriptors that it is started with."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import PENTAD, free_ports  # noqa: E402


def run(*options, **more):
    done = subprocess.run([PENTAD, *options], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False, **more)
    return done.returncode, done.stderr


def full_disk():
    for option in "-help", "-version":
        with open("/dev/full", "w", encoding="utf-8") as full:
            status, err = run(option, stdout=full)
        assert status == 1, status
        assert err == ("Error: Cannot write to standard output: "
                       "No space left on device\n"), err
        assert run(option, stdout=subprocess.DEVNULL) == (0, "")


def no_descriptors(home):
    """Its log must not go where the first file was opened."""
    script = (f'exec "{PENTAD}" -regtest -datadir="{home}" -connect=0 -server=0 '
              f"-bind=127.0.0.1 -port={free_ports()[0]} -printtoconsole=1 "
              "<&- >&- 2>&-")
    log = os.path.join(home, "regtest/debug.log")
    child = subprocess.Popen(["/bin/sh", "-c", script])
    try:
        deadline = time.monotonic() + 60
        while not (os.path.exists(log) and "block headers: height" in
                   open(log, encoding="utf-8").read()):
            assert time.monotonic() < deadline
            assert child.poll() is None, child.returncode
            time.sleep(0.05)
        assert os.path.getsize(os.path.join(home, "regtest/.lock")) == 0
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def question(home):
    """What others would ask the user has no "Error: " before it."""
    status, err = run("-regtest", f"-datadir={home}", "-mocktime=1",
                      "-server=0", "-connect=0", "-listen=0",
                      stdout=subprocess.DEVNULL)
    assert status == 1, status
    assert err == (
        "The block database contains a block which appears to be from the "
        "future. This may be due to your computer's date and time being set "
        "incorrectly. Only rebuild the block database if you are sure that "
        "your computer's date and time are correct.\n"
        "Please restart with -reindex or -reindex-chainstate to recover.\n"
    ), err


def main():
    home = tempfile.mkdtemp(prefix="pentad-output-")
    try:
        full_disk()
        question(home)
        no_descriptors(home)
        path = os.path.join(home, "file")
        open(path, "w", encoding="utf-8").close()
        status, err = run(f"-datadir={path}", stdout=subprocess.DEVNULL)
        assert status == 1
        assert f'"{path}" is not a directory.' in err, err
    finally:
        shutil.rmtree(home)


main()
