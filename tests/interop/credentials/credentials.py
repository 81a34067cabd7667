#!/usr/bin/env python3
"""credentials.py SUBJECT COMPAT

Do programs see the same of credentials on MIT's library and on ours? Each scene is played on both, in the realm around this
program, and what it says is compared. What the one exports, the other imports.

SUBJECT  linked to libgssapi_krb5.so.2
COMPAT   the directory where that name is ours
"""

import os
import re
import subprocess
import sys
import tempfile

SCENES = ("stores", "storing", "proxies", "named_caches", "enctypes", "identities", "objects", "options",
          "replays", "selection")
STATUSES = re.compile(r"^(.*)\|([0-9a-f]{8})\|(\d+)\|(.*)$")


def play(subject, compat, scene, directory):
    """The lines of a scene. compat None: MIT's library."""
    environment = dict(os.environ)
    environment.pop("LD_LIBRARY_PATH", None)
    # No mechanisms but the library's own.
    environment["GSS_MECH_CONFIG"] = os.devnull
    if compat is None:
        # What MIT's library forgets is not ours to find.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    if compat:
        environment["LD_LIBRARY_PATH"] = compat
    done = subprocess.run([subject, scene, directory], env=environment, stdout=subprocess.PIPE, text=True, errors="replace",
                          timeout=120)
    lines = done.stdout.replace(directory, "DIRECTORY").splitlines()
    return lines + [f"ended with {done.returncode}"]


def says_nothing(minor):
    """0, or one of MIT's numbers that stand for "Success": ours may say more."""
    return minor == 0 or 100001 <= minor < 200000


def same(mits, ours):
    """Are two lines the same? Texts are for people."""
    mit, our = STATUSES.match(mits), STATUSES.match(ours)
    if not mit or not our:
        return mits == ours
    if mit[1] != our[1] or mit[2] != our[2]:
        return False
    return mit[3] == our[3] or says_nothing(int(mit[3]))


def differences(scene, mits, ours):
    """One sentence for each."""
    for number, (mit, our) in enumerate(zip(mits, ours), 1):
        if not same(mit, our):
            yield f"{scene}, line {number}:\n  MIT's: {mit}\n  ours:  {our}"
    if len(mits) != len(ours):
        yield f"{scene}: MIT's has {len(mits)} lines, ours {len(ours)}"
    if not mits[-1].endswith(" 0"):
        yield f"{scene}: MIT's {mits[-1]}"


def main():
    """0 if there are none."""
    subject, compat = sys.argv[1:3]
    found = []
    with tempfile.TemporaryDirectory() as top:
        def fresh(name):
            path = os.path.join(top, name)
            os.mkdir(path)
            return path

        for scene in SCENES:
            found += differences(scene, play(subject, None, scene, fresh(f"{scene}-mit")),
                                 play(subject, compat, scene, fresh(f"{scene}-ours")))
        mit, our = fresh("mit"), fresh("our")
        found += differences("exports", play(subject, None, "exports", mit), play(subject, compat, "exports", our))
        for directory in (mit, our):
            found += differences(f"imports from {os.path.basename(directory)}", play(subject, None, "imports", directory),
                                 play(subject, compat, "imports", directory))
    for sentence in found:
        print(sentence)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
