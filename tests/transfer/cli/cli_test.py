#!/usr/bin/env python3
"""baton inspect, claims, doctor, with real tokens and a store of their own; events of real processes; probes.

  cli_test.py BATON TRAVELLER LIBBATON GOLDEN HAS_PROBES
"""
import base64
import ctypes
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BATON = TRAVELLER = LIBBATON = GOLDEN = HAS_PROBES = None

GOLDEN_TEXT = """\
Interprocess token, format 1
  mechanism  krb5 (1.2.840.113554.1.2.2)
  for        uid=1000
  claim      676f6c64-7-3, in shared memory
  expires    in 93371404239 days
  size       323 bytes, 262 of them sealed
"""


# Over other accounts, too: in a namespace of its own there may be none.
IS_ROOT = os.geteuid() == 0 and int(pathlib.Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2]) > 65534

UPROBES = pathlib.Path("/sys/bus/event_source/devices/uprobe/type")


class Tracer:
    """A probe of a library, counted by the kernel in all processes; perf_event_open(2)."""

    def __init__(self, library, probe):
        self.path = ctypes.create_string_buffer(os.path.realpath(library).encode())
        self.files = []
        notes = subprocess.run(["readelf", "--notes", "--wide", library], capture_output=True, text=True, check=True).stdout
        place, counter = re.search(rf"Provider: baton\s+Name: {probe}\s+Location: (\w+), Base: \w+, Semaphore: (\w+)", notes).groups()
        headers = subprocess.run(["readelf", "--segments", "--wide", library], capture_output=True, text=True, check=True).stdout
        self.segments = [[int(n, 16) for n in found] for found in re.findall(r"LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+)", headers)]
        self.place, self.counter = self.offset(int(place, 16)), self.offset(int(counter, 16))

    def offset(self, address):
        return next(address - start + offset for offset, start, size in self.segments if start <= address < start + size)

    def open(self):
        kind = int(UPROBES.read_text(encoding="ascii"))
        libc = ctypes.CDLL(None, use_errno=True)
        for cpu in sorted(os.sched_getaffinity(0)):
            attr = struct.pack("=IIQQQQQIIQQ", kind, 112, self.counter << 32, 0, 0, 0, 0, 0, 0, ctypes.addressof(self.path), self.place)
            fd = libc.syscall(298, ctypes.create_string_buffer(attr.ljust(112, b"\0")), -1, cpu, -1, 8)
            if fd < 0:
                self.close()
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            self.files.append(fd)

    def count(self):
        return sum(struct.unpack("=Q", os.read(fd, 8))[0] for fd in self.files)

    def close(self):
        while self.files:
            os.close(self.files.pop())


