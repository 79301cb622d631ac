#!/usr/bin/env python3
"""Whatever the node is in the middle of, it goes when it is told to: with 200
peers in every state and RPC calls that wait, by SIGTERM and by `stop`."""

import base64
import http.client
import json
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import Pentad, TIMEOUT  # noqa: E402
from rawnode import RawNode, frame, version  # noqa: E402

LIMIT_S = 20 if os.environ.get("PTD_SANITIZED") else 2
N_PEERS, N_CALLS = 200, 8


class Rpc:
    """One connection to the RPC port, with at most one call under way."""

    def __init__(self, pentad):
        path = os.path.join(pentad.dir, "regtest/.cookie")
        with open(path, encoding="utf-8") as cookie:
            login = base64.b64encode(cookie.read().encode()).decode()
        self.headers = {"Authorization": "Basic " + login}
        self.http = http.client.HTTPConnection("127.0.0.1", pentad.rpc_port,
                                               timeout=TIMEOUT)

    def begin(self, method, *params):
        self.http.request("POST", "/", json.dumps(
            {"id": 1, "method": method, "params": params}), self.headers)

    def end(self):
        return json.loads(self.http.getresponse().read())

    def call(self, method, *params):
        self.begin(method, *params)
        return self.end()["result"]


def silent(port):
    return socket.create_connection(("127.0.0.1", port), TIMEOUT)


def half_a_handshake(port):
    node = RawNode(port)
    node.send("version", version())
    return node.sock


def ready(port):
    node = RawNode(port)
    node.handshake()
    return node.sock


def half_a_message(port):
    sock = ready(port)
    sock.sendall(frame("block", bytes(100000))[:50000])
    return sock


def never_reads(port):
    """Its pongs stay where they are."""
    sock = ready(port)
    sock.setblocking(False)
    flood = frame("ping", b"12345678") * 4096
    try:
        while True:
            sock.send(flood)
    except BlockingIOError:
        return sock


def crowd(pentad):
    kinds = [ready] * 6 + [silent, half_a_handshake, half_a_message,
                           never_reads]
    return [kinds[i % len(kinds)](pentad.port) for i in range(N_PEERS)]


def goes(how):
    pentad = Pentad("-chain=regtest", "-connect=0", "-maxconnections=300",
                    "-rpcthreads=4", "-rpcworkqueue=64", rpc=True)
    try:
        peers = crowd(pentad)
        user = Rpc(pentad)
        deadline = time.monotonic() + TIMEOUT
        while user.call("getconnectioncount") != N_PEERS:
            assert time.monotonic() < deadline, "not all were let in"
        calls = [Rpc(pentad) for _ in range(N_CALLS)]
        for call in calls[1:]:  # more of them than threads
            call.begin("waitfornewblock", 0)
        # One of them sends but a part of what it announces.
        calls[0].http.putrequest("POST", "/")
        calls[0].http.putheader("Content-Length", "1000")
        calls[0].http.endheaders(b"{")
        begin = time.monotonic()
        if how == "stop":
            assert user.call("stop") == "Pentad stopping"
        else:
            pentad.child.send_signal(signal.SIGTERM)
        status = pentad.child.wait(TIMEOUT)
        took = time.monotonic() - begin
        print(f"{how}: exit status {status} after {took:.2f} s")
        assert status == 0, pentad.errors()
        assert pentad.errors() == "", pentad.errors()
        for sock in peers:
            sock.close()
    finally:
        pentad.kill()
    return took < LIMIT_S


# Somebody else may have the machine for a while.
for way in "SIGTERM", "stop":
    assert any(goes(way) for _ in range(5)), f"never within {LIMIT_S} s"
