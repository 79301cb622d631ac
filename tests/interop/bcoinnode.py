"""bcoin 1.0.2 as the tests use it: installed by npm into the build directory,
driven by lines of JSON (bcoin.js)."""

import fcntl
import json
import os
import subprocess
import time

from interop import (BUILDDIR, HERE, TIMEOUT, Program, free_ports, need, skip)

VERSION = "1.0.2"
HOME = os.path.join(BUILDDIR, "tests/interop/bcoin-" + VERSION)


def install():
    """With npm, once a build directory, whoever is first; its compiled parts
    are left out."""
    need("node", "npm")
    os.makedirs(HOME, exist_ok=True)
    with open(os.path.join(HOME, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(HOME, "complete")):
            _install()


def _install():
    package = os.path.join(HOME, "node_modules/bcoin/package.json")
    try:
        done = subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
             "--prefer-offline", "--prefix", HOME, "bcoin@" + VERSION],
            cwd=HOME, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        skip("npm took more than five minutes")
    if done.returncode != 0:
        print(done.stdout[-2000:])
        skip("npm cannot install bcoin")
    with open(package, encoding="utf-8") as f:
        assert json.load(f)["version"] == VERSION
    with open(os.path.join(HOME, "complete"), "w", encoding="utf-8"):
        pass


class Bcoin(Program):
    def __init__(self, name, peer_port=None):
        self.port = free_ports(2)[0]
        argv = ["node", os.path.join(HERE, "bcoin.js"), str(self.port)]
        if peer_port:
            argv.append(str(peer_port))
        env = dict(os.environ, NODE_BACKEND="js", NODE_ENV="production",
                   NODE_PATH=os.path.join(HOME, "node_modules"))
        super().__init__(name, argv, env=env)
        self.event("up")

    def event(self, kind, **fields):
        """The next event of a kind whose fields are these. It may take long, as
        long as others come meanwhile."""
        limit = time.monotonic() + 5 * TIMEOUT
        while True:
            event = json.loads(self.next_line(
                min(limit, time.monotonic() + TIMEOUT)))
            assert event["event"] != "failed", event["text"]
            if event["event"] == kind and all(
                    event.get(k) == v for k, v in fields.items()):
                return event

    def begin(self, action, **fields):
        self.child.stdin.write(json.dumps({"do": action, **fields}) + "\n")
        self.child.stdin.flush()

    def do(self, action, **fields):
        self.begin(action, **fields)
        return self.event("done", do=action).get("result")
