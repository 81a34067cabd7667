#!/usr/bin/env python3
"""exports.py LIBRARY MAP LIST CALLS...

Does the library export what the map says, with the sizes of the list, and is every call tested?

LIBRARY  libbaton.so.0
MAP      src/gss/exports.map
LIST     exports.txt: what programs built for MIT's library look for
CALLS    test programs' sources; each exported function's name stands in one of them
"""

import re
import subprocess
import sys

NODES = {"gssapi_krb5_2_MIT", "BATON_1"}


def exported(library):
    """Name -> (is it a function, size, node) of all that the library defines for others."""
    symbols = {}
    listing = subprocess.run(["readelf", "--dyn-syms", "--wide", library], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        fields = line.split()
        if len(fields) < 8 or fields[4] not in ("GLOBAL", "WEAK") or fields[6] in ("UND", "ABS"):
            continue
        name, _, node = fields[7].partition("@@")
        symbols[name] = (fields[3] == "FUNC", int(fields[2], 0), node)
    return symbols


def expected(path):
    """The list: functions there, functions not there yet, objects with their sizes."""
    functions, later, objects = set(), set(), {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            fields = line.split()
            if not fields or fields[0] == "#":
                continue
            if fields[0] == "OBJECT":
                objects[fields[2]] = int(fields[1])
            elif fields[1].startswith("("):
                later.add(fields[1].strip("()"))
            else:
                functions.add(fields[1])
    return functions, later, objects


def mistakes(symbols, mapped, listed, sources):
    """One sentence for each."""
    functions, later, objects = listed
    standard = {name for name, (_, _, node) in symbols.items() if node == "gssapi_krb5_2_MIT"}
    for name, (_, _, node) in symbols.items():
        if node not in NODES:
            yield f"{name} is exported under no node of ours: {node or 'none'}"
        if node == "BATON_1" and not name.startswith("baton_"):
            yield f"{name} is not Baton's own"
    for name in sorted(standard ^ mapped):
        yield f"{name} is in the map or in the library, but not in both"
    for name in sorted(standard ^ (functions | set(objects))):
        advice = ": take its brackets away" if name in later else ""
        yield f"{name} is in the list or in the library, but not in both{advice}"
    for name, size in objects.items():
        if name in symbols and (symbols[name][0] or symbols[name][1] != size):
            yield f"{name} has {symbols[name][1]} bytes and not {size}: programs that copy it would break"
    for name in sorted(functions):
        if name in symbols and not symbols[name][0]:
            yield f"{name} is no function"
    for name in sorted(name for name, (is_function, _, _) in symbols.items() if is_function):
        if not re.search(rf"\b{name}\b", sources):
            yield f"{name} is called by no contract test"


def main():
    """0 if there are none."""
    library, map_path, list_path, *calls = sys.argv[1:]
    with open(map_path, encoding="utf-8") as text:
        mapped = set(re.findall(r"^\t(\w+);", text.read(), re.M))
    sources = ""
    for path in calls:
        with open(path, encoding="utf-8") as text:
            sources += text.read()
    found = list(mistakes(exported(library), mapped, expected(list_path), sources))
    for sentence in found:
        print(sentence)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
