"""What the tests with other people's programs share: a pentad of their own,
lines that are waited for with a deadline, ports, skipping."""

import base64
import collections
import http.client
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SRCDIR = os.environ["PTD_SRCDIR"]
BUILDDIR = os.environ["PTD_BUILDDIR"]
PENTAD = os.path.join(BUILDDIR, "src/cmd/pentad")
HERE = os.path.join(SRCDIR, "tests/interop")
TIMEOUT = 60
IN_WARMUP = -28

sys.path.insert(0, os.path.join(SRCDIR, "tests/support"))


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            skip(f"{program} is not installed")


def free_ports(n=1):
    """n ports in a row on which nobody listens now."""
    for _ in range(100):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            first = s.getsockname()[1]
        if first + n > 65535:
            continue
        held = []
        try:
            for port in range(first, first + n):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                held.append(s)
                s.bind(("127.0.0.1", port))
            return list(range(first, first + n))
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise RuntimeError("no free ports")


class Program:
    """A child whose standard output is read line by line."""

    def __init__(self, name, argv, **options):
        self.name = name
        self.lines = queue.Queue()
        self.last = collections.deque(maxlen=40)
        self.err = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.err, text=True, bufsize=1, **options)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next_line(self, deadline):
        try:
            line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            line = None
        if line is None:
            print(f"--- the last lines of {self.name}:")
            print("\n".join(self.last))
            self.err.seek(0)
            print("--- its standard error:", self.err.read())
            raise AssertionError(f"{self.name} did not say what was awaited")
        self.last.append(line[:300])
        return line

    def wait_for(self, pattern, timeout=TIMEOUT):
        """The next line in which the pattern is found; gives the match."""
        deadline = time.monotonic() + timeout
        wanted = re.compile(pattern)
        while True:
            found = wanted.search(self.next_line(deadline))
            if found:
                return found

    def errors(self):
        self.err.seek(0)
        return self.err.read()

    def kill(self):
        """End it, however it is; more than once is harmless."""
        if self.err.closed:
            return
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.reader.join()
        self.child.stdout.close()
        self.child.stdin.close()
        self.err.close()


class Pentad(Program):
    """pentad with a directory of its own, its log on standard output."""

    def __init__(self, *options, port=None, rpc=False, name="pentad"):
        self.dir = tempfile.mkdtemp(prefix="pentad-interop-")
        self.has_rpc = rpc
        # No method answers before.
        ready = "Done loading" if rpc else "block headers: height"
        self._start(port or free_ports()[0], name, options)
        try:
            self.wait_for(ready)
        except AssertionError:
            # Somebody may have taken the port since it was looked for.
            if port or "Unable to bind" not in self.errors():
                raise
            super().kill()
            self._start(free_ports()[0], name, options)
            self.wait_for(ready)

    def _start(self, port, name, options):
        self.port = port
        self.rpc_port = free_ports()[0] if self.has_rpc else None
        rpc = f"-rpcport={self.rpc_port}" if self.has_rpc else "-server=0"
        super().__init__(name, [
            PENTAD, f"-datadir={self.dir}", "-bind=127.0.0.1",
            f"-port={port}", "-listen=1", "-printtoconsole=1", rpc,
            # What is tested stays on this machine.
            "-natpmp=0", "-dnsseed=0", "-fixedseeds=0", *options])

    def _post(self, body):
        net = next((d for d in ("regtest", "") if os.path.exists(
            os.path.join(self.dir, d, ".cookie"))), "")
        with open(os.path.join(self.dir, net, ".cookie"), "rb") as f:
            secret = base64.b64encode(f.read()).decode()
        conn = http.client.HTTPConnection("127.0.0.1", self.rpc_port,
                                          timeout=TIMEOUT)
        try:
            conn.request("POST", "/", json.dumps(body),
                         {"Authorization": "Basic " + secret,
                          "Content-Type": "application/json"})
            return json.loads(conn.getresponse().read())
        finally:
            conn.close()

    def rpc(self, method, *params):
        """What a method gives, once it gives anything; the port is open with
        rpc=True."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self._post({"jsonrpc": "2.0", "id": 1, "method": method,
                                 "params": params})
            if "error" not in answer:
                return answer["result"]
            assert answer["error"]["code"] == IN_WARMUP and \
                time.monotonic() < deadline, (method, answer["error"])
            time.sleep(0.05)

    def rpc_each(self, method, rows, at_once=500):
        """The same for many rows of parameters, in few calls."""
        results = []
        for i in range(0, len(rows), at_once):
            answers = self._post([
                {"jsonrpc": "2.0", "id": k, "method": method, "params": row}
                for k, row in enumerate(rows[i:i + at_once])])
            answers.sort(key=lambda answer: answer["id"])
            results += [answer["result"] for answer in answers]
        assert len(results) == len(rows)
        return results

    def wait_height(self, height, block=None):
        """Until the tip is at a height; block: until it is this one."""
        if block is None:
            tip = self.rpc("waitforblockheight", height, TIMEOUT * 1000)
        else:
            tip = self.rpc("waitforblock", block, TIMEOUT * 1000)
        assert tip["height"] == height, (tip, height)
        assert block is None or tip["hash"] == block, (tip, block)
        return tip["hash"]

    def stop(self):
        """It has to go within a second (ten under a sanitizer), content."""
        limit = 10 if os.environ.get("PTD_SANITIZED") else 1
        begin = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        status = self.child.wait(TIMEOUT)
        took = time.monotonic() - begin
        assert status == 0, f"exit status {status}: {self.errors()}"
        assert self.errors() == "", self.errors()
        assert took < limit, f"stopping took {took:.2f} s"
        self.kill()

    def kill(self):
        """The same, with its directory."""
        super().kill()
        shutil.rmtree(self.dir, ignore_errors=True)
