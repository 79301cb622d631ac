#!/usr/bin/env python3
"""python3-bitcoinlib speaks to Pentad: its messages are understood, and every
message of ours is decoded by it and comes out again byte for byte."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, skip  # noqa: E402

try:
    import bitcoin
except ImportError:
    # Debian's package is for Debian's own interpreter.
    if sys.executable == "/usr/bin/python3" or not os.access(
            "/usr/bin/python3", os.X_OK):
        skip("python3-bitcoinlib is not installed")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])

import bitcoin.core  # noqa: E402
import bitcoin.messages as messages  # noqa: E402
import bitcoin.net  # noqa: E402

# What it does not know; all of it is empty, or has a length of its own.
UNKNOWN_TO_IT = {b"wtxidrelay", b"sendaddrv2", b"sendheaders", b"feefilter",
                 b"sendcmpct"}


class Peer:
    def __init__(self, port, pver=70016):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.sock.makefile("rb")
        self.pver = pver
        self.seen = []

    def send(self, message):
        self.sock.sendall(message.to_bytes())

    def recv(self):
        """The next message that it knows, decoded; what it reads it also has
        to write as it was."""
        while True:
            head = self.file.read(24)
            assert len(head) == 24, "pentad hung up"
            payload = self.file.read(struct.unpack("<I", head[16:20])[0])
            command = head[4:16].rstrip(b"\0")
            self.seen.append(command)
            # BIP 31: it does not read the ping without a nonce.
            if command in UNKNOWN_TO_IT or not payload and command == b"ping":
                continue
            message = messages.MsgSerializable.from_bytes(head + payload,
                                                          self.pver)
            assert message is not None, command
            if command != b"version":  # it adds no relay flag
                assert message.to_bytes() == head + payload, command
            return message

    def wait_for(self, kind):
        while True:
            message = self.recv()
            if isinstance(message, messages.msg_ping):
                self.send(messages.msg_pong(self.pver, message.nonce))
            if isinstance(message, kind):
                return message

    def handshake(self):
        version = messages.msg_version()
        version.nVersion = self.pver
        version.nServices = 9
        version.strSubVer = b"/bitcoinlib-test/"
        version.nStartingHeight = 0
        self.send(version)
        theirs = self.wait_for(messages.msg_version)
        self.wait_for(messages.msg_verack)
        self.send(messages.msg_verack())
        return theirs


def next_block(previous, height, time):
    """A block with a coinbase alone, mined: regtest asks for little work."""
    script = bitcoin.core.CScript([height, b"pentad"])
    coinbase = bitcoin.core.CTransaction(
        [bitcoin.core.CTxIn(scriptSig=script)],
        [bitcoin.core.CTxOut(50 * 100000000, bitcoin.core.CScript([1]))])
    nonce = 0
    while True:
        block = bitcoin.core.CBlock(0x20000000, previous, coinbase.GetTxid(),
                                    time, 0x207fffff, nonce, [coinbase])
        if block.GetHash()[31] < 0x80:
            return block
        nonce += 1


def gives_blocks(peer, genesis, n):
    """Headers are asked for and followed, then the blocks behind them."""
    blocks = []
    previous, time = genesis, 1600000000
    for height in range(1, n + 1):
        time += 600
        block = next_block(previous, height, time)
        previous = block.GetHash()
        blocks.append(block)
    headers = messages.msg_headers()
    headers.headers = [block.get_header() for block in blocks]
    # The library writes bare headers; on the wire a count of 0 follows each.
    payload = bytes([n]) + b"".join(
        h.serialize()[:80] + b"\0" for h in headers.headers)
    peer.sock.sendall(frame(b"headers", payload))
    wanted = {}
    while len(wanted) < n:
        for inv in peer.wait_for(messages.msg_getdata).inv:
            block = next(b for b in blocks if b.GetHash() == inv.hash)
            wanted[inv.hash] = inv.type
            answer = messages.msg_block()
            answer.block = block
            peer.send(answer)
    assert list(wanted) == [b.GetHash() for b in blocks], "in order"
    return blocks


def frame(command, payload):
    return (bitcoin.params.MESSAGE_START + command.ljust(12, b"\0") +
            struct.pack("<I", len(payload)) +
            bitcoin.core.Hash(payload)[:4] + payload)


def takes_blocks(peer, genesis, blocks):
    """What it gave comes back: as inv, headers, blocks; what it did not give is
    not found."""
    ask = messages.msg_getblocks()
    ask.locator.vHave = [genesis]
    peer.send(ask)
    assert [i.hash for i in peer.wait_for(messages.msg_inv).inv] == [
        b.GetHash() for b in blocks]

    ask = messages.msg_getdata()
    for wanted in (blocks[0].GetHash(), b"\7" * 32, blocks[-1].GetHash()):
        inv = bitcoin.net.CInv()
        inv.type, inv.hash = messages.MSG_BLOCK, wanted
        ask.inv.append(inv)
    peer.send(ask)
    for block in (blocks[0], blocks[-1]):
        assert peer.wait_for(messages.msg_block).block == block
    missing = peer.wait_for(messages.msg_notfound).inv
    assert [i.hash for i in missing] == [b"\7" * 32]


def transactions(peer):
    """A stranger's transaction is taken without harm, and not passed on."""
    tx = bitcoin.core.CTransaction(
        [bitcoin.core.CTxIn(bitcoin.core.COutPoint(b"\5" * 32, 1))],
        [bitcoin.core.CTxOut(1000, bitcoin.core.CScript([1]))])
    given = messages.msg_tx()
    given.tx = tx
    peer.send(given)
    ask = messages.msg_getdata()
    inv = bitcoin.net.CInv()
    inv.type, inv.hash = messages.MSG_TX, tx.GetTxid()
    ask.inv.append(inv)
    peer.send(ask)
    missing = peer.wait_for(messages.msg_notfound).inv
    assert [i.hash for i in missing] == [tx.GetTxid()]


