#!/usr/bin/env python3
"""A peer that asks for 1,000 blocks at once is heard by nobody else: the ping
of another takes no more than 20 ms longer than while it does not. Both are
measured in turns, so that what else the machine does falls on both alike.

The one that asks has its own ping answered behind its blocks: that it is late
shows that there was something to wait for."""

import os
import shutil
import signal
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
TURN = 20  # pings, at least, and …
TURN_S = 0.05
TURNS = 6  # at least
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


def ask_for_ever(port, path):
    """Always two questions ahead; a line for each 1,000 blocks, with how long
    its own ping took."""
    with open(path, "rb") as f:
        hashes = f.read()
    items = b"".join(struct.pack("<I", WITNESS_BLOCK) + hashes[i:i + 32]
                     for i in range(0, len(hashes), 32))
    getdata = frame("getdata", b"\xfd" + struct.pack("<H", N_BLOCKS) + items)
    ping = frame("ping", bytes(8))
    node = RawNode(port, timeout=None)
    node.handshake()
    buffer = bytearray(1 << 20)
    began = time.monotonic()
    node.sock.sendall(getdata + ping + getdata + ping)
    n_blocks = 0
    while True:
        head = node.read(24)
        command = head[4:16].rstrip(b"\0")
        size, = struct.unpack_from("<I", head, 16)
        take(node.sock, size, buffer)
        if command == b"block":
            n_blocks += 1
        elif command == b"pong":
            print(n_blocks, time.monotonic() - began, flush=True)
            n_blocks, began = 0, time.monotonic()
            node.sock.sendall(getdata + ping)


class Asker(Program):
    def __init__(self, port, path):
        super().__init__("the one that asks", [
            sys.executable, "-B", __file__, str(port), path])
        self.first = self.round()
        self.pause()

    def round(self):
        n_blocks, took = self.wait_for(r"^(\d+) (\S+)$").groups()
        assert int(n_blocks) == N_BLOCKS, n_blocks
        return float(took)

    def pause(self):
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.child.send_signal(signal.SIGCONT)


# ---- who pings --------------------------------------------------------------

def ping(node):
    began = time.monotonic()
    node.send("ping", b"12345678")
    assert node.wait_for("pong") == b"12345678"
    return time.monotonic() - began


def pings(node):
    until = time.monotonic() + TURN_S
    took = [ping(node) for _ in range(TURN)]
    while time.monotonic() < until:
        took.append(ping(node))
    return took


def measure(node, asker):
    """Medians and 90th percentiles, with and without, of at least so many
    turns, and until 1,000 blocks were served while others pinged."""
    alone, busy = [], []
    turns = 0
    own = None
    while turns < TURNS or own is None:
        alone += pings(node)
        asker.go_on()
        busy += pings(node)
        asker.pause()
        turns += 1
        if own is None and not asker.lines.empty():
            own = asker.round()
    return [(statistics.median(v), statistics.quantiles(v, n=10)[8])
            for v in (alone, busy)] + [own]


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
                  f"behind them {min(own, asker.first) * 1e3:.0f} ms")
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
    ask_for_ever(int(sys.argv[1]), sys.argv[2])
else:
    main()
