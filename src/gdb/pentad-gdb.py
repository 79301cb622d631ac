"""gdb commands for Pentad.

gdb loads this file by itself when Pentad lives under gdb's own prefix.
Elsewhere, and for a build tree:

    gdb -iex 'source /PATH/TO/pentad-gdb.py' -p $(pidof pentad)

Nothing here calls into the process that is looked at.
"""

import re

import gdb


def natural_key(name):
    """p2-in before p10-in."""
    return [int(part) if part.isdigit() else part
            for part in re.split(r"(\d+)", name)]


def frames(thread, limit=32):
    """The names of a thread's functions, innermost first."""
    thread.switch()
    names = []
    try:
        frame = gdb.newest_frame()
        while frame is not None and len(names) < limit:
            names.append(frame.name() or "??")
            frame = frame.older()
    except gdb.error:
        pass  # a stack that gdb cannot walk ends here
    return names


def place(names):
    """Where a thread is: the innermost function of ours, and what it called."""
    for i, name in enumerate(names):
        if name.startswith("ptd_"):
            inner = names[0] if i > 0 else None
            return f"{name} > {inner}" if inner else name
    return names[0] if names else "?"


class Pentad(gdb.Command):
    """Commands that know Pentad: pentad threads [NAME]."""

    def __init__(self):
        super().__init__("pentad", gdb.COMMAND_STATUS, prefix=True)


class PentadThreads(gdb.Command):
    """List Pentad's threads by name: pentad threads [NAME]

With NAME, only the threads whose names begin with it: `pentad threads p3-'
lists the five threads of peer 3. The first column is gdb's own number, for
the command `thread'."""

    def __init__(self):
        super().__init__("pentad threads", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        start = argument.strip()
        threads = [t for t in gdb.selected_inferior().threads()
                   if (t.name or "").startswith(start)]
        if not threads:
            print(f"No thread's name begins with {start}." if start
                  else "No threads: is the program running?")
            return
        threads.sort(key=lambda t: natural_key(t.name or ""))
        selected = gdb.selected_thread()
        frame = gdb.selected_frame() if selected else None
        try:
            print(f"{'gdb':>5}  {'LWP':>8}  {'name':<15}  where")
            for t in threads:
                lwp = t.ptid[1] or t.ptid[2]
                print(f"{t.num:>5}  {lwp:>8}  {t.name or '?':<15}  "
                      f"{place(frames(t))}")
        finally:
            if selected is not None and selected.is_valid():
                selected.switch()
                if frame is not None and frame.is_valid():
                    frame.select()


Pentad()
PentadThreads()
