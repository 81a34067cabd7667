#!/usr/bin/env python3
"""The tests that python-gssapi's authors wrote for it, as Debian's package brings them: each ends on Baton as it does on MIT's library.

  python_tests.py    in a realm of "baton realm"

Each library has a process of this file ("--tests"), which runs all of them and prints their verdicts.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import sysconfig
import unittest

MODULES = ["test_raw", "test_high_level"]
AT_LEAST = 200

# Debian's gss-ntlmssp: some tests are for it.
NTLM = pathlib.Path("/usr/lib") / sysconfig.get_config_var("MULTIARCH") / "gssntlmssp/gssntlmssp.so"

# Tests whose verdict differs, and why that is meant.
DIFFERENT = {
    # Asked for all mechanisms with an attribute and for all without it, Baton names SAnon, where the attribute is one that only a program that
    # wants SAnon asks for; and SAnon is not among all mechanisms, so that no server offers it to strangers by mistake.
    "gssapi.tests.test_high_level.MechsTestCase.test_mech_inquiry",
}

KRB5_CONF = """
[libdefaults]
	qualify_shortname = ""
"""


class Verdicts(unittest.TestResult):
    """What became of each test by its name: "passed", or a word with what the test said."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def addSuccess(self, test):
        self.of.setdefault(test.id(), ["passed", ""])

    def addSkip(self, test, reason):
        self.of[test.id()] = ["skipped", reason]

    def addFailure(self, test, err):
        self.of[test.id()] = ["failed", self._exc_info_to_string(err, test)]

    addError = addExpectedFailure = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(test, err)


def run_tests():
    found = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromName(f"gssapi.tests.{name}") for name in MODULES)
    verdicts = Verdicts()
    found.run(verdicts)
    print(json.dumps(verdicts.of))


def start(s, lib):
    # One test loads the krb5 library itself, and wants to be told that it is the one that the GSS library has.
    return s.watch(lib, sys.executable, __file__, "--tests", env={"GSSAPI_KRB5_MAIN_LIB": "libkrb5.so.3"}, stdout=subprocess.PIPE)


def play(s, baton, mit):
    for module in ("gssapi.tests.test_raw", "parameterized"):
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise stage.Skip(f"there is no {module} here")
    s.configure(KRB5_CONF)
    if NTLM.exists():
        s.env["GSS_MECH_CONFIG"] = str(s.file("mech.conf", f"ntlm 1.3.6.1.4.1.311.2.2.10 {NTLM}\n"))
    on_baton, on_mit = (json.loads(s.finish(start(s, lib), lib)) for lib in (baton, mit))
    assert on_baton.keys() == on_mit.keys() and len(on_mit) >= AT_LEAST, (len(on_baton), len(on_mit))
    found = {name for name in on_mit if on_baton[name][0] != on_mit[name][0]}
    told = "\n".join(f"{name}: {on_baton[name][0]} on Baton, {on_mit[name][0]} on MIT's library: {on_baton[name][1]}" for name in sorted(found))
    assert found == DIFFERENT, told or f"no longer different: {DIFFERENT - found}"
    verdicts = [verdict for verdict, _ in on_baton.values()]
    told = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in sorted(set(verdicts)))
    return f"{told}; {len(DIFFERENT)} differ on purpose"


if __name__ == "__main__":
    if sys.argv[1:] == ["--tests"]:
        run_tests()
    else:
        import stage
        stage.act("python-gssapi's own tests", play, [("baton", "mit")])
