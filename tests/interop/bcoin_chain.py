#!/usr/bin/env python3
"""A chain that bcoin mines goes through two Pentads, one behind the other, to
a second bcoin that knows nobody else; then 20 blocks of it are replaced. All
four have the same tip in the end, and the last one has run every script.

PTD_BCOIN_BLOCKS is the length of the chain."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/interop"))
from bcoinnode import Bcoin, install  # noqa: E402
from interop import Pentad  # noqa: E402

N_BLOCKS = int(os.environ.get("PTD_BCOIN_BLOCKS", "500"))
FORK = 20


def one_tip(bcoins, pentads, height, block):
    for bcoin in bcoins:
        assert bcoin.do("tip") == [height, block]
    for pentad in pentads:
        assert pentad.rpc("getblockcount") == height
        assert pentad.rpc("getbestblockhash") == block


def same_blocks(miner, pentads):
    """As they were mined, to the last byte, wherever they went."""
    blocks = miner.do("blocks")
    for pentad in pentads:
        assert pentad.rpc_each("getblockhash", [
            [height] for height in range(len(blocks))]) == [
                block for block, _ in blocks]
        assert pentad.rpc_each("getblock", [
            [block, 0] for block, _ in blocks]) == [raw for _, raw in blocks]


def main():
    install()
    miner = Bcoin("the bcoin that mines")
    programs = [miner]
    try:
        miner.do("wallet")
        height, payments = miner.do("mine", n=N_BLOCKS)
        assert height == N_BLOCKS
        assert payments > 0 or N_BLOCKS <= 101, payments
        height, block = miner.do("tip")
        print(f"bcoin mined {height} blocks with {payments} payments")

        first = Pentad("-regtest", f"-connect=127.0.0.1:{miner.port}",
                       rpc=True, name="the first pentad")
        programs.append(first)
        first.wait_height(height, block)
        second = Pentad("-regtest", f"-connect=127.0.0.1:{first.port}",
                        rpc=True, name="the second pentad")
        programs.append(second)
        second.wait_height(height, block)
        last = Bcoin("the bcoin at the end", second.port)
        programs.append(last)
        last.event("tip", height=height, hash=block)
        one_tip((miner, last), (first, second), height, block)
        print("both pentads and the second bcoin have them")

        height, block = miner.do("fork", depth=FORK)
        assert height == N_BLOCKS + 1, height
        for pentad in first, second:
            pentad.wait_height(height, block)
        last.event("tip", height=height, hash=block)
        # … and goes on from there.
        assert miner.do("mine", n=1)[0] == height + 1
        height, block = miner.do("tip")
        for pentad in first, second:
            pentad.wait_height(height, block)
        last.event("tip", height=height, hash=block)
        one_tip((miner, last), (first, second), height, block)
        print(f"so have they {FORK} others instead of the last {FORK}")

        same_blocks(miner, (first, second))
        for pentad in first, second:
            forks = [tip["branchlen"] for tip in pentad.rpc("getchaintips")]
            assert sorted(forks) == [0, FORK], forks
            assert pentad.rpc("verifychain", 4, 0) is True
            pentad.stop()
    finally:
        for program in reversed(programs):
            program.kill()


main()
