#!/usr/bin/env python3
"""Whoever floods pentad with inventory, or with headers that took no work,
gets it to remember next to nothing, and to ask for no more than it can take."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad  # noqa: E402
from rawnode import RawNode, sha256d  # noqa: E402

MB = 1 << 20
# A sanitizer holds freed memory back.
LIMIT_BYTES = (256 if os.environ.get("PTD_SANITIZED") else 16) * MB
ENTRIES = 50000
N_INV, N_SAME, N_HEADERS = 100, 20, 60
TX, BLOCK, WTX = 1, 2, 5
BITS = 0x207fffff
GENESIS = bytes.fromhex("06226e46111a0b59caaf126043eb5bbf"
                        "28c34f3a5e332a1fc7b2b73cf188910f")


def resident(pentad):
    with open(f"/proc/{pentad.child.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Flooder(RawNode):
    """Reads, between two waves, what the node says to it."""

    def __init__(self, port):
        super().__init__(port)
        self.handshake(height=1)
        self.heard = {}
        self.largest_getdata = 0

    def sync(self):
        """Until all that was sent is handled."""
        self.send("ping", b"12345678")
        while True:
            command, payload = self.recv()
            self.heard[command] = self.heard.get(command, 0) + 1
            if command == "ping":
                self.send("pong", payload)
            elif command == "getdata":
                self.largest_getdata = max(self.largest_getdata,
                                           len(payload) // 36)
            elif command == "pong" and payload == b"12345678":
                return


def inventory(kind, hashes):
    head = struct.pack("<I", kind)
    return (b"\xfd" + struct.pack("<H", len(hashes)) +
            b"".join(head + h for h in hashes))


def random_txs():
    noise = os.urandom(32 * ENTRIES)
    return [noise[i:i + 32] for i in range(0, len(noise), 32)]


def flood_of_txs(peer):
    """Unknown transactions, new ones each time."""
    for i in range(N_INV):
        peer.send("inv", inventory(TX if i % 2 else WTX, random_txs()))
        peer.sync()
    assert peer.largest_getdata <= 1000, peer.largest_getdata


def flood_of_one_block(peer):
    """The same unknown block, named 50,000 times: at most one question."""
    before = peer.heard.get("getheaders", 0)
    for _ in range(N_SAME):
        peer.send("inv", inventory(BLOCK, [b"\7" * 32] * ENTRIES))
    peer.sync()
    asked = peer.heard.get("getheaders", 0) - before
    assert asked <= 1 and "getdata" not in peer.heard, peer.heard


def flood_of_nothing(peer):
    """Requests for what does not exist, by kinds that do not either."""
    for kind in (0, 7, 0xffffffff):
        peer.send("getdata", inventory(kind, [b"\7" * 32] * ENTRIES))
        peer.sync()


def headers(prev, height, n):
    """n headers one on the other, each solved at the lowest difficulty."""
    out = []
    for i in range(n):
        body = struct.pack("<i32s32sII", 0x20000000, prev, bytes(32),
                           1600000000 + height + i, BITS)
        nonce = 0
        while True:
            raw = body + struct.pack("<I", nonce)
            prev = sha256d(raw)
            if prev[31] < 0x80:
                break
            nonce += 1
        out.append(raw + b"\0")
    return prev, b"\xfd" + struct.pack("<H", n) + b"".join(out)


def flood_of_headers(peer):
    """A chain as long as one likes, that never shows the work that is wanted:
    it is asked for to its end, and not kept."""
    prev, height = GENESIS, 0
    for _ in range(N_HEADERS):
        prev, payload = headers(prev, height, 2000)
        height += 2000
        peer.send("headers", payload)
        peer.sync()
    assert peer.heard["getheaders"] >= N_HEADERS, peer.heard


def main():
    pentad = Pentad("-regtest", "-connect=0",
                    "-minimumchainwork=" + "0" * 55 + "100000000")
    try:
        for flood in (flood_of_txs, flood_of_one_block, flood_of_nothing,
                      flood_of_headers):
            peer = Flooder(pentad.port)
            peer.sync()
            before = resident(pentad)
            flood(peer)
            grown = resident(pentad) - before
            peer.close()
            print(f"{flood.__name__}: {grown / MB:.1f} MB more")
            assert grown < LIMIT_BYTES, flood.__name__
        pentad.stop()
    finally:
        pentad.kill()


if __name__ == "__main__":
    main()
