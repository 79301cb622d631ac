#!/usr/bin/env python3
"""What pentad overlooks in a peer, and what it sends it away for, with the
words in its log."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad  # noqa: E402
from rawnode import RawNode  # noqa: E402

TIME = struct.pack("<I", 1700000000)


def compact(n):
    return bytes([n]) if n < 0xfd else b"\xfd" + struct.pack("<H", n)


def count(n):
    """Nothing but a count."""
    return compact(n) if n < 0x10000 else b"\xfe" + struct.pack("<I", n)


def addrv2(network, address):
    return (b"\1" + TIME + b"\0" + bytes([network]) + compact(len(address)) +
            address + b"\x20\x8d")


# regtest's
GENESIS = struct.pack("<i", 1) + bytes(32) + bytes.fromhex(
    "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    "dae5494dffff7f2002000000")
LOCATOR = struct.pack("<I", 70016)

# What is sent, what the log says; all of it is ignored.
OVERLOOKED = [
    ("addrv2", addrv2(0xaa, bytes(513)),
     r"ProcessMessages\(addrv2, 525 bytes\): "
     r"Exception: Address too long: 513 > 512"),
    ("addrv2", addrv2(1, bytes(5)), r"ProcessMessages\(addrv2, 15 bytes\)"),
    ("ping", bytes(1000), "received: ping"),
    ("feefilter", b"", r"ProcessMessages\(feefilter, 0 bytes\): Exception"),
    ("alert", b"\xfe" + struct.pack("<I", 3000000), "Exception"),
    ("getblocktxn", bytes(32) + b"\1\0", "received: getblocktxn"),
    ("headers", b"\1" + GENESIS + b"\7", "received: headers"),
    ("tx", b"\1\0\0\0\xfd\xff\xff", r"ProcessMessages\(tx, 7 bytes\)"),
    ("reject", b"\xfd\xff\xff", r"ProcessMessages\(reject, 3 bytes\)"),
]

# What is sent, and what the peer is sent away for.
SENT_AWAY = [
    ("inv", count(50001), "inv message size = 50001"),
    ("getdata", count(50001), "getdata message size = 50001"),
    ("notfound", count(50001), "notfound message size = 50001"),
    ("headers", count(2001), "headers message size = 2001"),
    ("addr", count(1001), "addr message size = 1001"),
    ("addrv2", count(1001), "addrv2 message size = 1001"),
    ("getblocks", LOCATOR + count(102), "getblocks locator size 102 > 101"),
    ("getheaders", LOCATOR + count(102), "getheaders locator size 102 > 101"),
    ("inv", count(50001) + bytes(50001 * 36), "inv"),
    ("mempool", b"", "mempool request with bloom filters disabled"),
    ("filterload", b"\1\0" + bytes(9),
     "filterload received despite not offering bloom services"),
    ("filteradd", b"\1\0",
     "filteradd received despite not offering bloom services"),
    ("filterclear", b"",
     "filterclear received despite not offering bloom services"),
    ("getcfilters", b"\0" + bytes(36),
     "peer requested unsupported block filter type: 0"),
    ("getcfheaders", b"\0" + bytes(36),
     "peer requested unsupported block filter type: 0"),
    ("getcfcheckpt", b"\1" + bytes(32),
     "peer requested unsupported block filter type: 1"),
    ("getblocktxn", bytes(32) + b"\0", "getblocktxn without tx indices"),
]


def check(pentad, rows, goes_on):
    for command, payload, words in rows:
        print(command, len(payload), words)
        node = RawNode(pentad.port)
        node.handshake()
        node.send(command, payload)
        node.send("ping", b"12345678")
        if goes_on:
            while node.wait_for("pong") != b"12345678":
                pass
        else:
            try:
                node.wait_for("pong")
                raise AssertionError(f"{command} is overlooked")
            except (EOFError, ConnectionError):
                pass
        pentad.wait_for(words if goes_on else
                        rf"{words}.*, disconnecting peer=\d+")
        node.close()


def main():
    pentad = Pentad("-chain=regtest", "-connect=0", "-debug=1")
    try:
        check(pentad, OVERLOOKED, True)
        check(pentad, SENT_AWAY, False)
        pentad.stop()
    finally:
        pentad.kill()


main()
