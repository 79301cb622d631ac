#!/usr/bin/env python3
"""Mainnet as it is: blocks 1 to 255 read from a file by one node and fetched
from it by another; headers 1 to 10,236 fetched from a scripted peer. Whatever
comes out is what stands in the test vectors."""

import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import TIMEOUT, Pentad, skip  # noqa: E402
from rawnode import RawNode, sha256d, version  # noqa: E402

VECTORS = os.environ.get("PTD_VECTORS_DIR", "")
MAGIC = bytes.fromhex("f9beb4d9")
HEADER = 80
PER_MESSAGE = 2000
NETWORK_WITNESS = 9


def vector(name):
    path = os.path.join(VECTORS, name)
    if not os.path.exists(path):
        if os.environ.get("PTD_REQUIRE_VECTORS") == "1":
            sys.exit(f"no test vectors at {path}")
        skip(f"no test vectors at {path}")
    with open(path, "rb") as f:
        return path, f.read()


def display(digest):
    return digest[::-1].hex()


def split_blocks(data):
    blocks = []
    while data:
        magic, size = struct.unpack_from("<4sI", data)
        assert magic == MAGIC
        blocks.append(data[8:8 + size])
        data = data[8 + size:]
    return blocks


def split_headers(data):
    return [data[i:i + HEADER] for i in range(0, len(data), HEADER)]


def headers_message(headers):
    n = len(headers)
    count = bytes([n]) if n < 0xfd else b"\xfd" + struct.pack("<H", n)
    return count + b"".join(h + b"\0" for h in headers)


class Scripted(threading.Thread):
    """A peer that has headers, and nothing else, for the one who calls."""

    def __init__(self, headers):
        super().__init__()
        self.headers = headers
        self.place = {sha256d(h): i for i, h in enumerate(headers)}
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        sock, _ = self.listener.accept()
        node = RawNode.over(sock, MAGIC, timeout=None)
        services = struct.pack("<Q", NETWORK_WITNESS)
        hello = version(height=len(self.headers) - 1)
        node.send("version", hello[:4] + services + hello[12:])
        try:
            while True:
                command, payload = node.recv()
                if command == "version":
                    node.send("verack")
                elif command == "ping":
                    node.send("pong", payload)
                elif command == "getheaders":
                    self.answer(node, payload)
        except (EOFError, OSError):
            node.close()

    def answer(self, node, payload):
        assert payload[4] < 0xfd
        locator = [payload[5 + 32 * i:37 + 32 * i] for i in range(payload[4])]
        first = next(self.place[h] for h in locator if h in self.place) + 1
        some = self.headers[first:first + PER_MESSAGE]
        self.asked.append(len(some))
        node.send("headers", headers_message(some))

    def close(self):
        # Wakes an accept that nobody called for.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


def mainnet(name, *options):
    return Pentad("-minimumchainwork=0", *options, rpc=True, name=name)


def loaded(node):
    """Until the file is done with, it tells nobody of headers."""
    deadline = time.monotonic() + TIMEOUT
    while not node.rpc("getmempoolinfo")["loaded"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask_headers(port, genesis):
    """As a stranger does."""
    node = RawNode(port, magic=MAGIC)
    node.handshake()
    node.send("getheaders",
              struct.pack("<I", 70016) + b"\1" + genesis + bytes(32))
    payload = node.wait_for("headers")
    node.close()
    return payload


def blocks_of_a_file():
    path, data = vector("blocks/mainnet-1-to-255.dat")
    blocks = split_blocks(data)
    assert len(blocks) == 255
    hashes = [display(sha256d(b[:HEADER])) for b in blocks]
    first = second = None
    try:
        first = mainnet("the one with the file", "-connect=0",
                        f"-loadblock={path}")
        first.wait_height(255, hashes[-1])
        loaded(first)
        second = mainnet("the one without", f"-connect=127.0.0.1:{first.port}")
        second.wait_height(255, hashes[-1])
        for node in first, second:
            assert node.rpc_each("getblockhash", [
                [i + 1] for i in range(len(blocks))]) == hashes
            assert node.rpc_each("getblock", [[h, 0] for h in hashes]) == [
                block.hex() for block in blocks]
            genesis = bytes.fromhex(node.rpc("getblockhash", 0))[::-1]
            assert ask_headers(node.port, genesis) == headers_message(
                [b[:HEADER] for b in blocks])
            assert node.rpc("verifychain", 4, 0) is True
            node.stop()
    finally:
        for node in second, first:
            if node is not None:
                node.kill()
    print("255 blocks went from the file through two nodes")


def headers_of_a_peer():
    _, data = vector("headers/mainnet-0-to-10236.bin")
    headers = split_headers(data)
    hashes = [display(sha256d(h)) for h in headers]
    assert hashes[0] == ("000000000019d6689c085ae165831e93"
                         "4ff763ae46a2a6c172b3f1b60a8ce26f")
    peer = Scripted(headers)
    peer.start()
    node = None
    try:
        node = mainnet("the one that asks", f"-connect=127.0.0.1:{peer.port}")
        node.wait_for(r"Synchronizing blockheaders, height: "
                      rf"{len(headers) - 1}$")
        tips = node.rpc("getchaintips")
        assert (tips[0]["height"], tips[0]["hash"], tips[0]["status"]) == (
            len(headers) - 1, hashes[-1], "headers-only"), tips
        assert node.rpc_each("getblockheader", [
            [block, False] for block in hashes]) == [
                header.hex() for header in headers]
        node.stop()
        # Each of them once: a whole message is followed by a question.
        n = len(headers) - 1
        assert sum(peer.asked) == n and len(peer.asked) == -(-n // PER_MESSAGE), \
            peer.asked
    finally:
        if node is not None:
            node.kill()
        peer.close()
    print(f"{len(headers)} headers came from a scripted peer")


def main():
    blocks_of_a_file()
    headers_of_a_peer()


main()
