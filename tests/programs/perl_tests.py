#!/usr/bin/env python3
"""The tests that the authors of Perl's GSSAPI module wrote for it: each ends on Baton as it does on MIT's library.

  perl_tests.py KEPT    in a realm of "baton realm"

They are not in Debian's package but in its sources, which are kept in the directory KEPT.
"""
import re
import subprocess
import sys

import debian_source
import stage

AT_LEAST = 100


def verdicts(s, lib, test):
    """The lines by which a test says what was all right and what was not, in an order that does not change; the module is Debian's."""
    said = s.finish(s.watch(lib, "perl", test, stdout=subprocess.PIPE, env={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}), lib, None)
    return re.findall(r"^(?:not )?ok \d+.*", said, re.MULTILINE)


def play(s, baton, mit):
    try:
        sources = debian_source.get("libgssapi-perl", s.kept)
    except debian_source.Missing as reason:
        raise stage.Skip(reason) from None
    count = 0
    for test in sorted(sources.glob("t/*.t")):
        # This one is about the module's manual.
        if test.name == "pod.t":
            continue
        on_baton, on_mit = (verdicts(s, lib, test) for lib in (baton, mit))
        assert on_baton == on_mit, f"{test.name}: on Baton {on_baton}, on MIT's library {on_mit}"
        count += sum(not line.startswith("not ") for line in on_mit)
    assert count >= AT_LEAST, count
    return f"{count} passed on both"


if __name__ == "__main__":
    stage.Stage.kept = sys.argv.pop()
    stage.act("the own tests of Perl's GSSAPI", play, [("baton", "mit")])
