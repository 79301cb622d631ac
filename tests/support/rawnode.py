"""The other end of a connection, spoken by hand: Bitcoin's wire format over a
plain socket, for tests in Python. It shares no code with what it tests."""

import hashlib
import socket
import struct

REGTEST = bytes.fromhex("fabfb5da")


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def frame(command, payload=b"", magic=REGTEST):
    return (magic + command.encode().ljust(12, b"\0") +
            struct.pack("<I", len(payload)) + sha256d(payload)[:4] + payload)


def net_addr(host="127.0.0.1", port=0, services=0):
    return (struct.pack("<Q", services) + b"\0" * 10 + b"\xff\xff" +
            socket.inet_aton(host) + struct.pack(">H", port))


def version(pver=70016, agent=b"/rawnode:1/", height=0, nonce=0x1122334455667788):
    return (struct.pack("<iQq", pver, 0, 1700000000) + net_addr() + net_addr() +
            struct.pack("<Q", nonce) + bytes([len(agent)]) + agent +
            struct.pack("<i?", height, True))


class RawNode:
    """One connection. Every wait ends with socket.timeout after `timeout` s."""

    def __init__(self, port, host="127.0.0.1", magic=REGTEST, timeout=30):
        self.magic = magic
        self.sock = socket.create_connection((host, port), timeout)

    @classmethod
    def over(cls, sock, magic=REGTEST, timeout=30):
        """The side that was called."""
        node = cls.__new__(cls)
        node.magic = magic
        node.sock = sock
        sock.settimeout(timeout)
        return node

    def send(self, command, payload=b""):
        self.sock.sendall(frame(command, payload, self.magic))

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError("the other side hung up")
            data += more
        return data

    def recv(self):
        head = self.read(24)
        magic, command, n, check = struct.unpack("<4s12sI4s", head)
        payload = self.read(n)
        assert magic == self.magic, magic
        assert check == sha256d(payload)[:4], check
        return command.rstrip(b"\0").decode(), payload

    def wait_for(self, wanted):
        """Read until this command comes; answers pings on the way."""
        while True:
            command, payload = self.recv()
            if command == "ping" and wanted != "ping":
                self.send("pong", payload)
            if command == wanted:
                return payload

    def handshake(self, **fields):
        """Version and verack, both ways, as the side that dialled."""
        self.send("version", version(**fields))
        theirs = self.wait_for("version")
        self.send("verack")
        self.wait_for("verack")
        return theirs

    def close(self):
        self.sock.close()
