"""stage - what the plays of this suite share: programs on one library or the other, and proof of which it was.

A play is a function play(stage, client, server), where client and server are "baton" or "mit". It runs in a realm of
"baton realm", starts what it needs through the stage, and raises an AssertionError when something is not as it should be.
act() runs it once for each line-up of Baton and MIT's library (or for those on the command line; "mit,mit" shows whether a play
is right), each time on a fresh stage: a directory of its own, and no process left when it is over.
"""
import ctypes
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE_S = 60
LINE_UPS = [("baton", "mit"), ("mit", "baton"), ("baton", "baton")]
NAMES = {"baton": "Baton", "mit": "MIT's library"}
HOST = "server.baton.test"

REALM_DIR = pathlib.Path(os.environ["BATON_REALM_DIR"])
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Skip(Exception):
    """This play cannot be given here, and why."""


def baton_program():
    """The program; the realm's command runs as its child."""
    return pathlib.Path(os.environ.get("BATON") or os.readlink(f"/proc/{os.getppid()}/exe"))


def run_on(lib, *command, program=None):
    """The command, for it to run on that library."""
    words = [str(word) for word in command]
    return [str(program or baton_program()), "run", "--", *words] if lib == "baton" else words


def which_library(maps):
    """Of the text of /proc/PID/maps: "baton", "mit", or None. Both at once is never right."""
    found = set()
    if re.search(r"/libbaton\.so", maps):
        found.add("baton")
    if re.search(r"/libgssapi_krb5\.so", maps):
        found.add("mit")
    assert len(found) <= 1, "two GSS libraries in one process"
    return found.pop() if found else None


def library_of(pid):
    return which_library(pathlib.Path(f"/proc/{pid}/maps").read_text())


