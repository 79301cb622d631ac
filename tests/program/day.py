#!/usr/bin/env python3
"""A day of sixty nodes that know nobody but one. All find each other, and stay
together while a third of them, that one included, is killed and comes back.
The clocks are the test's, so that a day takes a minute."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/program"))
import swarm  # noqa: E402

START = 1700000000
DAY = 86400
# Under a sanitizer threads and memory cost many times as much.
N = 20 if os.environ.get("PTD_SANITIZED") else 60
AT_ONCE = 6  # that join in the same minute
MINER = "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z"

FULL = "outbound-full-relay"
BLOCKS = "block-relay-only"
USUAL = {FULL: 8, BLOCKS: 2}
MOST = {FULL: 9, BLOCKS: 3, "feeler": 1, "addr-fetch": 11, "manual": 0}
MOST_CALLS = 11
SPARE_DESCRIPTORS = 40  # besides those of connections


def options(i, hosts):
    return () if i == 0 else (f"-seednode={hosts[0]}:{swarm.P2P_PORT}",)


# ---- what holds at any moment ----------------------------------------------

def count(peers, kind):
    return sum(p["connection_type"] == kind for p in peers)


def check_slots(node, peers):
    """Never more connections than there are slots, nor two to one host, nor
    one to itself."""
    calls = [p for p in peers if not p["inbound"]]
    called = [p["addr"] for p in calls]
    assert len(calls) <= MOST_CALLS, (node, called)
    assert len(set(called)) == len(called), (node, called)
    assert node.address not in called, node
    for kind, most in MOST.items():
        assert count(calls, kind) <= most, (node, kind, called)
    n = len(os.listdir(f"/proc/{node.child.pid}/fd"))
    assert n <= len(peers) + SPARE_DESCRIPTORS, (node, n, len(peers))


def settle(s):
    """Once nothing is under way any more, all of that holds. Gives the peers
    of each node."""
    peers = s.settle()
    for node, list_ in peers.items():
        check_slots(node, list_)
    return peers


# ---- the graph -------------------------------------------------------------

def reached(s, peers):
    """Whom the first node reaches over connections that tell addresses."""
    by_address = {node.address: node for node in s.up()}
    near = {node: set() for node in s.up()}
    for node, list_ in peers.items():
        for p in list_:
            if p["connection_type"] == FULL:
                near[node].add(by_address[p["addr"]])
                near[by_address[p["addr"]]].add(node)
    seen, next_ = set(), [s.up()[0]]
    while next_:
        node = next_.pop()
        if node not in seen:
            seen.add(node)
            next_.extend(near[node])
    return seen


def incomplete(peers):
    return [(node, kind, count(list_, kind)) for node, list_ in peers.items()
            for kind, n in USUAL.items() if count(list_, kind) < n]


def run_until_complete(s, seconds):
    """Until each has as many connections as it wants, and all are of one
    network."""
    end = s.now + seconds
    while True:
        for _ in range(6):
            s.advance(10)
        peers = settle(s)
        wrong = incomplete(peers)
        if not wrong and len(reached(s, peers)) == len(s.up()):
            return
        assert s.now < end, wrong


# ---- addresses -------------------------------------------------------------

def tables(s):
    """All addresses in the tables of each, whatever they are worth."""
    return {node: {e["address"] for table in t.values() for e in table.values()}
            for node, t in s.all("getrawaddrman").items()}


def check_none_lost(before, after):
    for node, addresses in after.items():
        lost = before.get(node, set()) - addresses
        assert not lost, f"{node} lost {lost}"


def check_found(s):
    """Nearly all know of nearly all others, and would tell of them. Each node
    tells of an address to the same two peers for a day: about a fifth never
    hears of it on that day, and it takes some days until all have."""
    hosts = {node.host for node in s.nodes}
    known = {node.host: {e["address"] for e in list_} & hosts - {node.host}
             for node, list_ in s.all("getnodeaddresses", 0).items()}
    for host in hosts:
        n_known = len(known[host])
        n_knowing = sum(host in others for others in known.values())
        assert min(n_known, n_knowing) > N // 2, (host, n_known, n_knowing)
    n_pairs = sum(map(len, known.values()))
    assert n_pairs >= N * (N - 1) * 9 // 10, n_pairs


# ---- time ------------------------------------------------------------------

def mine(s, number):
    """A block, which reaches all."""
    nodes = s.up()
    node = nodes[number % len(nodes)]
    best, = node.call("generatetoaddress", 1, MINER)
    swarm.wait_until(
        lambda: [n for n, hash_ in s.all("getbestblockhash").items()
                 if hash_ != best], "a block does not reach all")


def quarter(s):
    """Of an hour: a block, what is due, and a little more time, for what that
    brings about."""
    s.advance(900)
    mine(s, s.now)
    settle(s)
    for _ in range(2):
        s.advance(45)


def quarters(s, n):
    for _ in range(n):
        quarter(s)


# ---- the day ---------------------------------------------------------------

def join(s):
    s.start(s.nodes[:1])
    s.nodes[0].call("generatetoaddress", 1, MINER)
    for i in range(1, N, AT_ONCE):
        s.start(s.nodes[i:i + AT_ONCE])
        for _ in range(6):
            s.advance(10)
        settle(s)


def saved(nodes):
    return {n: os.stat(os.path.join(n.dir, "regtest/peers.dat")).st_ino
            for n in nodes}


def save_all(s):
    """Until what was known before is on disk: it is written every ten
    minutes."""
    before = saved(s.nodes)
    s.advance(900)
    swarm.wait_until(
        lambda: [n for n, inode in saved(s.nodes).items()
                 if inode == before[n]], "addresses are not saved")


def lose_a_third(s):
    known = tables(s)
    save_all(s)
    dead = s.nodes[::3]
    for node in dead:
        node.kill()
    run_until_complete(s, 3 * 3600)
    quarters(s, 4)
    check_none_lost(known, tables(s))
    s.start(dead)
    check_none_lost(known, tables(s))
    run_until_complete(s, 3600)


def check_tried(s):
    """Feelers have tried out more than there are connections."""
    few = [(n, i["all_networks"]) for n, i in s.all("getaddrmaninfo").items()
           if i["all_networks"]["tried"] < N // 2]
    assert not few, few


def day(s):
    join(s)
    run_until_complete(s, 3600)
    quarters(s, 24)
    lose_a_third(s)
    while s.now < START + DAY:
        quarter(s)
    run_until_complete(s, 3600)
    check_found(s)
    check_tried(s)
    s.end()


def main():
    why = swarm.netns.enter()
    if why:
        print("SKIP:", why)
        sys.exit(77)
    s = swarm.Swarm(N, options, START)
    try:
        day(s)
    finally:
        s.kill()


main()
