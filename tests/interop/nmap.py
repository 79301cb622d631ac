#!/usr/bin/env python3
"""nmap's scripts, which are old peers that speak mainnet alone, find Pentad and
hear of the addresses that it knows."""

import os
import re
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, need, skip  # noqa: E402
from rawnode import RawNode, net_addr  # noqa: E402

MAINNET = bytes.fromhex("f9beb4d9")


def teach(port, n):
    """Let a peer tell of n addresses."""
    now = int(time.time())
    entries = b"".join(
        struct.pack("<I", now - 600) + net_addr(f"11.{i}.3.4", 8333, 9)
        for i in range(n))
    node = RawNode(port, magic=MAINNET)
    node.handshake()
    node.send("addr", bytes([n]) + entries)
    node.send("ping", b"12345678")
    node.wait_for("pong")
    node.close()


def run(script, port):
    done = subprocess.run(
        ["nmap", "-n", "-Pn", "-sT", "-p", str(port), "--script", "+" + script,
         "127.0.0.1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    print(done.stdout)
    assert done.returncode == 0
    return done.stdout


def main():
    need("nmap")
    if "bitcoin-info" not in subprocess.run(
            ["nmap", "--script-help", "bitcoin-info"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False).stdout:
        skip("nmap has no bitcoin-info")
    # Of a hundred addresses that a stranger tells it hears one.
    pentad = Pentad("-chain=main", "-connect=0", "-whitelist=addr@127.0.0.1")
    try:
        teach(pentad.port, 100)
        info = run("bitcoin-info", pentad.port)
        # Its way of writing version 70016.
        assert re.search(r"Version: 0\.7\.0", info), info
        assert re.search(r"User Agent: /pentad:", info), info
        assert re.search(r"Lastblock: 0", info), info
        found = run("bitcoin-getaddr", pentad.port)
        addresses = re.findall(r"\b11\.\d+\.3\.4:8333\b", found)
        # 23 %; some fell on a place that was taken.
        assert 18 <= len(set(addresses)) <= 23, addresses
        pentad.stop()
    finally:
        pentad.kill()


main()
