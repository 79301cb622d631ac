#!/usr/bin/env python3
"""source.py finds each fault that it is there for: every row plants one."""

import os
import shutil
import subprocess
import sys
import tempfile

source = os.environ["PTD_SRCDIR"]
script = os.path.join(source, "tests/lint/source.py")

# path, text, what the finding says ("" for none)
ROWS = [
    ("src/wire/a.c", '#include <config.h>\n#include "base/util.h"\n', ""),
    ("src/base/a.c", '#include <config.h>\n#include "sync/mutex.h"\n',
     "no arrow from base to sync"),
    ("src/wire/a.c", '#include <config.h>\n#include "pentad/chan.h"\n',
     "no arrow from wire to sync"),
    ("src/net/a.c", '#include <config.h>\n#include "params/params.h"\n',
     "no arrow from net to params"),
    ("src/peer/a.c", '#include <config.h>\n#include <openssl/evp.h>\n',
     "only crypto may include"),
    ("src/cellar/a.c", "#include <config.h>\n", "has no line in arrows.txt"),
    ("include/pentad/new.h",
     "#ifndef PTD_NEW_H\n#define PTD_NEW_H\n#endif\n",
     "public header without a line"),
    ("tests/unit/base/a.c", '#include <config.h>\n#include "wire/msg.h"\n',
     "no arrow from base to wire"),
    ("src/examples/a.c", '#include "wire/reader.h"\n', "public API alone"),
    ("src/base/a.h", "int a;\n", "no include guard"),
    ("src/base/a.h", "#ifndef PTD_A_H\n#define PTD_A_H\n#endif\n",
     "not PTD_BASE_A_H"),
    ("src/base/a.c", "#include <stdio.h>\n", "does not come first"),
    ("src/base/a.c", "#include <config.h>\n\tint a;\n", "tab"),
    ("src/base/a.c", "#include <config.h>\nint a; \n", "white space"),
    ("src/base/a.c", "#include <config.h>\n/* " + "ab " * 40 + "*/\n",
     "columns"),
]


def findings(path, text):
    with tempfile.TemporaryDirectory() as top:
        for copied in ("tests/lint/arrows.txt", "src/README.md",
                       "src/sync/mutex.h"):
            os.makedirs(os.path.dirname(f"{top}/{copied}"), exist_ok=True)
            shutil.copyfile(f"{source}/{copied}", f"{top}/{copied}")
        os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
        with open(f"{top}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
        run = subprocess.run([sys.executable, "-B", script, top], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert (run.returncode != 0) == (run.stderr != ""), run
        return [line for line in run.stderr.splitlines()
                if line.startswith(path)]


def main():
    for path, text, want in ROWS:
        got = findings(path, text)
        assert len(got) == (1 if want else 0), (path, want, got)
        assert want in "".join(got), (want, got)
    print(f"source.py: {len(ROWS)} rows")


main()
