"""A network of one's own: a namespace with nothing but a loopback interface,
which carries whatever addresses a test gives it. What one process does there,
no other sees.

Without root it takes a user namespace; where neither can be made, enter()
says why."""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

RTM_NEWADDR = 20
NLM_F_REQUEST_ACK_CREATE = 0x1 | 0x4 | 0x400
NLMSG_ERROR = 2
IFA_F_NODAD = 2
IFA_ADDRESS = 1
IFA_LOCAL = 2


def unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def become_root():
    """Of a new user namespace, in which we are nobody else."""
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | CLONE_NEWNET)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"0 {uid} 1")
    write("/proc/self/gid_map", f"0 {gid} 1")


def bring_up(name=b"lo"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", name, IFF_UP))


def enter():
    """Move this process, which must have one thread, and its children. None,
    or why it cannot be done."""
    try:
        if os.geteuid() == 0:
            unshare(CLONE_NEWNET)
        else:
            become_root()
        bring_up()
    except OSError as e:
        return f"no network namespace can be made: {e}"
    return None


def attribute(kind, data):
    return (struct.pack("HH", 4 + len(data), kind) + data +
            b"\0" * (-len(data) % 4))


def add_addresses(addresses):
    """Give them to the loopback interface, each alone (/32, /128)."""
    index = socket.if_nametoindex("lo")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as s:
        for number, text in enumerate(addresses):
            family = socket.AF_INET6 if ":" in text else socket.AF_INET
            raw = socket.inet_pton(family, text)
            body = (struct.pack("BBBBI", family, 8 * len(raw), IFA_F_NODAD, 0,
                                index) +
                    attribute(IFA_LOCAL, raw) + attribute(IFA_ADDRESS, raw))
            s.send(struct.pack("IHHII", 16 + len(body), RTM_NEWADDR,
                               NLM_F_REQUEST_ACK_CREATE, number, 0) + body)
            _, kind, _, _, _, error = struct.unpack("IHHIIi", s.recv(4096)[:20])
            if kind == NLMSG_ERROR and error != 0:
                raise OSError(-error, f"{text}: {os.strerror(-error)}")