class Case(unittest.TestCase):
    def setUp(self):
        # In memory, as a store has to be.
        self.dir = tempfile.mkdtemp(prefix="baton-cli.", dir="/dev/shm")
        # Also when this is killed: then nobody writes to the cleaner any more.
        self.cleaner = subprocess.Popen(["sh", "-c", 'cat; rm -rf "$0"', self.dir], stdin=subprocess.PIPE, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.claims = os.path.join(self.dir, "claims.d")
        os.mkdir(self.claims, 0o700)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "KRB5", "NO_COLOR", "XDG_RUNTIME"))}
        self.env.update(BATON_CLAIM_DIR=self.claims, TERM="xterm", KRB5_CONFIG="/dev/null", KRB5_KTNAME=self.dir + "/none")
        self.children = []

    def tearDown(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            child.stdin.close()
            child.stdout.close()
        shutil.rmtree(self.dir)
        self.cleaner.communicate()

    def baton(self, *args, data=b"", status=0, **env):
        run = subprocess.run([BATON, *args], input=data, capture_output=True, timeout=60, env=dict(self.env, **env), check=False)
        self.assertEqual(run.returncode, status, (args, run.stdout, run.stderr))
        return run.stdout.decode() if status in (0, 1) and run.stdout else run.stderr.decode()

    def export(self, num, **env):
        """A process that has exported num contexts and lives on; its tokens and their keys."""
        child = subprocess.Popen(
            [TRAVELLER, "export", str(num)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(self.env, **env))
        self.children.append(child)
        found = {"token": [], "key": []}
        while (line := child.stdout.readline().decode()) not in ("done\n", ""):
            what, value = line.split()
            found[what].append(bytes.fromhex(value))
        self.assertEqual(line, "done\n")
        return child, found["token"], found["key"]

    def bring_in(self, *tokens, **env):
        text = "".join(token.hex() + "\n" for token in tokens)
        run = subprocess.run([TRAVELLER, "import"], input=text, capture_output=True, text=True, timeout=60, env=dict(self.env, **env), check=True)
        return run.stdout.splitlines()


class Inspect(Case):
    def test_golden(self):
        text = re.sub(r"in \d+ days", "in 93371404239 days", self.baton("inspect", GOLDEN))
        self.assertEqual(text[: len(GOLDEN_TEXT)], GOLDEN_TEXT)
        self.assertTrue(text[len(GOLDEN_TEXT):].startswith("  import     would be refused here: "), text)
        facts = json.loads(self.baton("inspect", "--json", GOLDEN))
        self.assertGreater(facts.pop("expires_in_ms"), 0)
        for changing in ("importable", "import_major", "import_minor", "import_reason"):
            facts.pop(changing)
        self.assertEqual(facts, {
            "format": 1, "sealed": True, "size": 323, "sealed_size": 262, "mechanism": "1.2.840.113554.1.2.2", "mechanism_name": "krb5",
            "uid": 1000, "audience": "uid=1000", "claim": "676f6c64-7-3", "place": "shm"})

    def test_forms(self):
        _, (token, other), _ = self.export(2)
        facts = json.loads(self.baton("inspect", "--json", data=token))
        self.assertEqual((facts["size"], facts["uid"], facts["place"], facts["mechanism_name"], facts["importable"]),
                         (len(token), os.geteuid(), "named", "sanon-x25519", True))
        self.assertTrue(0 < facts["expires_in_ms"] <= 600000)
        for form in (token.hex(), token.hex(" ", 8).upper() + "\n", base64.b64encode(token).decode(), base64.encodebytes(token).decode(),
                     base64.urlsafe_b64encode(token).decode()):
            again = json.loads(self.baton("inspect", "--json", "-", data=form.encode()))
            self.assertEqual((again["size"], again["claim"]), (len(token), facts["claim"]))
        self.assertNotEqual(json.loads(self.baton("inspect", "--json", data=other))["claim"], facts["claim"])
        self.assertIn("nothing seen that speaks against it", self.baton("inspect", data=token))
        # It was looked at eight times, and works once.
        self.assertEqual(self.bring_in(token)[0], "ok")
        self.assertIn("would be refused here: Interprocess token was imported before", self.baton("inspect", data=token))
        self.assertFalse(json.loads(self.baton("inspect", "--json", data=token))["importable"])

    def test_another_store(self):
        _, (token,), _ = self.export(1)
        other = os.path.join(self.dir, "other")
        os.mkdir(other, 0o700)
        self.assertIn("would be refused here", self.baton("inspect", data=token, BATON_CLAIM_DIR=other))
        self.assertEqual(os.listdir(other), [])

    def test_no_token(self):
        _, (token,), _ = self.export(1)
        for data in (b"", b"x", b"hello world\n", b"\0" * 100, token[:40], b"deadbeef", b"=", os.urandom(5000), b"A" * 100000):
            self.assertIn("this is no interprocess token", self.baton("inspect", data=data, status=1))
        # What is cut short says so when it is opened; what is altered, too.
        self.assertIn("format 1", self.baton("inspect", data=token[:-1]))
        self.assertEqual(self.bring_in(token[:-1] + bytes([token[-1] ^ 1]), token)[1], "ok")

    def test_usage(self):
        self.baton("inspect", "a", "b", status=2)
        self.baton("inspect", "--nonsense", status=2)
        self.assertIn("No such file", self.baton("inspect", self.dir + "/missing", status=125))
        self.assertIn("Is a directory", self.baton("inspect", self.dir, status=125))
        self.assertIn("usage: baton inspect", self.baton("inspect", "--help"))
        self.assertIn("usage: baton inspect", self.baton("help", "inspect"))

    def test_nothing_secret(self):
        _, (token,), (key,) = self.export(1)
        for args in (("inspect",), ("inspect", "--json"), ("claims",), ("claims", "--json"), ("doctor",)):
            shown = self.baton(*args, data=token)
            self.assertNotIn(key.hex(), shown)
            self.assertNotIn(token[-40:].hex(), shown)


class Claims(Case):
    def test_nothing_yet(self):
        self.assertIn("has exported nothing", self.baton("claims"))
        facts = json.loads(self.baton("claims", "--json"))
        self.assertEqual((facts["slots"], facts["place"], facts["processes"], facts["oldest_ms"]), (0, "", [], -1))
        self.assertEqual(os.listdir(self.claims), [])

    def test_by_process(self):
        first, tokens, _ = self.export(3)
        second, _, _ = self.export(5)
        facts = json.loads(self.baton("claims", "--json"))
        self.assertEqual((facts["slots"], facts["live"], facts["expired"], facts["reserved"]), (65536, 8, 0, 0))
        self.assertEqual((facts["place"], facts["uid"], facts["num_processes"]), (self.claims + "/claims", os.geteuid(), 2))
        self.assertEqual([(p["pid"], p["live"], p["gone"], p["program"]) for p in facts["processes"]],
                         [(second.pid, 5, False, "cli-traveller"), (first.pid, 3, False, "cli-traveller")])
        self.assertTrue(0 <= facts["oldest_ms"] < 600000 and 0 < facts["next_expiry_ms"] <= 600000)
        self.assertEqual(self.bring_in(*tokens), ["ok"] * 3)
        second.stdin.close()
        second.wait()
        second.stdin = open(os.devnull, "rb")
        facts = json.loads(self.baton("claims", "--json"))
        self.assertEqual([(p["pid"], p["live"], p["gone"], p["program"]) for p in facts["processes"]], [(second.pid, 5, True, "")])

    def test_for_people(self):
        child, _, _ = self.export(2)
        lines = re.sub(r"\d+ (ms|s|min \d+ s)\b", "TIME", self.baton("claims").replace(str(child.pid), "PID")).splitlines()
        self.assertEqual([" ".join(line.split()) for line in lines], [
            f"Claims of user {os.geteuid()} {self.claims}/claims", "",
            "live 2 the oldest TIME old, the next expires in TIME", "expired 0", "reserved 0", "free 65534 of 65536", "",
            "exported by live expired reserved oldest", "cli-traveller[PID] 2 0 0 TIME"])
        self.assertNotIn("\x1b", "".join(lines))

    def test_many_processes(self):
        """More than are listed: the rest is counted."""
        for _ in range(70):
            child, _, _ = self.export(1)
            child.kill()
            child.wait()
        facts = json.loads(self.baton("claims", "--json"))
        self.assertEqual((facts["num_processes"], len(facts["processes"]), facts["live"]), (70, 64, 70))
        self.assertIn("and 6 more", self.baton("claims"))

    def test_from_root(self):
        """What root exports to another account is in no table, and seen by that account."""
        if not IS_ROOT:
            self.skipTest("needs root")
        # Nobody's, so that no other test exports to it meanwhile. There are as many in few namespaces.
        uid = 0x70000000 + os.getpid()
        if int(pathlib.Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2]) <= uid:
            self.skipTest("has no such account")
        account = {"user": uid, "group": 65534, "extra_groups": []}
        self.addCleanup(shutil.rmtree, f"/dev/shm/baton-{uid}", ignore_errors=True)
        env = {k: v for k, v in self.env.items() if k != "BATON_CLAIM_DIR"}
        before = subprocess.run([BATON, "claims", "--json"], capture_output=True, env=env, **account, timeout=60, check=False)
        if before.returncode != 0:
            self.skipTest("the program cannot be run by another account from where it is")
        _, tokens, _ = self.export(2, BATON_TRANSFER=f"audience=uid={uid}")
        facts = json.loads(self.baton("inspect", "--json", data=tokens[0]))
        self.assertEqual((facts["uid"], facts["place"], facts["importable"]), (uid, "box", False))
        after = subprocess.run([BATON, "claims", "--json"], capture_output=True, env=env, **account, timeout=60, check=True)
        self.assertEqual(json.loads(after.stdout)["boxes_live"], 2)
        text = subprocess.run([BATON, "claims"], capture_output=True, env=env, **account, timeout=60, check=True).stdout.decode()
        self.assertIn(f"Root has put 2 claims here for user {uid}, 0 of them expired.", text)
        run = subprocess.run([TRAVELLER, "import"], input="".join(token.hex() + "\n" for token in tokens), capture_output=True, text=True,
                             env=env, **account, timeout=60, check=True)
        self.assertEqual(run.stdout.split(), ["ok", "ok"])

    def test_broken_store(self):
        self.export(1)
        os.chmod(self.claims, 0o755)
        self.assertIn("has mode 0755", self.baton("claims", status=1))
        self.assertIn("baton doctor", self.baton("claims", "--watch", status=1))

    def test_usage(self):
        for args in (["x"], ["--watch=0"], ["--watch=x"], ["--watch=1e9"], ["--nonsense"]):
            self.baton("claims", *args, status=2)
        self.assertIn("usage: baton claims", self.baton("claims", "--help"))


def on_a_pty():
    """As pty.fork(). A jail may have none."""
    try:
        return pty.fork()
    except OSError as reason:
        raise unittest.SkipTest(str(reason))


class Watch(Case):
    def start_lines(self, *args):
        child = subprocess.Popen([BATON, "claims", "--watch=0.1", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env)
        self.children.append(child)
        return child

    def test_lines(self):
        self.export(2)
        for sig in (signal.SIGINT, signal.SIGTERM):
            child = self.start_lines()
            for _ in range(3):
                self.assertRegex(child.stdout.readline().decode(), r"^\d\d:\d\d:\d\d  live 2  expired 0  reserved 0  free 65534  oldest \d+ ms\n$")
            child.send_signal(sig)
            self.assertEqual(child.wait(20), 0)

    def test_json_lines(self):
        child = self.start_lines("--json")
        self.assertEqual(json.loads(child.stdout.readline())["live"], 0)
        self.export(1)
        while json.loads(child.stdout.readline())["live"] != 1:
            pass
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(20), 0)

    def test_nobody_reads(self):
        child = self.start_lines()
        child.stdout.readline()
        child.stdout.close()
        self.assertIn(child.wait(20), (0, 1))
        child.stdout = open(os.devnull, "rb")

    def on_terminal(self, *args, rows=40, **env):
        """A child on a terminal of its own, and what is said about that terminal before."""
        pid, fd = on_a_pty()
        if pid == 0:
            try:
                os.execve(BATON, [BATON, *args], dict(self.env, **env))
            finally:
                os._exit(127)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
        return pid, fd

    def read_until(self, fd, wanted, seen=""):
        end = time.monotonic() + 30
        while wanted is None or wanted not in seen:
            if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
                self.fail(f"{wanted!r} is not in {seen!r}")
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                break
            seen += data.decode()
        return seen

    def finish(self, pid, fd):
        rest = self.read_until(fd, None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, rest)
        os.close(fd)
        return rest

    def test_live_view(self):
        self.export(2)
        for key in (b"q", b"Q", b"\x03"):
            pid, fd = self.on_terminal("claims", "--watch=0.1")
            seen = self.read_until(fd, "q ends this")
            self.assertIn("\x1b[?1049h\x1b[?25l", seen)
            self.assertIn("Claims of user", seen)
            self.assertFalse(termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON))
            os.write(fd, b"x")  # means nothing
            self.read_until(fd, "q ends this")
            os.write(fd, key)
            self.assertTrue(self.finish(pid, fd).endswith("\x1b[?25h\x1b[?1049l"))

    def test_terminal_is_restored(self):
        shell_pid, fd = on_a_pty()
        if shell_pid == 0:
            os.execve("/bin/sh", ["sh", "-c", f"stty -a; {BATON} claims --watch=0.1; echo status $?; stty -a"], self.env)
        seen = self.read_until(fd, "q ends this")
        os.write(fd, b"q")
        seen += self.finish(shell_pid, fd)
        self.assertIn("status 0", seen)
        before, after = seen.split("\x1b[?1049h")[0], seen.split("status 0")[-1]
        self.assertEqual(before.split(), after.split())

    def test_stop(self):
        """Ctrl-Z: the shell has its screen while the view is stopped, and the view comes back. This child is such a shell."""
        shell_pid, fd = on_a_pty()
        if shell_pid == 0:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                os.tcsetpgrp(0, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                try:
                    os.execve(BATON, [BATON, "claims", "--watch=3600"], self.env)
                finally:
                    os._exit(127)
            status = os.waitpid(pid, os.WUNTRACED)[1]
            if os.WIFSTOPPED(status):
                os.write(1, b"it stands still")
                os.kill(pid, signal.SIGCONT)
                status = os.waitpid(pid, 0)[1]
            os._exit(os.waitstatus_to_exitcode(status))
        self.read_until(fd, "q ends this")
        os.write(fd, b"\x1a")
        seen = self.read_until(fd, "it stands still")
        self.assertIn("\x1b[?25h\x1b[?1049l", seen.split("it stands still")[0])
        again = self.read_until(fd, "q ends this", seen.split("it stands still")[1])
        self.assertIn("\x1b[?1049h\x1b[?25l", again)
        os.write(fd, b"q")
        self.assertTrue(self.finish(shell_pid, fd).endswith("\x1b[?25h\x1b[?1049l"))

    def test_small_window_and_resize(self):
        for _ in range(6):
            self.export(1)
        pid, fd = self.on_terminal("claims", "--watch=3600")
        self.read_until(fd, "q ends this")
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 14, 60, 0, 0))
        seen = self.read_until(fd, "q ends this")
        self.assertIn("and 3 more", seen)
        os.write(fd, b"q")
        self.finish(pid, fd)

    def test_colours(self):
        self.export(1)
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)):
            pid, fd = self.on_terminal("claims", **env)
            self.assertEqual("\x1b[" in self.finish(pid, fd), coloured, env)


