#!/usr/bin/env python3
"""What hostile peers do to a pentad, from addresses of a network of their own,
and that it stays as it was: in memory, in its slots, in what it knows, and
open to who means well. Each attack meets a node of its own."""

import contextlib
import os
import select
import shutil
import socket
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["PTD_SRCDIR"], "tests/program"))
import swarm  # noqa: E402
from rawnode import (REGTEST, RawNode, frame, net_addr,  # noqa: E402
                     sha256d, version)

NOW = 1700000000
DAY = 86400
HOST = "11.20.3.4"
HOST6 = "2001:db9:ff::1"
FRIEND = "12.20.3.4"
OTHER = "13.20.3.4"

# One of a group (/16) each, and crowds of one /24, one /64.
GROUPS = [f"{40 + i}.1.1.1" for i in range(50)]
CROWDS = [[f"15.5.{net}.{i}" for i in range(1, 21)] for net in range(5, 9)]
CROWD = CROWDS[0]
CROWDS6 = [[f"2001:db9:0:{net}::{i}" for i in range(1, 21)]
           for net in range(1, 4)]

KIB = 1024
MIB = 1024 * KIB
# A sanitizer holds back what is freed, to find late uses.
MEMORY_COUNTS = not os.environ.get("PTD_SANITIZED")


class Target(swarm.Node):
    """The pentad under attack."""

    def __init__(self, *options, number=0, host=HOST, root):
        super().__init__(number, host, root, options)
        self.start(NOW)
        swarm.wait_until(lambda: not self.is_up(), "pentad is not up")

    def dial(self, source, host=None, **options):
        """Somebody calls it."""
        return RawNode(swarm.P2P_PORT, host or self.host, source=source,
                       **options)

    def friend(self, source=FRIEND, **fields):
        peer = self.dial(source)
        peer.handshake(**fields)
        return peer

    def dials(self):
        """It calls us: its connection, before a byte was sent on it."""
        with socket.socket() as s:
            s.bind((OTHER, 0))
            s.listen()
            self.call("addnode", f"{OTHER}:{s.getsockname()[1]}", "onetry")
            return RawNode(sock=s.accept()[0])

    def status(self, field):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError(field)

    def memory(self):
        return self.status("VmRSS") * KIB

    def check_memory(self, before, most):
        grown = self.memory() - before
        assert grown < most or not MEMORY_COUNTS, grown

    def received(self):
        return self.call("getnettotals")["totalbytesrecv"]

    def wait_received(self, n):
        def wrong():
            have = self.received()
            return f"{have} bytes" if have < n else None
        swarm.wait_until(wrong, f"{n} bytes are not received")

    def wait_peers(self, n):
        def wrong():
            have = self.call("getconnectioncount")
            return f"{have} connections" if have != n else None
        swarm.wait_until(wrong, f"not {n} connections")

    def log_size(self):
        return os.path.getsize(os.path.join(self.dir, "regtest/debug.log"))


def head(command, length, check=b"\0\0\0\0"):
    return (REGTEST + command.encode().ljust(12, b"\0") +
            struct.pack("<I", length) + check)


# ---- memory ----------------------------------------------------------------

def large_promises(t):
    """CVE-2015-3641: a length of megabytes, and nothing behind it."""
    peers = [t.friend(GROUPS[i % 50]) for i in range(200)]
    assert all(p.sync() for p in peers)
    before, received = t.memory(), t.received()
    for p in peers:
        p.sock.sendall(head("block", 3900000) + bytes(1000))
    t.wait_received(received + 200 * 1024)
    t.check_memory(before, 200 * 100 * KIB)
    t.wait_peers(200)


def compact(n):
    return b"\xff" + struct.pack("<Q", n)


HEADER = bytes(80)
INPUT = bytes(36) + b"\0" + bytes(4)