def addresses(teller, port):
    """One tells of addresses, another hears of some."""
    tell = messages.msg_addr()
    for i in range(100):
        address = bitcoin.net.CAddress()
        address.nTime = 1
        address.nServices = 1
        address.ip = f"9.{i}.9.1"
        address.port = 8333
        tell.addrs.append(address)
    teller.send(tell)
    sync(teller)
    other = Peer(port)
    other.handshake()
    other.send(messages.msg_getaddr())
    heard = other.wait_for(messages.msg_addr).addrs
    # 23 %; some fell on a place that was taken.
    assert 18 <= len(heard) <= 23, len(heard)
    assert all(a.ip.endswith(".9.1") for a in heard), heard
    other.sock.close()


def sync(peer, nonce=0xfeed):
    """All sent before was handled when the pong is here."""
    peer.send(messages.msg_ping(peer.pver, nonce))
    assert peer.wait_for(messages.msg_pong).nonce == nonce


def main():
    bitcoin.SelectParams("regtest")
    genesis = bitcoin.params.GENESIS_BLOCK.GetHash()
    # Of a hundred addresses that a stranger tells it hears one.
    pentad = Pentad("-regtest", "-connect=0", "-debug=net",
                    "-whitelist=addr@127.0.0.1")
    try:
        peer = Peer(pentad.port)
        version = peer.handshake()
        assert version.nVersion == 70016, version.nVersion
        assert version.nServices == 1033, version.nServices
        assert version.strSubVer.startswith(b"/pentad:"), version.strSubVer
        assert peer.wait_for(messages.msg_getheaders).locator.vHave == [genesis]
        sync(peer)
        blocks = gives_blocks(peer, genesis, 30)
        sync(peer)
        takes_blocks(peer, genesis, blocks)
        transactions(peer)
        addresses(peer, pentad.port)
        print("bitcoinlib decoded:",
              " ".join(sorted(c.decode() for c in set(peer.seen))))

        # An old one: no nonce in its ping, no pong.
        old = Peer(pentad.port, 60000)
        old.handshake()
        old.send(messages.msg_getaddr())
        assert 18 <= len(old.wait_for(messages.msg_addr).addrs) <= 23
        old.sock.close()
        peer.sock.close()
        pentad.wait_for(r"socket closed, disconnecting peer=\d+")
        pentad.stop()
    finally:
        pentad.kill()


main()
