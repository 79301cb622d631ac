#!/usr/bin/env python3
"""What a compiler does not check about our sources.

Arrows between rooms (arrows.txt), include guards, the first include of each
file, line width, tabs, the tables of src/README.md. Reads text only. One line a finding on stderr; exit
status 1 if there is one.
"""

import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
WIDTH = 96  # 80 is the aim; the formatter leaves long comments

errors = []


def complain(path, line, text):
    errors.append(f"{path}:{line}: {text}")


class Arrows:
    """arrows.txt: rooms with their levels and what each may include."""

    def __init__(self, path):
        self.level, self.direct = {}, {}
        self.header, self.only = {}, {}
        self.path = path
        with open(path, encoding="utf-8") as f:
            for number, text in enumerate(f, 1):
                text = text.split("#")[0].strip()
                if text:
                    self.read_line(number, text)
        for room, below in self.direct.items():
            for other in below:
                if other not in self.level:
                    complain(path, 1, f"{room}: no room {other}")
                elif self.level[other] >= self.level[room]:
                    complain(path, 1, f"arrow {room} -> {other} does not "
                             "point to a lower level")
        self.may = {room: self.closure(room) for room in self.direct}

    def read_line(self, number, text):
        left, _, right = text.partition(":")
        words, below = left.split(), right.split()
        if words[0] == "room" and len(words) == 3:
            self.level[words[1]] = int(words[2])
            self.direct[words[1]] = below
        elif words[0] == "header" and len(words) == 2 and len(below) == 1:
            self.header[words[1]] = below[0]
        elif words[0] == "only" and len(words) == 2:
            self.only[words[1]] = below
        else:
            complain(self.path, number, "cannot read this line")

    def closure(self, room):
        seen, todo = set(), [room]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += self.direct.get(at, [])
        return seen

    def room_of_include(self, name):
        """The room that an #include "name" leads into; None: not one."""
        first, _, rest = name.partition("/")
        if first == "pentad":
            return self.header.get(rest, f"pentad/{rest}")
        return first if rest else None


def room_of_file(path, arrows):
    """Whose arrows bind this file, and what it may include beyond them."""
    parts = path.split("/")
    if path.startswith("include/pentad/"):
        room = arrows.header.get(parts[-1])
        if room is None:
            complain(path, 1, "public header without a line in arrows.txt")
        return room, set()
    if parts[0] == "src" and len(parts) > 2:
        return parts[1], set()
    if path.startswith("tests/unit/"):
        return parts[2], {"support"}
    return None, set()


def check_arrows(path, lines, arrows):
    room, extra = room_of_file(path, arrows)
    example = path.startswith("src/examples/")
    if room is None or (room not in arrows.may and not example):
        if path.startswith("src/"):
            complain(path, 1, f"room {room} has no line in arrows.txt")
        return
    for number, text in enumerate(lines, 1):
        found = INCLUDE.match(text)
        if not found:
            continue
        kind, name = found.groups()
        if kind == "<":
            for prefix, rooms in arrows.only.items():
                if name.startswith(prefix) and room not in rooms \
                        and not path.startswith("tests/"):
                    complain(path, number, f"only {' '.join(rooms)} may "
                             f"include <{prefix}…>")
            if example and name.startswith("config.h"):
                complain(path, number, "an example uses the public API alone")
            continue
        to = arrows.room_of_include(name)
        if example:
            if not name.startswith("pentad/"):
                complain(path, number, "an example uses the public API alone")
        elif to is not None and to not in arrows.may[room] | extra:
            complain(path, number, f"no arrow from {room} to {to}")


def check_guard(path, lines):
    parts = path.split("/")
    if path.startswith("include/pentad/"):
        name = parts[2:]
    elif parts[0] == "src":
        name = parts[1:]
    else:
        name = parts[-1:]
    tail = re.sub(r"[^A-Z0-9]", "_", "_".join(name).upper())
    text = "\n".join(lines)
    guard = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
    if guard is None:
        complain(path, 1, "no include guard")
    elif parts[0] == "tests":
        if not re.fullmatch(rf"PTD_\w*{tail}", guard[1]):
            complain(path, 1, f"guard {guard[1]}, not PTD_…{tail}")
    elif guard[1] != f"PTD_{tail}":
        complain(path, 1, f"guard {guard[1]}, not PTD_{tail}")


def check_first_include(path, lines):
    if path.startswith("src/examples/"):
        return
    for number, text in enumerate(lines, 1):
        found = INCLUDE.match(text)
        if found:
            if found[2] != "config.h":
                complain(path, number, "<config.h> does not come first")
            return


def check_layout(path, lines):
    generated = any("generated" in text.lower() for text in lines[:5])
    for number, text in enumerate(lines, 1):
        if "\t" in text:
            complain(path, number, "tab")
        if text != text.rstrip():
            complain(path, number, "white space at the end of the line")
        # A long literal or address cannot be broken.
        if len(text) > WIDTH and not generated \
                and not re.search(r"\S{60}", text):
            complain(path, number, f"{len(text)} columns")


def check_map(top, arrows):
    """src/README.md tells people what mutex.h and arrows.txt tell machines."""
    path = "src/README.md"
    with open(os.path.join(top, "src/sync/mutex.h"), encoding="utf-8") as f:
        ranks = re.findall(r"^ +(PTD_RANK_\w+) = (\d+)", f.read(), re.M)
    with open(os.path.join(top, path), encoding="utf-8") as f:
        text = f.read()
    told = re.findall(r"^\| (\d+) \| `(PTD_RANK_\w+)` \|", text, re.M)
    for name, rank in sorted(set(ranks) ^ {(n, r) for r, n in told}):
        complain(path, 1, f"{name} = {rank} stands here or in mutex.h alone")
    if not ranks:
        complain(path, 1, "no ranks in mutex.h")
    rooms = re.findall(r"^\| `(\w+)/` \| (\d+) \|", text, re.M)
    levels = {(room, str(n)) for room, n in arrows.level.items()}
    for room, level in sorted(levels ^ set(rooms)):
        complain(path, 1, f"room {room}, level {level}, stands here or in "
                 "arrows.txt alone")


def sources(top):
    for start in ("include", "src", "tests"):
        for folder, names, files in os.walk(os.path.join(top, start)):
            names[:] = sorted(n for n in names if not n.startswith(".")
                              and n != "node_modules")
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), top)


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PTD_SRCDIR",
                                                               ".")
    arrows = Arrows(os.path.join(top, "tests/lint/arrows.txt"))
    n = 0
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as f:
            lines = f.read().split("\n")
        n += 1
        check_arrows(path, lines, arrows)
        check_layout(path, lines)
        if path.endswith(".h"):
            check_guard(path, lines)
        else:
            check_first_include(path, lines)
    check_map(top, arrows)
    if n == 0:
        complain(top, 1, "no sources here")
    for text in errors:
        print(text, file=sys.stderr)
    print(f"check-source: {n} files, {len(errors)} findings")
    return 1 if errors else 0


sys.exit(main())
