#!/usr/bin/env python3
"""The demo, small: with Baton all is well; with a library whose tokens work for anyone, the same program says so.

  demo_test.py BATON DEMO_ON_MIT
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BATON = ON_MIT = None

# Over other accounts, too: in a namespace of its own there may be none.
IS_ROOT = os.geteuid() == 0 and int(pathlib.Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2]) > 65534


def demo(program, *args, **kwargs):
    return subprocess.run([program, "demo", *args], capture_output=True, text=True, timeout=200, **kwargs)


class Demo(unittest.TestCase):
    def check_sound(self, workers, contexts, *args, **kwargs):
        run = demo(BATON, "--json", "--contexts", str(contexts), "--workers", str(workers), *args, **kwargs)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        facts = json.loads(run.stdout)
        self.assertTrue(facts["ok"])
        self.assertEqual(facts["anonymous"], "--anonymous" in args)
        self.assertEqual((facts["lost"], facts["let_in"], facts["troubles"]), (0, 0, 0))
        self.assertEqual(facts["served"] + facts["races"]["won_by_thief"], facts["contexts"])
        self.assertGreaterEqual(facts["contexts"], contexts)
        # Every context was handed on three times, and every token of that replayed, but for the races that the thief won.
        self.assertEqual(facts["handovers"], 3 * (facts["contexts"] - facts["races"]["won_by_thief"]))
        self.assertEqual(facts["refused"]["used"], 3 * (facts["contexts"] - facts["races"]["run"]))
        self.assertEqual(facts["refused"]["lost_race"], facts["races"]["run"])
        self.assertGreater(facts["refused"]["altered"], 0)
        self.assertGreater(facts["old_messages_recognised"], 0)
        self.assertGreater(facts["token_bytes"]["least"], 64)
        self.assertEqual(facts["other_user_tried"], IS_ROOT)
        if facts["other_user_tried"]:
            self.assertGreater(facts["refused"]["other_user"], 0)
        # One of the services has tickets without authorisation data: such a token is small.
        self.assertLessEqual(facts["token_bytes"]["least"], 400)

    def test_three_workers(self):
        self.check_sound(3, 60)

    def test_one_worker(self):
        self.check_sound(1, 12)

    def test_many_workers(self):
        self.check_sound(8, 24)

    def test_story(self):
        run = demo(BATON, "--contexts", "12")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        for words in ("worker 1  imported", "thief     tried an altered copy: refused", "thief     tried the token once more: refused",
                      "known as a replay", "Nothing was lost, and nobody was let in."):
            self.assertIn(words, run.stdout)
        self.assertNotIn("TROUBLE", run.stdout)

    def test_anonymous(self):
        """Nothing of Kerberos is needed: no programs beside the demo's own, no configuration, no place for a realm."""
        bare = {"PATH": "/nonexistent", "KRB5_CONFIG": "/nonexistent", "KRB5_KTNAME": "/nonexistent", "TMPDIR": "/nonexistent"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "HOME"):
            if name in os.environ:
                bare[name] = os.environ[name]
        self.check_sound(3, 60, "--anonymous", env=bare)
        self.check_sound(1, 12, "--anonymous", env=bare)

    def test_anonymous_story(self):
        run = demo(BATON, "--anonymous", "--contexts", "12")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        for words in ("1. No realm", "accepted WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", "thief     tried an altered copy: refused",
                      "known as a replay", "Nothing was lost, and nobody was let in."):
            self.assertIn(words, run.stdout)
        self.assertNotIn("TROUBLE", run.stdout)

    def test_anonymous_needs_sanon(self):
        run = demo(ON_MIT, "--anonymous", "--json", "--contexts", "1")
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("nothing to accept with", run.stderr)

    def test_another_library_lets_thieves_in(self):
        run = demo(ON_MIT, "--json", "--contexts", "12")
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        facts = json.loads(run.stdout)
        self.assertFalse(facts["ok"])
        # Or, with luck, it fell over the first copy that was altered: it believes what is in a token, lengths as well.
        self.assertTrue(facts["let_in"] > 0 or "has died" in run.stdout + run.stderr, run.stdout + run.stderr)

    def begin(self, tmp, *args):
        """A long demo, in the midst of its many contexts; and the lines that it has told."""
        child = subprocess.Popen([BATON, "demo", "--contexts", "100000", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, env=dict(os.environ, TMPDIR=tmp))
        lines = []
        while not lines or not lines[-1].startswith("4. "):
            lines.append(child.stdout.readline())
            self.assertNotEqual(lines[-1], "", "".join(lines))
        time.sleep(0.2)
        return child, lines

    def test_a_worker_dies(self):
        with tempfile.TemporaryDirectory() as tmp:
            child, lines = self.begin(tmp)
            worker = next(re.search(r"process (\d+)", line).group(1) for line in lines if "worker 2" in line)
            os.kill(int(worker), signal.SIGKILL)
            rest = child.communicate(timeout=60)[0]
            self.assertEqual(child.returncode, 1, rest)
            self.assertIn("worker 2 has died", rest)
            self.assertIn("THIS IS NOT AS IT SHOULD BE", rest)
            self.assertEqual(os.listdir(tmp), [])

    def test_interrupted(self):
        with tempfile.TemporaryDirectory() as tmp:
            child, _ = self.begin(tmp)
            child.send_signal(signal.SIGTERM)
            rest = child.communicate(timeout=60)[0]
            self.assertEqual(child.returncode, 128 + signal.SIGTERM, rest)
            self.assertEqual(os.listdir(tmp), [])

    def test_usage(self):
        for args in (["--contexts", "0"], ["--contexts", "x"], ["--workers", "65"], ["--nonsense"], ["more"]):
            self.assertEqual(demo(BATON, *args).returncode, 2, args)
        self.assertEqual(demo(BATON, "--help").returncode, 0)


if __name__ == "__main__":
    BATON, ON_MIT = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
