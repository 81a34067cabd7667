#!/usr/bin/env python3
"""The tests that the authors of mod_auth_gssapi wrote for it: each ends on Baton as it does on MIT's library.

  apache_tests.py KEPT    in a realm of "baton realm"

They are not in Debian's package but in its sources, which are kept in the directory KEPT. They make a realm of their own, in networks of
socket_wrapper's, where the KDC, Apache, and all their clients run on one library.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import debian_source
import stage

# All of them are run in one go, which does not always wait for what it has started. What fails once may have been too early.
ATTEMPTS = 3
AT_LEAST = 15
LIMIT_S = 95

# They start programs with an environment that has only what they put there.
PASSED_ON = ["GSS_MECH_CONFIG", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"]
ENVIRONMENT = "wenv = {'LD_PRELOAD'"
ENVIRONMENT_HERE = f"wenv = {{**{{name: os.environ[name] for name in {PASSED_ON} if name in os.environ}}, 'LD_PRELOAD'"


def prepare(s, sources):
    """A copy of the tests, and what they look for."""
    shutil.copytree(sources / "tests", s.dir / "tests")
    script = s.dir / "tests" / "magtests.py"
    text = script.read_text()
    assert text.count(ENVIRONMENT) == 1
    script.write_text(text.replace(ENVIRONMENT, ENVIRONMENT_HERE))
    for each in (s.dir / "tests").glob("*.py"):
        each.chmod(0o755)
    for name in ("bin", "modules"):
        (s.dir / name).mkdir()
    os.symlink(sys.executable, s.dir / "bin" / "python3")
    os.symlink(pathlib.Path(__file__).with_name("requests_gssapi"), s.dir / "modules" / "requests_gssapi")
    (s.dir / "bin").chmod(0o755)


def attempt(s, lib):
    """What each test's verdict is; and all that was said."""
    env = {"PATH": f"{s.dir}/bin:{os.environ['PATH']}:/usr/sbin", "PYTHONPATH": str(s.dir / "modules"), "GSS_MECH_CONFIG": "/dev/null"}
    process = s.watch(lib, sys.executable, "tests/magtests.py", "--so-dir", "/usr/lib/apache2/modules", "--path", s.dir / "scratch", env=env,
                      lend=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.told.chmod(0o777)
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise stage.Skip(f"this host is too slow: they take more than {LIMIT_S} s") from None
    finally:
        # They are in sessions of their own.
        for pid in stage.descendants(process.pid)[1:]:
            os.kill(pid, signal.SIGTERM)
    said = said.decode(errors="replace")
    log = s.dir / "scratch" / "tests.log"
    verdicts = dict(re.findall(r"^(.+): (SUCCESS|FAILED|SKIPPED)$", said, re.MULTILINE))
    return verdicts, said + (log.read_text(errors="replace")[-6000:] if log.exists() else ""), process


def succeeded(s, lib):
    """The tests that succeeded at any attempt; of the last one what was said, and the process."""
    found = set()
    for _ in range(ATTEMPTS):
        verdicts, said, process = attempt(s, lib)
        found |= {name for name, verdict in verdicts.items() if verdict == "SUCCESS"}
        if verdicts and set(verdicts) == found | {name for name, verdict in verdicts.items() if verdict == "SKIPPED"}:
            break
    return found, said, process


def play(s, baton, mit):
    if os.geteuid() != 0:
        raise stage.Skip("these tests are for root")
    try:
        sources = debian_source.get("libapache2-mod-auth-gssapi", s.kept)
    except debian_source.Missing as reason:
        raise stage.Skip(reason) from None
    prepare(s, sources)
    on_mit, said, _ = succeeded(s, mit)
    if len(on_mit) < AT_LEAST:
        raise stage.Skip(f"on MIT's library only these succeed here: {sorted(on_mit)}\n{said}")
    on_baton, said, process = succeeded(s, baton)
    assert on_mit <= on_baton, f"these succeed on MIT's library only: {sorted(on_mit - on_baton)}\n{said}"
    # Whoever of all these loaded a GSS library, loaded Baton.
    s.finish(process, baton, None)
    return f"{len(on_baton)} succeeded on both"


if __name__ == "__main__":
    stage.Stage.kept = sys.argv.pop()
    stage.act("mod_auth_gssapi's own tests", play, [("baton", "mit")])