# What counts are put before: command, bytes in front, bytes behind.
COUNTED = [
    ("inv", b"", b""),
    ("getdata", b"", b""),
    ("notfound", b"", b""),
    ("addr", b"", b""),
    ("addrv2", b"", b""),
    ("headers", b"", b""),
    ("getblocks", bytes(4), b""),
    ("getheaders", bytes(4), b""),
    ("tx", bytes(4), b""),                              # inputs
    ("tx", bytes(4) + b"\1" + bytes(36), b""),          # bytes of a script
    ("tx", bytes(4) + b"\1" + INPUT, b""),              # outputs
    ("tx", bytes(4) + b"\0\1\1" + INPUT + b"\0", b""),  # items of a witness
    ("block", HEADER, b""),
    ("block", HEADER + b"\1" + bytes(4), b""),
    ("merkleblock", HEADER + bytes(4), b""),
    ("cmpctblock", HEADER + bytes(8), b""),
    ("cmpctblock", HEADER + bytes(8) + b"\0", b""),
    ("getblocktxn", bytes(32), b""),
    ("blocktxn", bytes(32), b""),
    ("filterload", b"", bytes(9)),
    ("filteradd", b"", b""),
    ("version", b"", b""),
    ("reject", b"", b""),
    ("cfilter", bytes(33), b""),
    ("cfheaders", bytes(65), b""),
]
COUNTS = [2**63, 2**64 - 1, 2**32, 2**31, 2**25, 50001, 2001, 1001]


def large_counts(t):
    """More entries than any message could hold, told in a few bytes."""
    friend = t.friend()
    peer = t.friend(GROUPS[0])
    assert peer.sync()
    before = t.memory()
    for command, front, behind in COUNTED:
        for count in COUNTS:
            peer.send(command, front + compact(count) + behind)
            if not peer.sync():
                peer = t.friend(GROUPS[0])
    t.check_memory(before, 8 * MIB)
    assert friend.sync()