class Doctor(Case):
    def doctor(self, status=0, **env):
        facts = json.loads(self.baton("doctor", "--json", status=status, **env))
        self.assertEqual(facts["ok"], status == 0)
        checks = {check["check"]: check for check in facts["checks"]}
        for check in checks.values():
            self.assertEqual(check["advice"] is not None, check["state"] in ("warn", "fail"), check)
        return checks

    def test_well(self):
        checks = self.doctor()
        for name in ("library", "claim directory", "memory", "hand-on", "claim table", "/proc", "memory files"):
            self.assertEqual(checks[name]["state"], "ok", checks[name])
        self.assertEqual(checks["keytab"]["state"], "warn")
        text = self.baton("doctor")
        self.assertIn("Baton works here", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("  ok    hand-on ", text)

    def test_wrong_mode(self):
        os.chmod(self.claims, 0o755)
        checks = self.doctor(status=1)
        self.assertEqual(checks["claim directory"]["state"], "fail")
        self.assertIn("has mode 0755", checks["claim directory"]["found"])
        self.assertEqual(checks["claim directory"]["advice"], f"chmod 0700 {self.claims}")
        self.assertEqual(checks["hand-on"]["state"], "fail")
        self.assertIn("cannot export", checks["hand-on"]["found"])
        self.assertIn("must be mended", self.baton("doctor", status=1))
        # Done as advised.
        os.chmod(self.claims, 0o700)
        self.doctor()

    def test_wrong_table(self):
        self.export(1)
        os.chmod(self.claims + "/claims", 0o644)
        checks = self.doctor(status=1)
        self.assertIn("has mode 0644", checks["claim table"]["found"])

    def test_wrong_owner(self):
        if not IS_ROOT:
            self.skipTest("needs root")
        os.chown(self.claims, 65534, 65534)
        self.assertIn("belongs to user 65534", self.doctor(status=1)["claim directory"]["found"])

    def test_on_a_disk(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as tmp:
            if subprocess.run(["stat", "-f", "-c", "%T", tmp], capture_output=True, text=True, check=True).stdout.strip() in ("tmpfs", "ramfs"):
                self.skipTest("is in memory")
            checks = self.doctor(status=1, BATON_CLAIM_DIR=tmp)
            self.assertEqual(checks["memory"]["state"], "fail")

    def test_no_directory(self):
        os.rmdir(self.claims)
        self.assertIn("is made by the first export", self.doctor()["claim directory"]["found"])
        self.assertEqual(stat.S_IMODE(os.stat(self.claims).st_mode), 0o700)

    def test_settings(self):
        checks = self.doctor(status=1, BATON_TRANSFER="audience=nonsense")
        self.assertIn("BATON_TRANSFER", checks["hand-on"]["found"])
        self.assertEqual(checks["settings"]["state"], "fail")
        self.assertIn("BATON_TRANSFER", checks["settings"]["found"])
        check = self.doctor(BATON_TRANSFER="audience=session; ttl=2m")["settings"]
        self.assertEqual(check["state"], "ok")
        self.assertIn("session", check["found"])
        self.assertRegex(check["found"], "(1 min|2 min)")
        # What else is wrong is said where it is.
        checks = self.doctor(status=1, BATON_CLAIM_DIR="relative")
        self.assertEqual((checks["settings"]["state"], checks["hand-on"]["state"]), ("none", "fail"))

    def test_mechanisms(self):
        config = pathlib.Path(self.dir, "mech")
        config.write_text("ours 1.2.3.4 /nonexistent/mech.so\n", encoding="utf-8")
        check = self.doctor(GSS_MECH_CONFIG=str(config))["mechanisms"]
        self.assertEqual(check["state"], "warn")
        self.assertIn(f"{config}:1: ", check["found"])
        config.write_text("", encoding="utf-8")
        self.assertEqual(self.doctor(GSS_MECH_CONFIG=str(config))["mechanisms"]["state"], "ok")

    def test_trace(self):
        self.assertEqual(self.doctor(BATON_TRACE=self.dir + "/trace")["trace"]["state"], "ok")
        self.assertEqual(self.doctor(BATON_TRACE=self.dir + "/no/trace")["trace"]["state"], "warn")
        self.assertEqual(self.doctor(BATON_TRACE=self.dir)["trace"]["state"], "warn")

    def test_usage(self):
        self.baton("doctor", "x", status=2)
        self.assertIn("usage: baton doctor", self.baton("doctor", "--help"))


class Events(Case):
    def test_listener(self):
        """What it does itself is not told to it, and when it is gone nothing is."""
        trace = self.dir + "/trace"
        lines = subprocess.run([TRAVELLER, "audit"], capture_output=True, text=True, timeout=60, check=True,
                               env=dict(self.env, BATON_TRACE=trace)).stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["exported", "imported", "refused"])
        claim = lines[0].split()[3]
        self.assertEqual(lines, [f"exported 00000000 [] {claim} 1 1", f"imported 00000000 [] {claim} 1 1",
                                 f"refused 00080000 [Interprocess token was imported before] {claim} 1 1"])
        told = [re.search(r"\] (\S+) uid", line)[1] for line in pathlib.Path(trace).read_text(encoding="utf-8").splitlines()]
        self.assertEqual(told, ["exported", "exported", "imported", "imported", "refused", "refused"])

    def test_two_processes(self):
        """One file for exporter and importer; the claim is what holds the lines together. No key is in it, and no user's name."""
        trace = self.dir + "/trace"
        child, tokens, keys = self.export(3, BATON_TRACE=trace)
        self.assertEqual(self.bring_in(tokens[0], tokens[0], tokens[1][:-1], BATON_TRACE=trace)[0], "ok")
        text = pathlib.Path(trace).read_text(encoding="utf-8")
        self.assertEqual(stat.S_IMODE(os.stat(trace).st_mode), 0o600)
        lines = [re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z cli-traveller\[(\d+)\] (\S+) uid=(\d+) mechanism=1\.3\.6\.1\.4\.1\.5322\.26\.1\.110"
                              r' claim=(\S+) audience="uid=\d+"( error=\d+ reason=".+")?', line) for line in text.splitlines()]
        self.assertTrue(all(lines), text)
        self.assertEqual([line[2] for line in lines], ["exported"] * 3 + ["imported", "refused", "refused"])
        self.assertEqual({line[1] for line in lines[:3]}, {str(child.pid)})
        self.assertEqual(lines[0][4], lines[3][4])
        self.assertEqual(lines[0][4], json.loads(self.baton("inspect", "--json", data=tokens[0]))["claim"])
        raw = pathlib.Path(trace).read_bytes()
        for secret in keys + [token[-48:] for token in tokens]:
            self.assertNotIn(secret, raw)
            self.assertNotIn(secret.hex(), text)
            self.assertNotIn(base64.b64encode(secret).decode(), text)
        self.assertNotIn("ANONYMOUS", text)

    def test_probes(self):
        if HAS_PROBES != "1":
            self.skipTest("built without them")
        notes = subprocess.run(["readelf", "--notes", "--wide", LIBBATON], capture_output=True, text=True, check=True).stdout
        found = re.findall(r"Provider: baton\s+Name: (\w+)\s+Location: (\w+), Base: \w+, Semaphore: (\w+)\s+Arguments: (.+)", notes)
        self.assertEqual({name for name, *_ in found}, {
            "exported", "not_exported", "imported", "refused", "expired", "sent", "not_sent", "received", "taken_back", "lost"})
        self.assertEqual(len({place for _, place, *_ in found}), 10)
        counters = {int(counter, 16) for _, _, counter, _ in found}
        self.assertEqual(len(counters), 1)
        sections = subprocess.run(["readelf", "--sections", "--wide", LIBBATON], capture_output=True, text=True, check=True).stdout
        start, size = re.search(r" \.probes\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)", sections).groups()
        self.assertTrue(int(start, 16) <= counters.pop() < int(start, 16) + int(size, 16))
        for *_, arguments in found:
            self.assertEqual(len(arguments.split()), 6)

    def test_a_tracer(self):
        """The kernel counts a tracer in, and nobody else listens: the probe is passed. It is gone: nothing is told."""
        if HAS_PROBES != "1" or os.geteuid() != 0 or os.uname().machine != "x86_64" or not UPROBES.exists():
            self.skipTest("needs probes, root and a kernel with uprobes")
        # A library of its own, for others run on the one that was built.
        with tempfile.TemporaryDirectory() as tmp:
            library = shutil.copy(LIBBATON, os.path.join(tmp, "libbaton.so.0"))
            tracer = Tracer(library, "refused")
            try:
                tracer.open()
            except OSError as error:
                self.skipTest(f"the kernel lets nobody trace: {error}")
            garbage = bytes.fromhex("000000092a864886f712010202") + b"\x8aBatonCx\1"
            self.bring_in(*[garbage] * 5, LD_LIBRARY_PATH=tmp)
            self.assertEqual(tracer.count(), 5)
            _, tokens, _ = self.export(2, LD_LIBRARY_PATH=tmp)
            self.assertEqual(self.bring_in(*tokens, LD_LIBRARY_PATH=tmp), ["ok", "ok"])
            self.assertEqual(tracer.count(), 5)
            tracer.close()


if __name__ == "__main__":
    BATON, TRAVELLER, LIBBATON, GOLDEN, HAS_PROBES = sys.argv[1:6]
    # Whoever runs this may ignore some (nohup does), and what is started here would inherit that.
    for ended_by in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ended_by, signal.SIG_DFL)
    unittest.main(argv=sys.argv[:1] + sys.argv[6:])
