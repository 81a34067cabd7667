#!/usr/bin/env python3
"""The test scripts of MIT's Kerberos, as they come: on MIT's library first, then on Baton, which must not make a difference.

  mit_scripts.py SCRIPT INCLUDE COMPAT KEPT

SCRIPT is a path below src in MIT's sources, which are kept in the directory KEPT, or a file beside this one; INCLUDE has Baton's headers, COMPAT the library by
MIT's name. A script's programs must end alike and say the same, but for what DIFFERENCES lists.

Scripts listen on fixed ports, on every address. So each runs in namespaces of its own: a network with nothing but a loopback, and a
host name that stands for it. What fails on MIT's library, too, fails for want of something here: then the test is skipped.
"""
import ctypes
import fcntl
import os
import pathlib
import re
import runpy
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import types

import debian_source
import mit_tree

SKIP = 77
HOSTS = "127.0.0.1 localhost\n127.0.0.1 server.baton.test server\n"

# What programs say otherwise on Baton: program, pattern, what both sides' text is read as, and why.
DIFFERENCES = [
    ("t_lifetime|ccrefresh", r"^\d+$", "SECONDS", "the clock goes on between two runs"),
    ("gss-client|t_inq_cred", r"lifetime:? \d+|size=\d+", "N", "the clock goes on between two runs, and DER has random numbers in fewer bytes at times"),
    ("gss-perf", r"[ \d.]+", " ", "it measures"),
    ("t_saslname", r"^(\S+ \(GSS_C_MA_\w+\)): .*$", r"\1", "what an attribute is, in a sentence of one's own"),
    ("t_saslname", r"^-+\nOID        : \{ 1 3 6 1 5 2 5 \}\n(?:\w.*\n)*-+\n", "", "IAKERB is not indicated, doc/adr/0011"),
    ("t_srcattrs|t_s4u", r"^[0-9a-f]{16,}$", "BYTES", "a PAC has the time of the login, and signatures"),
    ("t_ccselect", r"(?:Unspecified GSS failure.*|The referenced credential has expired)\n(.*: Ticket expired)$", r"EXPIRED\n\1",
     "GSS_S_CREDENTIALS_EXPIRED is the status for this, RFC 2744 section 5.19"),
]


# And what they would see otherwise and not stand: in front of every program. RFC 2743 section 1.2.7 has GSS_C_PROT_READY_FLAG where a
# context is open; MIT's library shows it to acceptors that have answered, and t_ciflags and t_inq_ctx compare all flags.
PRELUDE = """
#include <gssapi/gssapi.h>
static inline OM_uint32
inquire_as_mit(OM_uint32 *minor, gss_ctx_id_t ctx, gss_name_t *source, gss_name_t *target, OM_uint32 *lifetime, gss_OID *mech,
               OM_uint32 *flags, int *is_initiator, int *is_open)
{
    int initiated = 0;
    OM_uint32 major = gss_inquire_context(minor, ctx, source, target, lifetime, mech, flags, &initiated, is_open);

    if (flags != NULL && (initiated || (*flags & GSS_C_MUTUAL_FLAG) == 0))
        *flags &= ~(OM_uint32)GSS_C_PROT_READY_FLAG;
    if (is_initiator != NULL)
        *is_initiator = initiated;
    return major;
}
#define gss_inquire_context inquire_as_mit
"""


class Skip(Exception):
    """This script cannot be run here, and why."""


# ---- in the namespaces ----

