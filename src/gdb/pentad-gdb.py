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


OURS = re.compile(r"(^|/)src/(\w+)/[\w-]+\.[ch]$")
# What threads wait with, where there is no debug information to say so.
WAITING = re.compile(r"ptd_(try_)?(park|chan|select|cond|mutex|clock|team|"
                     r"thread)(_|$)")


def room(frame, name):
    """The room of src/ that a function is from; None: not one of ours."""
    symtab = frame.find_sal().symtab
    found = OURS.search(symtab.filename) if symtab else None
    if found:
        return found.group(2)
    if WAITING.match(name):
        return "sync"
    return "" if name.startswith("ptd_") else None


def call(frame, name):
    """A function, with the channel that it waits for if that is known."""
    try:
        if name.startswith("ptd_chan_"):
            return f"{name}({int(frame.read_var('c')):#x})"
        if name == "ptd_select":
            return f"{name}({int(frame.read_var('n'))} cases)"
    except (gdb.error, ValueError):
        pass  # optimised out, or built without debug information
    return name


def place(thread, limit=32):
    """Where a thread is: the innermost function of ours above those that
    threads wait with, and what it called."""
    thread.switch()
    innermost = inner = None
    try:
        frame = gdb.newest_frame()
        while frame is not None and limit > 0:
            name = frame.name() or "??"
            where = room(frame, name)
            if where == "sync":
                inner = call(frame, name)
            elif where is not None:
                return f"{name} > {inner or innermost}" \
                    if inner or innermost else name
            innermost = innermost or name
            frame = frame.older()
            limit -= 1
    except gdb.error:
        pass  # a stack that gdb cannot walk ends here
    return inner or innermost or "?"


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
                      f"{place(t)}")
        finally:
            if selected is not None and selected.is_valid():
                selected.switch()
                if frame is not None and frame.is_valid():
                    frame.select()


Pentad()
PentadThreads()
