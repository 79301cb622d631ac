#!/usr/bin/env python3
"""A peer that asks for 1,000 blocks at once is heard by nobody else: the ping
of another takes no more than 20 ms longer than while it does not. Both are
measured in turns, so that what else the machine does falls on both alike.

The ping of the one that asks is answered behind its blocks: that it is late
shows that there was something to wait for."""

import os
import random
import shutil
import statistics
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, Program  # noqa: E402
from rawnode import REGTEST, RawNode, frame, sha256d  # noqa: E402

N_BLOCKS = 1000
OUTPUT = b"\x6a" + bytes(9999)  # nobody spends it
N_OUTPUTS = 5
LIMIT = 0.020
TURN = 25  # pings without blocks
SPACE_S = 0.005  # one is up to so long after the last
TURNS = 6
TRIES = 3
GENESIS = bytes.fromhex("06226e46111a0b59caaf126043eb5bbf"
                        "28c34f3a5e332a1fc7b2b73cf188910f")
WITNESS_BLOCK = 0x40000002


# ---- blocks -----------------------------------------------------------------

def push_height(height):
    """BIP 34: as short as it gets."""
    if height <= 16:
        return bytes([0x50 + height])
    number = height.to_bytes(height.bit_length() // 8 + 1, "little")
    return bytes([len(number)]) + number


def coinbase(height):
    script = push_height(height) + b"\0"
    output = struct.pack("<Q", 0) + b"\xfd" + struct.pack("<H", len(OUTPUT))
    return (struct.pack("<i", 1) + b"\1" + bytes(32) + b"\xff" * 4 +
            bytes([len(script)]) + script + b"\xff" * 4 + bytes([N_OUTPUTS]) +
            N_OUTPUTS * (output + OUTPUT) + bytes(4))


def mine(prev, height, when):
    tx = coinbase(height)
    head = (struct.pack("<i", 0x20000000) + prev + sha256d(tx) +
            struct.pack("<II", when, 0x207fffff))
    nonce = 0
    while sha256d(head + struct.pack("<I", nonce))[31] > 0x7e:
        nonce += 1
    return head + struct.pack("<I", nonce) + b"\1" + tx


def write_blocks(path):
    """A file for -loadblock; gives the hashes."""
    hashes = []
    prev, when = GENESIS, int(time.time()) - N_BLOCKS
    with open(path, "wb") as f:
        for i in range(N_BLOCKS):
            block = mine(prev, i + 1, when + i)
            f.write(REGTEST + struct.pack("<I", len(block)) + block)
            prev = sha256d(block[:80])
            hashes.append(prev)
    return hashes


# ---- who asks ---------------------------------------------------------------

def take(sock, n, into):
    """n bytes, which are of no interest."""
    view = memoryview(into)
    while n > 0:
        got = sock.recv_into(view, min(n, len(into)))
        if got == 0:
            raise EOFError
        n -= got


def ask(port, path):
    """For each line of input 1,000 blocks, and a line with how long the ping
    behind them took."""
    with open(path, "rb") as f:
        hashes = f.read()
    items = b"".join(struct.pack("<I", WITNESS_BLOCK) + hashes[i:i + 32]
                     for i in range(0, len(hashes), 32))
    question = (frame("getdata", b"\xfd" + struct.pack("<H", N_BLOCKS) + items)
                + frame("ping", b"87654321"))
    node = RawNode(port, timeout=None)
    node.handshake()
    buffer = bytearray(1 << 20)
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.monotonic()
        node.sock.sendall(question)
        command, n_blocks = b"", 0
        while command != b"pong":
            head = node.read(24)
            command = head[4:16].rstrip(b"\0")
            size, = struct.unpack_from("<I", head, 16)
            take(node.sock, size, buffer)
            n_blocks += command == b"block"
        print(n_blocks, time.monotonic() - began, flush=True)


class Asker(Program):
    def __init__(self, port, path):
        super().__init__("the one that asks", [
            sys.executable, "-B", __file__, str(port), path])
        self.wait_for("ready")

    def begin(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def is_done(self):
        return not self.lines.empty()

    def end(self):
        n_blocks, took = self.wait_for(r"^(\d+) (\S+)$").groups()
        assert int(n_blocks) == N_BLOCKS, n_blocks
        return float(took)


# ---- who pings --------------------------------------------------------------

def ping(node):
    began = time.monotonic()
    node.send("ping", b"12345678")
    assert node.wait_for("pong") == b"12345678"
    return time.monotonic() - began


def ping_some_time(node):
    """Not as soon as another is back: else those that come back fast would
    outnumber the others."""
    time.sleep(random.uniform(0, SPACE_S))
    return ping(node)


def measure(node, asker):
    """Medians and 90th percentiles, without blocks and while they are served;
    and how long the blocks took."""
    alone, busy, own = [], [], []
    for _ in range(TURNS):
        alone += [ping_some_time(node) for _ in range(TURN)]
        asker.begin()
        while not asker.is_done():
            busy.append(ping_some_time(node))
        own.append(asker.end())
    return [(statistics.median(v), statistics.quantiles(v, n=10)[8])
            for v in (alone, busy)] + [statistics.median(own)]


def main():
    home = tempfile.mkdtemp(prefix="pentad-undisturbed-")
    pentad = asker = None
    try:
        hashes = write_blocks(os.path.join(home, "blocks"))
        with open(os.path.join(home, "hashes"), "wb") as f:
            f.write(b"".join(hashes))
        pentad = Pentad("-regtest", "-connect=0",
                        f"-loadblock={home}/blocks", rpc=True)
        pentad.wait_height(N_BLOCKS, hashes[-1][::-1].hex())
        node = RawNode(pentad.port)
        node.handshake()
        asker = Asker(pentad.port, os.path.join(home, "hashes"))
        for _ in range(TRIES):
            alone, busy, own = measure(node, asker)
            print("ping, median and 90 %: "
                  f"alone {alone[0] * 1e3:.2f} {alone[1] * 1e3:.2f} ms, "
                  f"beside {N_BLOCKS} blocks "
                  f"{busy[0] * 1e3:.2f} {busy[1] * 1e3:.2f} ms; "
                  f"behind them {own * 1e3:.0f} ms")
            assert own - alone[0] > LIMIT, "the blocks are no burden at all"
            if all(b - a <= LIMIT for a, b in zip(alone, busy)):
                break
        else:
            raise AssertionError("the ping of another is slowed")
        asker.kill()
        node.close()
        pentad.stop()
    finally:
        for program in asker, pentad:
            if program is not None:
                program.kill()
        shutil.rmtree(home)


if len(sys.argv) > 1:
    ask(int(sys.argv[1]), sys.argv[2])
else:
    main()
