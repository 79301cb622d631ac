"""Many pentads in a network of their own, whose clocks stand until the test
moves them; asked over RPC, all at once."""

import base64
import collections
import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/support"))
import netns  # noqa: E402

PENTAD = os.path.join(os.environ["PTD_BUILDDIR"], "src/cmd/pentad")
P2P_PORT = 18444
RPC_PORT = 19000
DEADLINE = 120  # seconds, for what takes one at most
PAUSE = 0.01    # between two looks


def wait_until(what, say):
    """Look at it until it is so; what is still wrong is told at last."""
    deadline = time.monotonic() + DEADLINE
    while True:
        wrong = what()
        if not wrong:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{say}: {str(wrong)[:1000]}")
        time.sleep(PAUSE)


class Node:
    """One pentad, at an address of its own."""

    def __init__(self, number, host, root, options):
        self.number = number
        self.host = host
        self.address = f"{host}:{P2P_PORT}"
        self.dir = os.path.join(root, str(number))
        self.rpc_port = RPC_PORT + number
        self.options = options
        self.child = None
        self.conn = None
        os.mkdir(self.dir)

    def __repr__(self):
        return f"node {self.number} ({self.host})"

    def start(self, now):
        self.errors = open(os.path.join(self.dir, "stderr"), "w+",
                           encoding="utf-8")
        self.child = subprocess.Popen(
            [PENTAD, "-regtest", f"-datadir={self.dir}",
             f"-bind={self.address}", f"-externalip={self.host}",
             "-listenonion=0", "-fixedseeds=0", "-dnsseed=0",
             f"-rpcport={self.rpc_port}", "-rpcuser=u", "-rpcpassword=p",
             "-rpcthreads=1", "-rpcservertimeout=600", "-logips",
             f"-mocktime={now}", *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors)

    def is_up(self):
        assert self.child.poll() is None, f"{self} ended: {self.said()}"
        try:
            self.ask("getconnectioncount")
            self.answer()
        except (OSError, http.client.HTTPException, AssertionError):
            self.hang_up()
            return False
        return True

    def ask(self, method, *params):
        if self.conn is None:
            self.conn = http.client.HTTPConnection("127.0.0.1", self.rpc_port,
                                                   timeout=DEADLINE)
        secret = base64.b64encode(b"u:p").decode()
        self.conn.request(
            "POST", "/", json.dumps({"method": method, "params": params}),
            {"Authorization": f"Basic {secret}"})

    def answer(self):
        with self.conn.getresponse() as r:
            reply = json.loads(r.read())
        assert reply["error"] is None, (self, reply["error"])
        return reply["result"]

    def call(self, method, *params):
        self.ask(method, *params)
        return self.answer()

    def hang_up(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def kill(self):
        self.hang_up()
        if self.child is not None:
            if self.child.poll() is None:
                self.child.kill()
            self.child.wait()
            self.errors.close()
        self.child = None

    def check_end(self):
        """It was told to end: it does, content."""
        status = self.child.wait(DEADLINE)
        assert status == 0 and self.said() == "", (self, status, self.said())
        self.kill()


class Swarm:
    """All of them. `now` is the time of those that run."""

    def __init__(self, n, options, now):
        self.root = tempfile.mkdtemp(prefix="pentad-swarm-")
        self.now = now
        # Each in a group (/16) of its own.
        hosts = [f"{11 + i}.{20 + i}.3.4" for i in range(n)]
        netns.add_addresses(hosts)
        self.nodes = [Node(i, host, self.root, options(i, hosts))
                      for i, host in enumerate(hosts)]

    def up(self):
        return [n for n in self.nodes if n.child is not None]

    def start(self, nodes):
        for node in nodes:
            node.start(self.now)
        for node in nodes:
            wait_until(lambda n=node: not n.is_up(), f"{node} is not up")

    def all(self, method, *params):
        """The answers of all that run, by node."""
        nodes = self.up()
        for node in nodes:
            node.ask(method, *params)
        return {node: node.answer() for node in nodes}

    def advance(self, seconds):
        self.now += seconds
        self.all("setmocktime", self.now)

    def peers(self):
        return self.all("getpeerinfo")

    def settle(self):
        """Until nothing is under way: each handshake is done, each ping is
        answered, and who is called knows of it, as often as who calls. Gives
        the peers of each."""
        found = {}

        def unsettled():
            found.clear()
            found.update(self.peers())
            return (waits(found) or
                    sorted(ends(found, False) ^ ends(found, True)))
        wait_until(unsettled, "the network does not come to rest")
        return found

    def end(self):
        """All end when they are told to, content."""
        nodes = self.up()
        for node in nodes:
            node.hang_up()
            node.child.send_signal(signal.SIGTERM)
        for node in nodes:
            node.check_end()

    def kill(self):
        for node in self.nodes:
            with contextlib.suppress(OSError):
                node.kill()
        shutil.rmtree(self.root, ignore_errors=True)


def waits(peers):
    return [(node, p["addr"]) for node, list_ in peers.items() for p in list_
            if p["version"] == 0 or "pingwait" in p]


def ends(peers, inbound):
    """Connections by their two ends, that of the caller first."""
    pairs = ((p["addr"], p["addrbind"]) if p["inbound"] else
             (p["addrbind"], p["addr"])
             for p in itertools.chain.from_iterable(peers.values())
             if p["inbound"] == inbound)
    return set(collections.Counter(pairs).items())
