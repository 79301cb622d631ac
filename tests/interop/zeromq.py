#!/usr/bin/env python3
"""Subscribers of other people's hear over ZeroMQ of each block and transaction
of a node, in order and without a gap, over TCP and over a Unix socket."""

import hashlib
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import BUILDDIR, PENTAD, TIMEOUT, Pentad, free_ports, skip  # noqa: E402

try:
    import zmq
except ImportError:
    skip("python3-zmq is not installed")

CLI = os.path.join(BUILDDIR, "src/cmd/pentad-cli")
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
TOPICS = "hashblock", "hashtx", "rawblock", "rawtx", "sequence"


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[::-1].hex()


class Cli:
    def __init__(self, node):
        self.argv = [CLI, "-regtest", f"-datadir={node.dir}",
                     f"-rpcport={node.rpc_port}"]

    def __call__(self, *args):
        return subprocess.run(
            [*self.argv, *map(str, args)], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, timeout=TIMEOUT, check=True).stdout.strip()

    def mine(self):
        self("generatetoaddress", 1, ADDRESS)
        return self("getbestblockhash")


class Ear:
    """One topic at one address; a gap in its numbers is an error."""

    def __init__(self, context, topic, address):
        self.topic, self.next = topic.encode(), None
        self.socket = context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.SUBSCRIBE, self.topic)
        self.socket.connect(address)

    def hear(self, patience_s=TIMEOUT):
        """The next body; None: none came in time."""
        if not self.socket.poll(patience_s * 1000):
            return None
        topic, body, number = self.socket.recv_multipart()
        assert topic == self.topic, (topic, self.topic)
        number, = struct.unpack("<I", number)
        assert self.next in (None, number), (self.next, number)
        self.next = number + 1
        return body


def bodies(cli, block):
    """What is published when this one, a coinbase alone, becomes the tip."""
    raw = bytes.fromhex(cli("getblock", block, 0))
    txid, = json.loads(cli("getblock", block, 1))["tx"]
    assert sha256d(raw[:80]) == block
    return {"hashblock": bytes.fromhex(block), "rawblock": raw,
            "hashtx": bytes.fromhex(txid), "rawtx": raw[81:],
            "sequence": bytes.fromhex(block) + b"C"}


def heard_up_to(ear, body):
    while True:
        heard = ear.hear(1)
        if heard is None or heard == body:
            return heard is not None


def wait_for_subscriptions(cli, ears):
    """A subscription takes its time: mine until the last block was heard under
    every topic."""
    while True:
        want = bodies(cli, cli.mine())
        if all([heard_up_to(ear, want[t]) for t, ear in ears.items()]):
            return


def blocks(cli, ears):
    for _ in range(3):
        want = bodies(cli, cli.mine())
        for topic, ear in ears.items():
            assert ear.hear() == want[topic], topic


def reorganisation(cli, ears):
    before, tip = cli("getblockhash", 1), cli("getbestblockhash")
    cli("invalidateblock", before)
    heard = []
    while not heard or heard[-1] != bytes.fromhex(before) + b"D":
        heard.append(ears["sequence"].hear())
    assert heard[0] == bytes.fromhex(tip) + b"D"
    assert all(body[-1:] == b"D" for body in heard)
    cli("reconsiderblock", before)
    back = [ears["sequence"].hear() for _ in heard]
    assert back == [body[:-1] + b"C" for body in reversed(heard)]
    assert ears["hashblock"].hear().hex() == tip


def main():
    if "-zmqpub" not in subprocess.run([PENTAD, "-help"], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout:
        skip("pentad was built without libzmq")
    port = free_ports()[0]
    path = os.path.join("/tmp", f"pentad-zmq-{os.getpid()}")
    over = {"tcp": f"tcp://127.0.0.1:{port}", "unix": f"unix:{path}"}
    at = {t: over["unix" if t.startswith("raw") else "tcp"] for t in TOPICS}
    pentad = Pentad("-regtest", "-connect=0",
                    *(f"-zmqpub{t}={a}" for t, a in at.items()),
                    "-zmqpubrawtxhwm=77", rpc=True)
    context = zmq.Context()
    try:
        cli = Cli(pentad)
        listed = cli("getzmqnotifications")
        assert f'"ipc://{path}"' in listed and "77" in listed, listed
        ears = {t: Ear(context, t, a.replace("unix:", "ipc://"))
                for t, a in at.items()}
        wait_for_subscriptions(cli, ears)
        blocks(cli, ears)
        reorganisation(cli, ears)
        pentad.stop()
    finally:
        context.destroy(linger=0)
        pentad.kill()
        if os.path.exists(path):
            os.unlink(path)


main()
