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


def version(pver=70016, agent=b"/rawnode:1/", height=0,
            nonce=0x1122334455667788, when=1700000000, you=net_addr()):
    return (struct.pack("<iQq", pver, 0, when) + you + net_addr() +
            struct.pack("<Q", nonce) + bytes([len(agent)]) + agent +
            struct.pack("<i?", height, True))


class RawNode:
    """One connection. Every wait ends with socket.timeout after `timeout` s."""

    def __init__(self, port=None, host="127.0.0.1", magic=REGTEST, timeout=30,
                 source="", sock=None):
        """Dial, from a source; or be given what somebody else's dial made."""
        self.magic = magic
        self.sock = sock or socket.create_connection(
            (host, port), timeout, (source, 0) if source else None)
        self.sock.settimeout(timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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

    def sync(self):
        """Until all that was sent is handled. False: it hung up."""
        try:
            self.send("ping", b"in order")
            while self.wait_for("pong") != b"in order":
                pass
        except (EOFError, ConnectionError):
            return False
        return True

    def is_hung_up(self):
        """Wait until it is; what comes before that is thrown away."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass
        except socket.timeout:
            return False
        return True

    def close(self):
        self.sock.close()
