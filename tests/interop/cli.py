#!/usr/bin/env python3
"""pentad-cli, or any other program that speaks bitcoind's RPC, drives pentad:
over HTTP, with the cookie, from the first call to stop."""

import base64
import http.client
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from interop import BUILDDIR, TIMEOUT, Pentad  # noqa: E402

CLI = os.path.join(BUILDDIR, "src/cmd/pentad-cli")
ADDRESSES = ("mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z",
             "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
             "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6")
CHAIN_TIME = 1700000000


class Cli:
    """A shell's view of one node."""

    def __init__(self, node):
        self.argv = [CLI, "-regtest", f"-datadir={node.dir}",
                     f"-rpcport={node.rpc_port}"]

    def run(self, *args, stdin="", status=0):
        done = subprocess.run(
            [*self.argv, *map(str, args)], input=stdin, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
            check=False)
        assert done.returncode == status, (args, done)
        return (done.stdout if status == 0 else done.stderr).rstrip("\n")

    def json(self, *args, **options):
        return json.loads(self.run(*args, **options))


def post(node, body, cookie=True):
    """One request as any client would make it; status, type and body."""
    headers = {"Content-Type": "application/json"}
    if cookie:
        with open(os.path.join(node.dir, "regtest/.cookie"), "rb") as f:
            secret = base64.b64encode(f.read()).decode()
        headers["Authorization"] = "Basic " + secret
    conn = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=60)
    conn.request("POST", "/", json.dumps(body), headers)
    answer = conn.getresponse()
    text = answer.read()
    conn.close()
    return answer.status, answer.getheader("Content-Type"), text


def over_http(node):
    call = {"jsonrpc": "2.0", "id": 7, "method": "getblockcount"}
    status, kind, text = post(node, call)
    assert (status, kind) == (200, "application/json"), (status, kind)
    assert json.loads(text) == {"jsonrpc": "2.0", "result": 0, "id": 7}, text
    assert post(node, call, cookie=False)[0] == 401
    batch = [call, {"jsonrpc": "2.0", "id": 8, "method": "nothing"}]
    codes = [r.get("error", {}).get("code")
             for r in json.loads(post(node, batch)[2])]
    assert codes == [None, -32601], codes


def documented(cli):
    """Every method that is listed, and those that are not, tell of
    themselves."""
    names = [line.split()[0] for line in cli.run("help").splitlines()
             if line and not line.startswith("==")]
    assert len(names) > 40, names
    for name in names + ["addconnection", "setmocktime", "generatetoaddress"]:
        text = cli.run("help", name)
        assert text.startswith(name) and "\nResult" in text, text
        assert "TODO" not in text


def views(cli):
    assert "Chain: regtest" in cli.run("-getinfo")
    assert "Pentad client" in cli.run("-netinfo")
    for level in range(5):
        assert "total" in cli.run("-netinfo", level)
    assert cli.json("-addrinfo")["addresses_known"]["total"] == 0


def wait_for(what):
    deadline = time.monotonic() + TIMEOUT
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def peers(first, second, port):
    """Two nodes, connected and parted by hand."""
    first.run("addnode", f"127.0.0.1:{port}", "onetry")
    wait_for(lambda: any(p["version"] for p in second.json("getpeerinfo")))
    there, = first.json("getpeerinfo")
    here, = second.json("getpeerinfo")
    assert there["addr"] == f"127.0.0.1:{port}"
    assert here["addr"] == there["addrbind"]
    assert (here["inbound"], there["inbound"]) == (True, False)
    assert there["subver"].startswith("/pentad:")
    assert "manual" in first.run("-netinfo", 4)
    first.run("disconnectnode", f"127.0.0.1:{port}")
    wait_for(lambda: second.json("getconnectioncount") == 0)


def chain(first, second):
    """Two hundred blocks on one node, handed to another one by one."""
    first.run("setmocktime", CHAIN_TIME)
    for i in range(8):
        made = first.json("generatetoaddress", 25, ADDRESSES[i % 3])
        assert len(made) == 25
    second.run("setmocktime", CHAIN_TIME)
    for height in range(1, 201):
        block = first.run("getblock", first.run("getblockhash", height), 0)
        # Longer than what a command line takes, for a block of real size.
        assert second.run("-stdin", "submitblock", stdin=block + "\n") == ""
    infos = [c.json("getblockchaininfo") for c in (first, second)]
    assert [i["blocks"] for i in infos] == [200, 200]
    assert infos[0]["bestblockhash"] == infos[1]["bestblockhash"]
    assert not infos[0]["initialblockdownload"]
    assert first.json("-named", "verifychain", "checklevel=4", "nblocks=0")
    err = first.run("getblockhash", 201, status=8)
    assert "Block height out of range" in err, err


def stopped(node, cli):
    """By its own method; what it leaves is what a copy needs."""
    assert cli.run("stop") == "Pentad stopping"
    assert node.child.wait(TIMEOUT) == 0
    assert node.errors() == "", node.errors()
    left = os.path.join(node.dir, "regtest")
    assert not os.path.exists(os.path.join(left, ".cookie"))
    for name in os.listdir(left):
        assert (name in ("blocks", "chainstate", "indexes", "wallets") or
                os.path.isfile(os.path.join(left, name))), name
    os.rmdir(os.path.join(left, "wallets"))
    node.kill()


def main():
    nodes = [Pentad("-regtest", "-connect=0", "-rpcdoccheck", rpc=True,
                    name=f"node{i}") for i in range(2)]
    clis = [Cli(node) for node in nodes]
    try:
        for node, cli in zip(nodes, clis):
            cli.run("-rpcwait", "getblockcount")
            over_http(node)
        documented(clis[0])
        views(clis[0])
        peers(clis[0], clis[1], nodes[1].port)
        chain(*clis)
        for node, cli in zip(nodes, clis):
            stopped(node, cli)
    finally:
        for node in nodes:
            node.kill()


main()
