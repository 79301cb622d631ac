#!/usr/bin/env python3
"""A node that syncs is killed, at any moment, again and again: each time it
comes up again by itself, ends at the right tip, and no byte of its blocks is
wrong. 10 times, or as often as PTD_KILLS says.

The other node goes on mining meanwhile: small blocks and large ones, so that
files are filled and begun, and now and then another branch."""

import base64
import concurrent.futures
import http.client
import itertools
import json
import os
import queue
import random
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import TIMEOUT, Pentad, Program, PENTAD, free_ports  # noqa: E402

N_KILLS = int(os.environ.get("PTD_KILLS", 10))
BATCH = 300    # blocks between two kills
LARGE = 60000  # bytes of an output
N_LINES = 2000  # that it logs meanwhile, about
QUIET_S = 0.5
HEIGHT = re.compile(r"(?:height = |height=)(\d+)")


class Error(Exception):
    """What the node answered instead of a result."""


def call(directory, port, method, *params):
    with open(os.path.join(directory, "regtest/.cookie"), "rb") as f:
        user = base64.b64encode(f.read()).decode()
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        c.request("POST", "/", json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
            {"Authorization": "Basic " + user,
             "Content-Type": "application/json"})
        response = c.getresponse()
        if response.status == 401:  # the cookie is of the one that was killed
            raise Error(response.reason)
        answer = json.load(response)
    finally:
        c.close()
    if "error" in answer:
        raise Error(answer["error"])
    return answer["result"]


class Miner(Pentad):
    def __init__(self):
        super().__init__("-regtest", "-connect=0", rpc=True, name="miner")

        deadline = time.monotonic() + TIMEOUT
        while not self._is_up():
            assert time.monotonic() < deadline, "the miner does not come up"
            time.sleep(0.05)

    def _is_up(self):
        try:
            self.ask("getblockcount")
            return True
        except (OSError, Error):
            return False

    def ask(self, method, *params):
        return call(self.dir, self.rpc_port, method, *params)

    def mine(self, rng):
        height = self.ask("getblockcount")
        if height > 0 and rng.random() < 0.3:
            back = rng.randrange(min(height, 7))
            self.ask("invalidateblock",
                     self.ask("getblockhash", height - back))
        for _ in range(BATCH // 15):
            # To another one each time: a block that was made invalid must not
            # be made again.
            self.ask("generatetodescriptor", 14,
                     "raw(6a%08x)" % rng.randrange(1 << 32))
            self.ask("generateblock", "raw(6a" + "%02x" % rng.randrange(64) *
                     rng.randrange(LARGE) + ")", [])


class Victim:
    """Its directory stays; each life is a process."""

    def __init__(self, peer):
        self.dir = tempfile.mkdtemp(prefix="pentad-kills-")
        self.peer = peer
        self.life = None
        self.rpc_port = None

    def start(self):
        self.rpc_port, port = free_ports(2)
        self.life = Program("victim", [
            PENTAD, "-regtest", f"-datadir={self.dir}", "-bind=127.0.0.1",
            f"-port={port}", f"-rpcport={self.rpc_port}", "-fastprune",
            f"-connect=127.0.0.1:{self.peer}", "-printtoconsole=1",
            "-debug=net", "-checkblocks=0"])

    def kill(self, n_lines=0):
        """After so many lines of its log, or once it has no more to say.
        Tells how far it was, as far as it said so; -1: not up."""
        height = -1
        for n in itertools.count():
            if n == n_lines:
                self.life.kill()
            try:
                line = self.life.lines.get(timeout=QUIET_S)
            except queue.Empty:
                self.life.kill()
                continue
            if line is None:
                return height
            if found := HEIGHT.search(line):
                height = int(found.group(1))

    def ask(self, method, *params):
        return call(self.dir, self.rpc_port, method, *params)

    def is_at(self, tip):
        """False while it comes up, or is behind."""
        if self.life.child.poll() is not None:
            print("\n".join(self.life.last), self.life.errors())
            raise AssertionError(f"it left with {self.life.child.returncode}")
        try:
            return self.ask("getbestblockhash") == tip
        except (OSError, Error, http.client.HTTPException):
            return False

    def reach(self, tip):
        deadline = time.monotonic() + TIMEOUT
        while not self.is_at(tip):
            assert time.monotonic() < deadline, f"it does not reach {tip}"
            time.sleep(0.05)

    def remove(self):
        if self.life is not None:
            self.life.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def check(miner, victim, rng):
    """Nothing is missing, nothing is wrong."""
    tip = miner.ask("getbestblockhash")
    victim.reach(tip)
    assert victim.ask("verifychain", 4, 0) is True
    height = miner.ask("getblockcount")
    for _ in range(10):
        block = miner.ask("getblockhash", rng.randrange(height + 1))
        assert (victim.ask("getblock", block, 0) ==
                miner.ask("getblock", block, 0)), block
    return height


def one_kill(miner, victim, rng):
    """In the midst of what is mined, or of what has to be fetched."""
    if rng.random() < 0.5:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            mined = pool.submit(miner.mine, random.Random(rng.random()))
            at = victim.kill(rng.randrange(N_LINES))
            mined.result()
    else:
        victim.kill()
        miner.mine(rng)
        victim.start()
        at = victim.kill(rng.randrange(N_LINES))
    victim.start()
    return at


def run(seed):
    rng = random.Random(seed)
    miner = Miner()
    victim = None
    try:
        victim = Victim(miner.port)
        miner.mine(rng)
        victim.start()
        for i in range(N_KILLS):
            at = one_kill(miner, victim, rng)
            height = check(miner, victim, rng)
            print(f"kill {i + 1}: was at height {at}, is at {height}")
        miner.stop()
    finally:
        if victim is not None:
            victim.remove()
        miner.kill()


def main():
    seed = int(os.environ.get("PTD_SEED", random.randrange(1 << 32)))
    print("PTD_SEED =", seed)
    run(seed)


if __name__ == "__main__":
    main()
