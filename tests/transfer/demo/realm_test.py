#!/usr/bin/env python3
"""baton realm, run, version, help: exit statuses, what is in the realm, and that nothing is left of it.

  realm_test.py BATON
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BATON = None


def run(*args, **kwargs):
    return subprocess.run([BATON, *args], capture_output=True, text=True, timeout=60, **kwargs)


def is_alive(pid):
    """Zombies are dead: whoever inherits them may be slow to reap."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # not there, or gone while it was read
        return False


def until(question, seconds=10):
    end = time.monotonic() + seconds
    while not question() and time.monotonic() < end:
        time.sleep(0.02)
    return question()


class Realm(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.env = dict(os.environ, TMPDIR=self.tmp)

    def tearDown(self):
        shutil.rmtree(self.tmp)

    def test_status_is_the_commands(self):
        for command, status in ((["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), ([self.tmp + "/none"], 127), (["/etc/passwd"], 126)):
            self.assertEqual(run("realm", "--", *command, env=self.env).returncode, status, command)
        self.assertEqual(os.listdir(self.tmp), [])

    def test_usage(self):
        for args in ([], ["nonsense"], ["realm"], ["realm", "--nonsense", "--", "true"], ["run"], ["version", "x"]):
            self.assertEqual(run(*args, env=self.env).returncode, 2, args)
        for args in (["help"], ["--help"], ["version"], ["help", "realm"], ["help", "run"], ["help", "demo"], ["realm", "--help"]):
            self.assertEqual(run(*args, env=self.env).returncode, 0, args)

    def test_tickets_of_each_enctype(self):
        script = "for e in 17 18 19 20; do kvno -q enc$e/server.baton.test || exit 1; done; kvno -q host/server.baton.test; klist -e; klist -k; printenv KRB5RCACHEDIR KRB5_CLIENT_KTNAME"
        result = run("realm", "--", "sh", "-c", script, env=self.env)
        self.assertEqual(result.returncode, 0, result.stderr)
        listing = result.stdout.split("\n")
        for number, name in ((17, "aes128-cts-hmac-sha1-96"), (18, "aes256-cts-hmac-sha1-96"), (19, "aes128-cts-hmac-sha256-128"), (20, "aes256-cts-hmac-sha384-192")):
            at = next(i for i, line in enumerate(listing) if f"enc{number}/server" in line)
            self.assertIn(f"{name}, {name}", listing[at + 1])

    def test_kept_directory(self):
        place = pathlib.Path(self.tmp, "here")
        self.assertEqual(run("realm", "--dir", str(place), "--keep", "--", "true", env=self.env).returncode, 0)
        self.assertTrue((place / "krb5.conf").is_file())
        self.assertEqual(run("realm", "--dir", str(place), "--", "true", env=self.env).returncode, 125)
        self.assertTrue((place / "krb5.conf").is_file(), "a directory that was refused was emptied")
        self.assertEqual(run("realm", "--dir", str(pathlib.Path(self.tmp, "there")), "--", "true", env=self.env).returncode, 0)
        self.assertEqual(os.listdir(self.tmp), ["here"])

    def start(self, *before):
        child = subprocess.Popen([*before, BATON, "realm", "--", "sh", "-c", "echo go $$; exec sleep 60"], env=self.env, stdout=subprocess.PIPE, text=True)
        words = child.stdout.readline().split()
        self.assertEqual(words[0], "go")
        return child, int(words[1])

    def test_signals_end_everything(self):
        for sig, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            child, command = self.start()
            child.send_signal(sig)
            self.assertEqual(child.wait(20), status)
            self.assertTrue(until(lambda: not is_alive(command)))
            self.assertEqual(os.listdir(self.tmp), [])
            child.stdout.close()

    def test_ends_with_its_parent(self):
        child, command = self.start("sh", "-c", '"$@"; true', "sh")
        child.kill()
        child.wait()
        self.assertTrue(until(lambda: not is_alive(command)))
        self.assertTrue(until(lambda: os.listdir(self.tmp) == []))
        child.stdout.close()

    def test_no_kdc_programs(self):
        result = run("realm", "--", "true", env=dict(self.env, PATH="/nonexistent"))
        self.assertIn(result.returncode, (0, 125))
        self.assertEqual(os.listdir(self.tmp), [])


if __name__ == "__main__":
    # Whoever runs this may ignore some (nohup does), and the commands in the realms would inherit that.
    for ended_by in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ended_by, signal.SIG_DFL)
    BATON = sys.argv[1]
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