def make_host(hosts):
    with socket.socket() as s:
        # struct ifreq: the loopback goes up.
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))
    socket.sethostname("server")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    with socket.create_server(("server", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()


def inside(sources, folder, script, hosts):
    """Make the host, then be the script."""
    make_host(hosts)
    # Beside this file is another module of the same name.
    sys.path[0] = os.path.join(sources, "util")
    sys.argv = [os.path.join(sources, folder, "script")]
    import k5test
    # MIT's scripts are older than Debian's rule that these enctypes have to be asked for.
    k5test._default_krb5_conf["libdefaults"].update(allow_des3="true", allow_rc4="true")
    runpy.run_path(script, run_name="__main__")


# ---- outside ----

def namespaces():
    """The command that starts this file in new namespaces."""
    command = ["unshare", "--net", "--uts", "--mount"] + (["--user", "--map-root-user"] if os.geteuid() != 0 else [])
    return command + [sys.executable, "-B", __file__]


def check_namespaces(hosts):
    tried = subprocess.run(namespaces() + ["--host", str(hosts)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if tried.returncode != 0:
        raise Skip(f"no namespaces to run in: {tried.stdout.decode(errors='replace').strip()}")


def run(tree, folder, script, lib, compat):
    """Run it on that library. Returns how it ended, what it said, its log, and which GSS libraries the linker loaded."""
    place = tree.top / folder
    told = tree.top / f"linker.{lib}"
    told.mkdir()
    tree.environment(LD_LIBRARY_PATH=f"{compat}:{tree.top}/lib/baton" if lib == "baton" else f"{tree.top}/lib")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "KRB5", "BATON_", "GSS_", "PYTHON"))}
    env.update(LD_DEBUG="files", LD_DEBUG_OUTPUT=str(told / "of"), PATH=env["PATH"] + ":/usr/sbin:/sbin")
    command = [*namespaces(), "--inside", tree.sources, folder, script, tree.top / "hosts"]
    process = subprocess.Popen([str(word) for word in command],
                               cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        said = process.communicate()[0].decode(errors="replace")
    finally:
        # Daemons of a script that was interrupted.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    log = place / "testlog"
    text = log.read_text(errors="replace") if log.exists() else ""
    loaded = set()
    for each in told.iterdir():
        loaded |= set(re.findall(r"calling init: (\S+/libgssapi_krb5\.so\.2)", each.read_text(errors="replace")))
    shutil.rmtree(told)
    shutil.rmtree(place / "testdir", ignore_errors=True)
    return types.SimpleNamespace(status=process.returncode, said=said, log=text, loaded={os.path.realpath(path) for path in loaded})


def commands(log, tree, programs):
    """Of a log, what MIT's own programs were called with, said, and ended with."""
    found = []
    for argv, said, status in re.findall(r"^\*\*\* \[\d+\] Executing: (.*)\n((?:.*\n)*?)\*\*\* \[\d+\] Completed with return code (-?\d+)$", log, re.M):
        name = pathlib.PurePath(argv.split()[0]).name
        if name in programs:
            found.append((name, argv.replace(str(tree.top), ""), said, int(status)))
    return found


def read_as(name, said):
    for program, pattern, replacement, _ in DIFFERENCES:
        if re.fullmatch(program, name):
            said = re.sub(pattern, replacement, said, flags=re.M)
    return said.splitlines()


def is_same_line(mit, baton):
    """
    Where MIT's minor status is zero, and said to be "Success", Baton's says why the call failed. Where MIT's says what is wrong,
    Baton's may go on.
    """
    return mit == baton or baton.startswith(mit + ",") or mit.endswith(": Success") and baton.startswith(mit[:-len("Success")])


def is_same(name, mit, baton):
    mit, baton = read_as(name, mit), read_as(name, baton)
    return len(mit) == len(baton) and all(map(is_same_line, mit, baton))


def compare(mit, baton):
    """How Baton's programs differ from MIT's, in words."""
    different = []
    for (name, argv, said, status), (_, _, baton_said, baton_status) in zip(mit, baton):
        if status != baton_status or not is_same(name, said, baton_said):
            different.append(f"{argv}\n  MIT's library ({status}):\n{said}\n  Baton ({baton_status}):\n{baton_said}")
    if len(mit) != len(baton):
        different.append(f"{len(mit)} programs ran on MIT's library, {len(baton)} on Baton")
    return different


def test(script, include, compat, kept, top):
    try:
        sources = str(debian_source.get("libgssapi-krb5-2", kept))
    except debian_source.Missing as reason:
        raise Skip(reason) from None
    tree = mit_tree.Tree(top / "tree", sources, include, PRELUDE)
    check_namespaces(tree.write("hosts", HOSTS))
    folder = str(pathlib.PurePath(script).parent) if "/" in script else "tests/gssapi"
    script = tree.sources / script if "/" in script else pathlib.Path(__file__).resolve().parent / script
    tree.link("lib/baton/libgssapi_krb5.so", compat / "libgssapi_krb5.so.2")
    programs = {pathlib.PurePath(name).name for name in tree.furnish(folder, script.read_text())}
    mit = run(tree, folder, script, "mit", compat)
    assert "Traceback" not in mit.said, mit.said
    if mit.status != 0:
        raise Skip(f"it fails on MIT's library here:\n{mit.said}")
    baton = run(tree, folder, script, "baton", compat)
    assert baton.status == 0, f"on MIT's library it succeeds, on Baton it fails:\n{baton.said}"
    ours = os.path.realpath(compat / "libgssapi_krb5.so.2")
    assert baton.loaded == {ours}, f"on Baton, its programs loaded {baton.loaded}"
    assert mit.loaded and ours not in mit.loaded, f"on MIT's library, its programs loaded {mit.loaded}"
    had, has = commands(mit.log, tree, programs), commands(baton.log, tree, programs)
    different = compare(had, has)
    assert not different, "\n".join(["programs say different things:", *different])
    skipped = re.findall(r"^\*\*\* Skipping: (.*)$", baton.log, re.M)
    return f"{len(has)} runs of MIT's programs" + (f"; it skips {'; '.join(skipped)}" if skipped else "")


def main():
    script, include, compat, kept = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    top = pathlib.Path(tempfile.mkdtemp(prefix="baton-mit."))
    try:
        print(f"{script}: no difference ({test(script, pathlib.Path(include), pathlib.Path(compat), kept, top)})")
    except Skip as reason:
        print(f"{script}: skipped: {reason}")
        sys.exit(SKIP)
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(*sys.argv[2:])
    elif sys.argv[1] == "--host":
        make_host(sys.argv[2])
    else:
        main()
