#!/usr/bin/env python3
"""headers.py INCLUDE COMPILER... -- SOURCE...

Each public header, alone and twice, is C99 and C++98 to the letter; and sources that are written for MIT's headers compile with ours.

COMPILER  the C compiler as it is called
SOURCE    in C
"""
import pathlib
import shutil
import subprocess
import sys

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def complaint(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{' '.join(command)}\n{text or ''}{done.stderr}"


def main(include, compiler, sources):
    include = pathlib.Path(include)
    headers = sorted(str(path.relative_to(include)) for path in include.rglob("*.h"))
    assert len(headers) >= 6, headers
    languages = [[*compiler, "-x", "c", "-std=c99"]]
    if shutil.which("g++"):
        languages.append(["g++", "-x", "c++", "-std=c++98"])
    else:
        print("g++ is not here: only C is tried")
    found = ""
    for header in headers:
        for language in languages:
            found += complaint([*language, *STRICT, f"-I{include}", "-"], f"#include <{header}>\n" * 2)
    for source in sources:
        found += complaint([*compiler, "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", '-DBT_VERSION=""', f"-I{include}", source])
    sys.exit(found or None)


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(sys.argv[1], sys.argv[2:end], sys.argv[end + 1:])
