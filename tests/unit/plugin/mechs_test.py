#!/usr/bin/env python3
"""What `baton mechs` says of configurations.

  mechs_test.py BATON LIBRARY     LIBRARY: a toy of the test's
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BATON, LIBRARY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
BUILT_IN = ["built in"] * 4


class Mechs(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.config = pathlib.Path(self.dir.name) / "mech.conf"

    def tearDown(self):
        self.dir.cleanup()

    def mechs(self, text=None, *arguments):
        if text is not None:
            self.config.write_bytes(text)
        done = subprocess.run([BATON, "mechs", *arguments], env={**os.environ, "GSS_MECH_CONFIG": str(self.config)},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_built_in(self):
        for text in (None, b"", b"# nothing\n\n"):
            status, said, complaint = self.mechs(text)
            self.assertEqual((status, complaint), (0, ""))
            self.assertEqual([line[:10].strip() for line in said.splitlines()], BUILT_IN)
            self.assertIn("1.2.840.113554.1.2.2 ", said)

    def test_loaded(self):
        status, said, _ = self.mechs(f"toy 1.3.6.1.4.1.5322.26.99.1 {LIBRARY}\n".encode())
        self.assertEqual(status, 0)
        last = said.splitlines()[-1]
        self.assertTrue(last.startswith("loaded "), said)
        for part in (" 1.3.6.1.4.1.5322.26.99.1 ", " toy ", f" {LIBRARY} ({self.config}:1)"):
            self.assertIn(part, last)

    def test_broken(self):
        text = f"one\n# two\ntoy 1.3.6.1.4.1.5322.26.99.1 {LIBRARY}\nfour 1.2.x lib.so\nfive 1.2.5 /nonexistent.so\n".encode()
        status, said, _ = self.mechs(text + b"six\0 1.2.6 lib.so\n")
        self.assertEqual(status, 1)
        self.assertIn("\nloaded ", said)
        for line, problem in ((1, "Line has no object identifier"), (4, "Object identifier is malformed"),
                              (5, "Library cannot be loaded: /nonexistent.so: "), (6, "Line has a control character")):
            self.assertIn(f"\n{self.config}:{line}: {problem}", said)
        # What to do stands below each.
        self.assertEqual(sum(line.startswith("    ") for line in said.splitlines()), 4)

    def test_file(self):
        self.config.mkdir()
        status, said, _ = self.mechs()
        self.assertEqual(status, 1)
        self.assertIn(f"\n{self.config}: File cannot be read\n", said)

    def test_large_file(self):
        status, said, _ = self.mechs(b"#" * (1024 * 1024 + 1))
        self.assertEqual(status, 1)
        self.assertIn(f"\n{self.config}: File is too large\n", said)
        self.assertEqual(self.mechs(b"#" * (1024 * 1024))[0], 0)

    def test_too_many(self):
        lines = "".join(f"toy 1.3.6.1.4.1.5322.26.98.{i} {LIBRARY}\n" for i in range(20))
        status, said, _ = self.mechs(lines.encode())
        self.assertEqual(status, 1)
        self.assertEqual(said.count("\nloaded "), 13)
        self.assertEqual(said.count(": There are too many mechanisms\n"), 7)

    def test_usage(self):
        self.assertEqual(self.mechs(b"", "more")[0], 2)
        status, said, _ = self.mechs(b"", "--help")
        self.assertEqual(status, 0)
        self.assertTrue(said.startswith("usage: baton mechs"))


if __name__ == "__main__":
    del sys.argv[1:]
    unittest.main()