def deaf_peer(t):
    """Who asks and never reads: what is kept for him has an end, and he is
    gone when nothing could be written for two minutes."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
    sock.bind((GROUPS[0], 0))
    sock.connect((t.host, swarm.P2P_PORT))
    peer = RawNode(sock=sock)
    peer.handshake()
    before = t.memory()
    pings = memoryview(frame("ping", b"no reply") * 10000)
    sock.setblocking(False)
    sent = 0
    while sent < 128 * MIB and select.select([], [sock], [], 2)[1]:
        sent += sock.send(pings[sent % 32:])
    assert sent < 128 * MIB, "it goes on reading"
    # Five megabytes unread, one to be sent, in many small messages.
    t.check_memory(before, 32 * MIB)
    friend = t.friend()
    assert friend.sync()
    # Not before, though: a peer may be slow.
    t.call("setmocktime", NOW + 100)
    assert friend.sync() and t.call("getconnectioncount") == 2
    t.call("setmocktime", NOW + 130)
    t.wait_peers(1)
    assert friend.sync()


# ---- time ------------------------------------------------------------------

TIMES = [-2**63, -2**63 + 1, -1, 0, 2**63 - 1]


def clock_of(peer):
    """The time in its version message."""
    peer.send("version", version())
    return struct.unpack_from("<q", peer.wait_for("version"), 12)[0]


def absurd_times(t):
    """CVE-2024-52912: no overflow, and the clock stays, whoever says so."""
    peers = []
    for when in TIMES:
        peers.append(t.friend(GROUPS[len(peers)], when=when))
        called = t.dials()
        called.wait_for("version")
        called.send("version", version(when=when))
        called.send("verack")
        called.wait_for("verack")
        peers.append(called)
    assert all(p.sync() for p in peers)
    for info in t.call("getpeerinfo"):
        assert abs(info["timeoffset"]) > NOW - 2, info
    assert "clock" in str(t.call("getnetworkinfo")["warnings"])
    assert clock_of(t.dial(GROUPS[20])) == NOW


# ---- addresses -------------------------------------------------------------

def addr(hosts, when=NOW):
    n = len(hosts)
    return ((bytes([n]) if n < 0xfd else b"\xfd" + struct.pack("<H", n)) +
            b"".join(struct.pack("<I", when) + net_addr(host, 8333, 9)
                     for host in hosts))


def n_known(t):
    return t.call("getaddrmaninfo")["all_networks"]["total"]


def flood_of_addresses(t):
    """CVE-2024-52919: one address at first, then one in ten seconds."""
    n_peers, n_messages = 10, 20
    peers = [t.friend(GROUPS[i]) for i in range(n_peers)]
    for i, peer in enumerate(peers):
        for k in range(n_messages):
            peer.send("addr", addr([f"{100 + i}.{k}.{x >> 8}.{x & 255}"
                                    for x in range(1000)]))
    assert all(p.sync() for p in peers)
    assert 0 < n_known(t) <= n_peers
    t.call("setmocktime", NOW + 100)
    for i, peer in enumerate(peers):
        peer.send("addr", addr([f"{120 + i}.{x}.1.1" for x in range(200)]))
    assert all(p.sync() for p in peers)
    assert n_peers < n_known(t) <= 11 * n_peers
    for info in t.call("getpeerinfo"):
        assert info["addr_processed"] == 11, info
        assert info["addr_rate_limited"] == n_messages * 1000 + 189, info


def eclipse(t):
    """A hundred thousand addresses from ten groups: each group of addresses,
    told by one of sources, has one bucket of 64, whatever their number."""
    honest = [f"{60 + i}.{2 * i}.1.1" for i in range(100)]
    for i in range(0, 100, 10):
        peer = t.friend(GROUPS[20 + i // 10])
        peer.send("addr", addr(honest[i:i + 10]))
        assert peer.sync()
    n_honest = n_known(t)
    assert n_honest > 90
    for i in range(10):
        peer = t.friend(GROUPS[i])
        for k in range(10):
            peer.send("addr", addr([f"{200 + i}.9.{x >> 8}.{x & 255}"
                                    for x in range(k * 1000, k * 1000 + 1000)]))
        assert peer.sync()
    table = t.call("getrawaddrman")
    hosts = {e["address"] for e in table["new"].values()}
    hostile = [h for h in hosts if int(h.split(".")[0]) >= 200]
    assert 10 < len(hostile) <= 10 * 64, len(hostile)
    assert len(hosts & set(honest)) > n_honest - 10, len(hosts & set(honest))


def v2(network, raw, when=NOW, services=9):
    return (struct.pack("<I", when) + bytes([services, network, len(raw)]) +
            raw + struct.pack(">H", 8333))


def ip(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.inet_pton(family, host)


IPV4, IPV6, TORV2, TORV3, I2P, CJDNS = range(1, 7)
HEARSAY = 2 * 3600  # how much older it is taken for

# What is told in addrv2, and what of it is taken, with what time.
STRANGE = [
    (v2(IPV4, ip("61.1.1.1"), NOW - 3600), ("61.1.1.1", NOW - 3600)),
    (v2(IPV4, ip("61.2.1.1"), NOW + DAY), ("61.2.1.1", NOW - 5 * DAY)),
    (v2(IPV4, ip("61.3.1.1"), 0), ("61.3.1.1", NOW - 5 * DAY)),
    (v2(IPV4, ip("61.4.1.1"), 2**32 - 1), ("61.4.1.1", NOW - 5 * DAY)),
    (v2(IPV6, ip("2a01::1")), ("2a01::1", NOW)),
    (v2(IPV4, ip("61.5.1.1"), services=0), None),  # has no blocks
    (v2(IPV4, ip("10.0.0.1")), None),
    (v2(IPV4, ip("127.0.0.1")), None),
    (v2(IPV4, ip("0.0.0.0")), None),
    (v2(IPV4, ip("255.255.255.255")), None),
    (v2(IPV6, ip("::ffff:61.6.1.1")), None),       # BIP 155: ignore these
    (v2(IPV6, ip("fd87:d87e:eb43::1")), None),     # … and Tor v2 in IPv6
    (v2(IPV6, ip("fe80::1")), None),
    (v2(IPV6, ip("2001:db8::1")), None),
    (v2(TORV2, bytes(10)), None),
    (v2(0xaa, bytes(100)), None),
]

# Messages that are no good as a whole.
BROKEN = [
    v2(IPV4, bytes(5)), v2(IPV6, bytes(4)), v2(TORV3, bytes(31)),
    v2(I2P, bytes(33)), v2(CJDNS, bytes(15)),
    struct.pack("<I", NOW) + b"\x09\xaa\xfd\x01\x02" + bytes(513) + bytes(2),
]


def strange_addresses(t):
    """Impossible times, networks that are none, addresses that are no
    place."""
    peer = t.friend(GROUPS[0])
    peer.send("addrv2", bytes([len(STRANGE)]) +
              b"".join(entry for entry, _ in STRANGE))
    for entry in BROKEN:
        good = v2(IPV4, ip("61.9.1.1"))
        peer.send("addrv2", b"\2" + good + entry)
    assert peer.sync()
    got = sorted((e["address"], e["time"] + HEARSAY)
                 for e in t.call("getnodeaddresses", 0))
    want = sorted(taken for _, taken in STRANGE if taken)
    assert got == want, got


def votes(t):
    """Who calls says where he found us, and each counts once."""
    def score():
        own, = t.call("getnetworkinfo")["localaddresses"]
        return own["score"]

    before = score()
    for i in range(50):
        peer = t.friend(GROUPS[i], you=net_addr(HOST, swarm.P2P_PORT))
        assert peer.sync()
        peer.send("version", version(you=net_addr(HOST, swarm.P2P_PORT)))
        assert peer.sync()
        t.friend(GROUPS[i], you=net_addr("66.66.66.66", swarm.P2P_PORT))
    assert score() == before + 50, score()


# ---- slots -----------------------------------------------------------------

def silent(t, sources, host=None):
    """They call, and say nothing."""
    return [t.dial(source, host) for source in sources]


def close_all(peers):
    for peer in peers:
        peer.close()


def split(t, peers, n_stay, n_others=0):
    """Those that were turned away and those that stay, once it is so."""
    t.wait_peers(n_stay + n_others)
    away = []
    while len(away) < len(peers) - n_stay:
        for p in select.select([p.sock for p in peers if p not in away], [],
                               [], 30)[0]:
            away += [q for q in peers if q.sock is p and q.is_hung_up()]
    return away, [p for p in peers if p not in away]


# Who calls without saying a word, and how many of them may. Each time others:
# who has hung up keeps his place until the last of his threads has left.
LIMITED = [
    ("one /24", CROWDS[0], None, 4),
    ("two of them", CROWDS[1] + CROWDS[2], None, 8),
    ("groups of their own", GROUPS[:20], None, 20),
    ("one /64", CROWDS6[0], HOST6, 4),
    ("two of them", CROWDS6[1] + CROWDS6[2], HOST6, 8),
    ("this machine", ["127.0.0.1"] * 20, "127.0.0.1", 20),
    ("people we trust", ["16.6.6.6"] * 20, None, 20),
]


def unfinished_handshakes(t):
    """Each group may have four at once; whoever is done makes room."""
    for name, sources, host, n in LIMITED:
        print("   ", name)
        close_all(split(t, silent(t, sources, host), n)[1])
        t.wait_peers(0)
    _, stay = split(t, silent(t, CROWDS[3]), 4)
    for peer in stay:
        peer.handshake()
    assert all(peer.sync() for peer in stay)
    split(t, silent(t, CROWDS[3]), 4, 4)
    assert all(peer.sync() for peer in stay)
    assert t.friend(FRIEND).sync()


def slow_handshakes(t):
    """A byte now and then gives no more time, and their places come back."""
    peers = [t.dial(source) for source in GROUPS for _ in range(2)]
    received = t.received()
    for peer in peers:
        peer.sock.sendall(REGTEST[:1])
    t.wait_received(received + len(peers))
    t.call("setmocktime", NOW + 59)
    for peer in peers:
        peer.sock.sendall(REGTEST[1:2])
    t.wait_received(received + 2 * len(peers))
    assert t.call("getconnectioncount") == len(peers)
    t.call("setmocktime", NOW + 61)
    assert all(p.is_hung_up() for p in peers)
    t.wait_peers(0)
    assert all(t.friend(source).sync() for source in GROUPS)


def outbound(t):
    return [p for p in t.call("getpeerinfo") if not p["inbound"]]


def all_slots(t):
    """Five hundred who want to stay: who was there first stays too, whom we
    called is none of theirs, and there is room for one more."""
    most = 60 - 11
    friend = t.friend()
    assert friend.sync()
    other = Target(number=1, host=OTHER, root=os.path.dirname(t.dir))
    with contextlib.closing(Closer(other)):
        t.call("addpeeraddress", OTHER, swarm.P2P_PORT)
        t.call("setmocktime", NOW + 10)
        swarm.wait_until(lambda: [] if [p for p in outbound(t)
                                        if p["version"]] else "none",
                         "nobody is called")
        ours = outbound(t)
        sources = CROWD + ["127.0.0.1"] * 5
        crowd = []
        for i in range(500):
            source = sources[i % 25]
            peer = t.dial(source, "127.0.0.1" if source[:3] == "127" else None)
            with contextlib.suppress(ConnectionError):  # turned away
                peer.send("version", version())
                peer.send("verack")
            crowd.append(peer)
            if i % 50 == 49:
                assert friend.sync()
                # Others may be on their way out.
                swarm.wait_until(
                    lambda: t.call("getconnectioncount") > most + len(ours),
                    "there are more than there is room for")
        assert [p["id"] for p in outbound(t)] == [p["id"] for p in ours]
        assert t.friend(GROUPS[0]).sync()
        assert friend.sync()
        close_all(crowd)
        other.child.terminate()
        other.check_end()


class Closer:
    def __init__(self, node):
        self.node = node

    def close(self):
        self.node.kill()


# ---- ourselves -------------------------------------------------------------

def nonce_of(peer):
    return struct.unpack_from("<Q", peer.wait_for("version"), 72)[0]


def is_taken(t, nonce, source):
    """Does it talk to somebody who has this nonce?"""
    peer = t.dial(source)
    try:
        peer.handshake(nonce=nonce)
        ok = peer.sync()
    except (EOFError, ConnectionError):
        ok = False
    peer.close()
    return ok


def ourselves(t):
    """A connection to itself is found out; who sends its nonce back is taken
    for itself, without a line of the log for each, until the connection that
    it was made for is done."""
    t.call("addnode", t.address, "onetry")
    t.wait_peers(0)
    called = t.dials()
    nonce = nonce_of(called)
    before = t.log_size()
    for i in range(2000):
        assert not is_taken(t, nonce, GROUPS[i % 50])
    assert t.log_size() - before < 64 * KIB, t.log_size() - before
    called.send("version", version())
    called.send("verack")
    called.wait_for("verack")
    assert called.sync()
    assert is_taken(t, nonce, GROUPS[0])
    lost = t.dials()
    nonce = nonce_of(lost)
    lost.close()
    t.wait_peers(1)
    t.call("setmocktime", NOW + 60)
    assert is_taken(t, nonce, GROUPS[0])


def quarrel(t):
    """CVE-2025-54605: whoever breaks the rules, again and again, does not fill
    the disk."""
    header = struct.pack("<i", 4) + bytes(64) + struct.pack(
        "<III", NOW, 0x1d00ffff, 0)
    before = t.log_size()
    for i in range(500):
        peer = t.friend(GROUPS[i % 50])
        with contextlib.suppress(ConnectionError):
            peer.send("block", header + b"\0")
            peer.send("headers", b"\1" + header + b"\0")
            peer.send("inv", compact(50001))
        peer.sync()
        peer.close()
    assert t.log_size() - before < 256 * KIB, t.log_size() - before


# ---- conduct ---------------------------------------------------------------

HANDSHAKE = [("version", version()), ("verack", b"")]
PING = ("ping", b"12345678")

# What is said in turn; whether it goes on after that.
SCRIPTS = [
    ("a message before version", [PING] + HANDSHAKE, True),
    ("verack before version", [HANDSHAKE[1]] + HANDSHAKE, True),
    ("a message before verack", [HANDSHAKE[0], PING, HANDSHAKE[1]], True),
    ("two versions", [HANDSHAKE[0]] + HANDSHAKE, True),
    ("a version later", HANDSHAKE + [HANDSHAKE[0]], True),
    ("two veracks", HANDSHAKE + [HANDSHAKE[1]], True),
    ("wtxidrelay after verack", HANDSHAKE + [("wtxidrelay", b"")], False),
    ("sendaddrv2 after verack", HANDSHAKE + [("sendaddrv2", b"")], False),
    ("pings before version", [PING] * 5000 + HANDSHAKE, False),
    ("veracks before version", [HANDSHAKE[1]] * 5000 + HANDSHAKE, False),
    ("pings before verack",
     [HANDSHAKE[0]] + [PING] * 5000 + [HANDSHAKE[1]], False),
    ("versions without end", [HANDSHAKE[0]] * 5000 + [HANDSHAKE[1]], False),
    ("a version of an old node", [("version", version(pver=31799))], False),
]


def conduct(t):
    """Out of turn is overlooked, as long as it has an end."""
    friend = t.friend()
    for name, script, goes_on in SCRIPTS:
        print("   ", name)
        peer = t.dial(GROUPS[0])
        with contextlib.suppress(ConnectionError):
            peer.sock.sendall(b"".join(frame(*message) for message in script))
        assert peer.sync() == goes_on, name
        peer.close()
        assert friend.sync()
    for junk in (b"\0" * 24, head("ping", 4000001)):
        peer = t.friend(GROUPS[0])
        peer.sock.sendall(junk)
        assert peer.is_hung_up()


def endless(t, data, most, with_handshake):
    """Send it again and again: that has an end before `most` bytes."""
    friend = t.friend()
    peer = t.friend(GROUPS[0]) if with_handshake else t.dial(GROUPS[0])
    before = t.memory()
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            peer.sock.sendall(data)
            sent += len(data)
    assert sent < most, "it goes on listening"
    t.check_memory(before, 16 * MIB)
    t.wait_peers(1)
    assert friend.sync()


def unknown_messages(t):
    endless(t, head("junk", 0, sha256d(b"")[:4]) * 10000, 24 * 10**6, False)


def bad_checksums(t):
    endless(t, head("block", 1000000) + bytes(1000000), 10**9, True)


# ---- all of them -----------------------------------------------------------

TRUST_ALL = "-whitelist=addr,in@0.0.0.0/0"

ATTACKS = [
    (large_promises, ["-maxconnections=300"]),
    (large_counts, []),
    (deaf_peer, []),
    (absurd_times, []),
    (flood_of_addresses, []),
    (eclipse, [TRUST_ALL]),
    (strange_addresses, [TRUST_ALL]),
    (votes, []),
    (unfinished_handshakes, [f"-bind=[{HOST6}]:{swarm.P2P_PORT}",
                             f"-bind=127.0.0.1:{swarm.P2P_PORT}",
                             "-maxhandshakes=4",
                             "-whitelist=noban@16.6.6.0/24"]),
    (slow_handshakes, []),
    (all_slots, [f"-bind=127.0.0.1:{swarm.P2P_PORT}", "-maxconnections=60"]),
    (ourselves, []),
    (quarrel, []),
    (conduct, []),
    (unknown_messages, []),
    (bad_checksums, []),
]


def run(attack, options):
    root = tempfile.mkdtemp(prefix="pentad-attack-")
    t = None
    try:
        t = Target(*options, root=root)
        attack(t)
        assert t.friend(FRIEND).sync(), "it talks to nobody any more"
        t.hang_up()
        t.child.terminate()
        t.check_end()
    finally:
        if t is not None:
            t.kill()
        shutil.rmtree(root, ignore_errors=True)


def main():
    why = swarm.netns.enter()
    if why:
        print("SKIP:", why)
        sys.exit(77)
    swarm.netns.add_addresses(
        [HOST, HOST6, FRIEND, OTHER, "16.6.6.6"] + GROUPS +
        sum(CROWDS + CROWDS6, []))
    chosen = sys.argv[1:]
    for attack, options in ATTACKS:
        if not chosen or attack.__name__ in chosen:
            print(attack.__name__, flush=True)
            run(attack, options)


main()
