#!/usr/bin/env python3
"""Pentad and bcoin 1.0.2, both ways: bcoin mines, Pentad follows the headers,
fetches and decodes every block, and hands them on to a second bcoin that
knows nobody else. Pings, addresses and inventory on the way."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from bcoinnode import Bcoin, install  # noqa: E402
from interop import TIMEOUT, Pentad  # noqa: E402

N_BLOCKS = 120


def pentad_follows(pentad, miner):
    """All headers, then every block, by hash, each height once."""
    assert miner.do("mine", n=N_BLOCKS) == [N_BLOCKS, 0]
    blocks = miner.do("blocks")
    assert len(blocks) == N_BLOCKS + 1
    held = {0: blocks[0][0]}
    while len(held) <= N_BLOCKS:
        found = pentad.wait_for(r"Block ([0-9a-f]{64}), height (\d+), from")
        held[int(found[2])] = found[1]
    for height, (block, _) in enumerate(blocks):
        assert held[height] == block, f"height {height}"
    print(f"pentad fetched {N_BLOCKS} blocks that bcoin mined")
    return blocks


def pentad_serves(miner, blocks):
    """Blocks and headers come back, over the connection that Pentad made, as
    they were."""
    wanted = [blocks[i] for i in (1, 60, N_BLOCKS)]
    miner.begin("getdata", hashes=[block for block, _ in wanted])
    for block, raw in wanted:
        assert miner.event("packet", type="block", hash=block)["raw"] == raw
    miner.begin("getdata", hashes=["11" * 32])
    missing = miner.event("packet", type="notfound")["items"]
    assert [h for _, h in missing] == ["11" * 32], missing
    miner.begin("getheaders")
    headers = miner.event("packet", type="headers")["hashes"]
    assert headers == [block for block, _ in blocks[1:]], len(headers)
    print("pentad served blocks, headers and a notfound back")


def pings(pentad, miner):
    miner.begin("ping")
    miner.event("packet", type="pong")
    pentad.wait_for("received: ping ")


def addresses(pentad, miner):
    """One bcoin tells Pentad of 500 nodes; a share of them is for whoever calls
    it and asks first."""
    miner.do("addr", n=500)
    pentad.wait_for(r"Received addr: 500 addresses \(500 processed")


def heard(second):
    hosts = second.event("packet", type="addr")["hosts"]
    # 23 %; some fell on a place that was taken.
    assert 80 <= len(hosts) <= 116, len(hosts)
    assert sum(h.startswith("8.") for h in hosts) >= len(hosts) - 1, hosts
    print(f"pentad told bcoin of {len(hosts)} of 500 addresses")


def transaction(pentad, miner, second):
    """One that is given to Pentad reaches both, is mined, and is gone."""
    tx = miner.do("spend", height=1)
    assert pentad.rpc("testmempoolaccept", [tx["raw"]])[0]["allowed"]
    assert pentad.rpc("sendrawtransaction", tx["raw"]) == tx["txid"]
    assert pentad.rpc("getrawmempool") == [tx["txid"]]
    entry = pentad.rpc("getmempoolentry", tx["txid"])
    assert entry["unbroadcast"] and "fees" not in entry, entry
    for node in (miner, second):
        node.event("mempool", txid=tx["txid"])
    assert not pentad.rpc("getmempoolentry", tx["txid"])["unbroadcast"]
    assert pentad.rpc("getrawtransaction", tx["txid"]) == tx["raw"]
    assert miner.do("mine", n=1) == [N_BLOCKS + 2, 1]
    block = second.event("tip", height=N_BLOCKS + 2)["hash"]
    deadline = time.monotonic() + TIMEOUT
    while pentad.rpc("getrawmempool"):
        assert time.monotonic() < deadline, "it stays in the pool"
        time.sleep(0.05)
    assert tx["txid"] in pentad.rpc("getblock", block)["tx"]
    print("a transaction given to pentad reached both bcoins and was mined")


def main():
    install()
    miner = Bcoin("the bcoin that mines")
    pentad = second = None
    try:
        pentad = Pentad("-regtest", f"-connect=127.0.0.1:{miner.port}",
                        "-debug=net", rpc=True)
        peer = miner.event("peer")
        assert peer["agent"].startswith("/pentad:"), peer
        assert peer["version"] == 70016 and not peer["outbound"], peer
        blocks = pentad_follows(pentad, miner)
        pentad_serves(miner, blocks)
        pings(pentad, miner)
        addresses(pentad, miner)

        second = Bcoin("the bcoin that calls pentad", pentad.port)
        assert second.event("peer", outbound=True)["services"] & 9 == 9
        heard(second)
        tip = second.event("tip", height=N_BLOCKS)
        assert tip["hash"] == blocks[N_BLOCKS][0], tip
        print(f"a second bcoin got all {N_BLOCKS} blocks from pentad")

        # A new block goes from one to the other through Pentad.
        assert miner.do("mine", n=1) == [N_BLOCKS + 1, 0]
        second.event("tip", height=N_BLOCKS + 1)
        print("a new block went through")
        transaction(pentad, miner, second)
        pentad.stop()
    finally:
        for program in (second, pentad, miner):
            if program is not None:
                program.kill()


main()