def descendants(pid):
    """The process and all that came of it."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parent = int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def check_library(pid, lib, what):
    """Is this running process on that library, and on no other?"""
    assert library_of(pid) == lib, f"{what} (pid {pid}) is on {library_of(pid)}, not on {lib}"


def check_family(pid, lib, what):
    """The same for a server and every process of it that has a GSS library at all; the number of those."""
    count = 0
    for each in descendants(pid):
        try:
            found = library_of(each)
        except OSError:
            continue
        assert found in (lib, None), f"{what} (pid {each}) is on {found}, not on {lib}"
        count += found == lib
    assert count > 0, f"no process of {what} is on {lib}"
    return count


def wait_until(condition, what, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Stage:
    """One directory, and the processes that were started in it."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="baton-play."))
        self.dir.chmod(0o711)
        self.running = []
        self.env = dict(os.environ)
        self.env.pop("LD_LIBRARY_PATH", None)
        self.env.pop("LD_PRELOAD", None)
        self.env["KRB5_TRACE"] = str(self.dir / "trace")
        self.file("trace", "", 0o666)

    def file(self, name, text, mode=0o644):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def configure(self, text):
        """Put this in front of the realm's krb5.conf, for what starts from now on. Anybody may read it."""
        name = self.file("krb5.conf", text + "\n" + (REALM_DIR / "krb5.conf").read_text())
        self.env["KRB5_CONFIG"] = str(name)

    def keytab(self, *services):
        """A keytab with the keys of these services, which the realm gets to know if it does not."""
        path = self.dir / "services.keytab"
        self.manage(*(f"addprinc -randkey {each}" for each in services), f"ktadd -norandkey -k {path} {' '.join(services)}")
        assert path.exists(), f"no keys for {services}"
        return path

    @staticmethod
    def manage(*requests):
        """What the realm's administrator asks for; whether it is done is the caller's to see."""
        subprocess.run(["kadmin.local", "-r", "BATON.TEST"], input="".join(f"{each}\n" for each in requests).encode(), timeout=PATIENCE_S,
                       check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def lend(self, source, user):
        """A copy of a file of the realm that this user may read."""
        path = self.dir / f"{user}-{pathlib.Path(source).name}"
        shutil.copyfile(source, path)
        path.chmod(0o600)
        self.give(path, user)
        return path

    @staticmethod
    def give(path, user):
        if os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def lend_baton(self):
        """The program and the library where any user can read them, as in a build directory. Returns the program."""
        program = self.dir / "lent" / "src" / "cli" / "baton"
        if not program.exists():
            program.parent.mkdir(parents=True)
            compat = subprocess.run(run_on("baton", "printenv", "LD_LIBRARY_PATH"), env=self.env, check=True, stdout=subprocess.PIPE)
            library = pathlib.Path(compat.stdout.decode().strip().split(":")[0]) / "libgssapi_krb5.so.2"
            shutil.copy(baton_program(), program)
            (self.dir / "lent" / "src" / "gss").mkdir()
            shutil.copy(library, self.dir / "lent" / "src" / "gss" / "libbaton.so.0")
            (self.dir / "lent" / "compat").mkdir()
            os.symlink("../src/gss/libbaton.so.0", self.dir / "lent" / "compat" / "libgssapi_krb5.so.2")
        return program

    def popen(self, lib, *command, env=None, user=None, lend=False, **options):
        """
        Start a program; what it says goes to a file of the stage unless options say otherwise. If another user is named, and
        this process may, it runs as that user. To lend: it will become another user by itself.
        """
        program = self.lend_baton() if lend or user is not None else None
        if user is not None and os.geteuid() == 0:
            command = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", "--pdeathsig", "TERM", "--",
                       *command)
        log = open(self.dir / f"log.{len(self.running):02}.{pathlib.Path(command[0]).name}", "ab")
        process = subprocess.Popen(run_on(lib, *command, program=program), env={**self.env, **(env or {})},
                                   **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "cwd": self.dir,
                                      "start_new_session": True, "preexec_fn": die_with_parent, **options})
        log.close()
        self.running.append(process)
        return process

    def serve(self, lib, make_command, **options):
        """
        Start a server: make_command(port) is its command. Returns the process and its port. Somebody may take a free port
        before the server does: then another.
        """
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            process = self.popen(lib, *make_command(port), **options)
            end = time.monotonic() + PATIENCE_S
            while process.poll() is None and time.monotonic() < end:
                if listens(port):
                    return process, port
                time.sleep(0.02)
            self.stop(process)
        raise AssertionError("the server does not listen")

    def watch(self, lib, *command, env=None, **options):
        """Start a program that may end before there is a moment to look at it: the linker tells what it loads, to finish()."""
        told = self.dir / f"linker.{len(self.running)}"
        told.mkdir()
        process = self.popen(lib, *command, env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(told / "of"), **(env or {})}, **options)
        process.told = told
        return process

    def finish(self, process, lib, status=0, text=None):
        """Wait for a watched program; returns what it said, if that came through a pipe. Its GSS library must have been this one."""
        out, _ = process.communicate(text, timeout=PATIENCE_S)
        out = (out or b"").decode(errors="replace")
        assert status is None or process.returncode == status, f"{process.args} ended with {process.returncode}: {out}"
        told = "".join(each.read_text(errors="replace") for each in process.told.iterdir())
        # By this name, as "baton run" is itself a program of Baton.
        loaded = {os.path.realpath(path) for path in re.findall(r"calling init: (\S+/libgssapi_krb5\.so\.2)", told)}
        assert [which_library(path) for path in loaded] == [lib], f"{process.args} was to run on {lib}, but loaded {loaded}"
        return out

    def run(self, lib, *command, status=0, text=None, **options):
        """Run a program to its end. Returns what it said, output and errors."""
        if text is not None:
            options["stdin"] = subprocess.PIPE
        process = self.watch(lib, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        return self.finish(process, lib, status, text)

    def stop(self, process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        # Its children are in its session, unless they made one for themselves.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def logs(self):
        for path in sorted(self.dir.glob("log.*")):
            text = path.read_text(errors="replace")
            if text:
                yield f"--- {path.name}\n" + text[-6000:]

    def clear(self):
        for process in reversed(self.running):
            self.stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)


def leave(*_):
    """As at the end of a test's time: what was started is ended on this way out too, and once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def act(what, play, line_ups=None):
    """Give the play in each line-up; tell how it went; end the program."""
    signal.signal(signal.SIGTERM, leave)
    failed = skipped = 0
    wanted = sys.argv[1:]
    given = [tuple(each.split(",")) for each in wanted] or line_ups or LINE_UPS
    for client, server in given:
        cast = f"{what}: client on {NAMES[client]}, server on {NAMES[server]}"
        began = time.monotonic()
        stage = Stage()
        try:
            notes = play(stage, client, server)
            print(f"{cast}: passed in {time.monotonic() - began:.1f} s" + (f" ({notes})" if notes else ""))
        except Skip as reason:
            skipped += 1
            print(f"{cast}: skipped: {reason}")
        except Exception:
            failed += 1
            print(f"{cast}: FAILED")
            traceback.print_exc(file=sys.stdout)
            print("\n".join(stage.logs()))
        finally:
            stage.clear()
        sys.stdout.flush()
    sys.exit(1 if failed else 77 if skipped == len(given) else 0)
