#!/usr/bin/env python3
"""tshark dissects what Pentad sends: each message without witness data is
recognised, none is malformed. The bytes pass through a relay that writes them
down as packets, so that no right to capture is needed."""

import collections
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, need  # noqa: E402
from rawnode import RawNode, net_addr, sha256d  # noqa: E402

GENESIS = bytes.fromhex(
    "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f")
# Its version 4.0 misreads a ping without a nonce; none is sent here. These are
# too new for it: recognised as messages, their contents not looked at.
CLIENT, SERVER = 40000, 8333


class Relay:
    """One connection from a port of its own to another port; keeps what went
    through, in order: (from the dialler?, bytes)."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = port
        self.chunks = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", self.target))
        open_ends = {near: far, far: near}
        while open_ends:
            for s in select.select(list(open_ends), [], [])[0]:
                data = s.recv(16384)
                if data:
                    self.chunks.append((s is near, data))
                    open_ends[s].sendall(data)
                    continue
                other = open_ends.pop(s)
                try:
                    other.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        near.close()
        far.close()

    def finish(self):
        self.thread.join()
        self.listener.close()
        return self.chunks


def packet(from_client, seq, ack, flags, data=b""):
    """IPv4 and TCP around the bytes; checksums are not looked at."""
    ports = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 65535, 0,
                      0)
    ends = [b"\x0a\0\0\1", b"\x0a\0\0\2"]
    if not from_client:
        ends.reverse()
    size = 20 + len(tcp) + len(data)
    return struct.pack(">BBHHHBBH", 0x45, 0, size, 0, 0, 64, 6, 0) + b"".join(
        ends) + tcp + data


def pcap(chunks):
    """A capture file of one connection."""
    seq = {True: 1000, False: 2000}
    packets = [packet(True, 999, 0, 2), packet(False, 1999, 1000, 18),
               packet(True, 1000, 2000, 16)]
    for from_client, data in chunks:
        packets.append(packet(from_client, seq[from_client],
                              seq[not from_client], 24, data))
        seq[from_client] += len(data)
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 228)
    for i, data in enumerate(packets):
        out += struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000,
                           len(data), len(data)) + data
    return out


def commands_in(chunks):
    """What we count ourselves: how often each command went through."""
    counts = collections.Counter()
    for side in (True, False):
        stream = b"".join(data for who, data in chunks if who is side)
        at = 0
        while at < len(stream):
            head = stream[at:at + 24]
            counts[head[4:16].rstrip(b"\0").decode()] += 1
            at += 24 + struct.unpack("<I", head[16:20])[0]
        assert at == len(stream)
    return counts


def tshark(path, *options):
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-d", f"tcp.port=={SERVER},bitcoin",
         *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dissect(name, chunks):
    counts = commands_in(chunks)
    with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
        f.write(pcap(chunks))
        f.flush()
        seen = tshark(f.name, "-T", "fields", "-E", "aggregator= ", "-e",
                      "bitcoin.command")
        bad = tshark(f.name, "-V", "-Y", "_ws.malformed || _ws.expert.severity "
                     "== error")
    dissected = collections.Counter(seen.split())
    assert bad == "", bad
    assert dissected == counts, f"{dissected} of {counts}"
    print(f"{name}:", " ".join(f"{c}={n}" for c, n in sorted(counts.items())))
    return counts


# ---- what goes through -----------------------------------------------------


def mine(previous, height, when):
    """A block with a coinbase alone, without witness: (hash, header, block)."""
    # BIP 34: the shortest push of the height.
    push = bytes([0x50 + height]) if height <= 16 else bytes([1, height])
    script = push + b"\4test"
    tx = (struct.pack("<I", 1) + b"\1" + b"\0" * 32 + b"\xff" * 4 +
          bytes([len(script)]) + script + b"\xff" * 4 + b"\1" +
          struct.pack("<Q", 5000000000) + b"\1\x51" + b"\0" * 4)
    nonce = 0
    while True:
        header = struct.pack("<I", 0x20000000) + previous + sha256d(tx) + \
            struct.pack("<III", when, 0x207fffff, nonce)
        if sha256d(header)[31] < 0x80:
            return sha256d(header), header, header + b"\1" + tx
        nonce += 1


def sync(node):
    node.send("ping", b"abcdefgh")
    while node.wait_for("pong") != b"abcdefgh":
        pass


def give_blocks(node, n):
    previous, when, blocks = GENESIS, 1600000000, []
    for height in range(1, n + 1):
        when += 600
        blocks.append(mine(previous, height, when))
        previous = blocks[-1][0]
    node.send("headers", bytes([n]) + b"".join(
        header + b"\0" for _, header, _ in blocks))
    for _, _, block in blocks:
        node.send("block", block)
    sync(node)
    return blocks


def teach(port):
    """Tell of a hundred addresses; whoever tells of one does not hear it."""
    node = RawNode(port)
    node.handshake()
    node.send("addr", bytes([100]) + b"".join(
        struct.pack("<I", int(time.time())) + net_addr(f"12.{i}.3.4", 18444, 9)
        for i in range(100)))
    sync(node)
    node.close()


def talk(node, blocks):
    """Ask for everything that there is, in base encoding."""
    tx = blocks[0][2][81:]
    node.send("tx", tx)
    node.send("getheaders", struct.pack("<I", 70015) + b"\1" + GENESIS +
              b"\0" * 32)
    node.wait_for("headers")
    node.send("getblocks", struct.pack("<I", 70015) + b"\1" + GENESIS +
              b"\0" * 32)
    node.wait_for("inv")
    node.send("getdata", b"\3" + struct.pack("<I", 2) + blocks[0][0] +
              struct.pack("<I", 1) + sha256d(tx) +
              struct.pack("<I", 2) + b"\7" * 32)
    for command in ("block", "notfound"):
        node.wait_for(command)
    node.send("getaddr")
    node.wait_for("addr")
    sync(node)


def main():
    need("tshark")
    first = second = None
    try:
        # Or of a hundred addresses that a stranger tells it hears one.
        first = Pentad("-regtest", "-connect=0", "-debug=net",
                       "-whitelist=addr@127.0.0.1")
        teach(first.port)
        relay = Relay(first.port)
        node = RawNode(relay.port)
        # 70015: the last version that may get a reject.
        node.handshake(pver=70015, height=20)
        blocks = give_blocks(node, 20)
        talk(node, blocks)
        node.close()
        counts = dissect("a peer of version 70015", relay.finish())
        for command in ("version verack ping pong addr inv getdata notfound "
                        "getheaders headers block tx sendheaders").split():
            assert counts[command] > 0, command

        relay = Relay(first.port)
        second = Pentad("-regtest", f"-connect=127.0.0.1:{relay.port}",
                        "-debug=net", name="the second pentad")
        second.wait_for(r"UpdateTip: new best=.* height=20\b")
        second.stop()
        counts = dissect("two pentads", relay.finish())
        assert counts["block"] == 20, counts
        first.stop()
    finally:
        for program in (first, second):
            if program is not None:
                program.kill()


main()
