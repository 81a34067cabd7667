#!/usr/bin/env python3
"""Hold the rooms of src/ apart: who may include whom, who may define which symbol, how long a file may be.

  rooms.py includes ROOT
  rooms.py length ROOT
  rooms.py symbols ROOM=FILE...     FILE: the room's archive, or the program

Prints each breach and ends with 1 if there was one.
"""
import pathlib
import re
import subprocess
import sys

LEVEL = {"base": 0, "crypto": 1, "wire": 1, "claim": 2, "message": 2, "mech": 3, "transfer": 4, "gss": 5, "cli": 6}

PREFIXES = {
    "base": "bt_rd_ bt_wr_ bt_buf_ bt_bytes_ bt_load_ bt_store_ bt_mem_ bt_err_ bt_oid_ bt_lock_ bt_clock_ bt_trace_",
    "crypto": "bt_crypto_",
    "wire": "bt_der_ bt_frame_ bt_rec_",
    "claim": "bt_claim_",
    "message": "bt_msg_",
    "mech": "bt_mech_ bt_mn_ bt_ctx_ bt_answers_ bt_krb5_ bt_iakerb_ bt_spnego_ bt_sanon_ bt_plugin_",
    "transfer": "bt_transfer_ bt_seal_ bt_handover_ bt_receipt_ bt_parcel_ bt_passing_ bt_channel_",
    # Public names, and those of the objects behind the handles. The static OIDs are known here alone.
    "gss": "gss_ gssspi_ gssint_ gsskrb5_ krb5_gss_ GSS_C_ GSS_KRB5_ gssapi_ baton_ "
    "bt_call_ bt_gss_ bt_buffer_set_ bt_context_handle_ bt_cred_ bt_mechs_ bt_minor_ bt_name_ bt_oid_set_ bt_oids bt_oid_static "
    "bt_oid_is_static bt_status_",
    "cli": "cli_",
}

# Headers of other projects, and the only folders that see them. Longest match first.
FOREIGN = [
    (re.compile(r"openssl/"), ["crypto"]),
    (re.compile(r"(krb5\.h|krb5/.*|profile\.h|com_err\.h|kdb\.h|k5-.*)$"), ["mech/krb5"]),
    (re.compile(r"(gssapi\.h|gssapi/.*|baton/.*)$"), ["gss", "cli", "mech/plugin"]),
]

MAX_LINES = 600
PROGRAM = {"main", "data_start", "environ", "optarg", "optind", "opterr", "stdin", "stdout", "stderr"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def sources(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".def"):
                yield path


def room_breach(path, src, name):
    """Why the file may not include "name", or None."""
    room = path.relative_to(src).parts[0]
    beside = (path.parent / name).resolve()
    if beside.is_file() and beside.is_relative_to((src / room).resolve()):
        return None
    target = name.split("/")[0]
    if target not in LEVEL:
        return "names neither a file beside it nor a room"
    if not (src / name).is_file() and not name.endswith(".inc"):
        return "there is no such file"
    if target == room:
        return None
    if room == "cli":
        return "cli is a customer and sees include/ only"
    if LEVEL[target] >= LEVEL[room]:
        return f"{room} is on level {LEVEL[room]} and {target} on level {LEVEL[target]}"
    return None


def foreign_breach(path, src, name):
    folder = path.relative_to(src).parent.as_posix()
    for pattern, allowed in FOREIGN:
        if pattern.match(name):
            if any(folder == a or folder.startswith(a + "/") for a in allowed):
                return None
            return "only " + " and ".join(allowed) + " may see it"
    return None


def check_includes(root):
    src = root / "src"
    breaches = []
    for path in sources(root, "src"):
        if path.relative_to(src).parts[0] not in LEVEL:
            breaches.append(f"{path}: a folder that is no room")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            angle, quoted = found.groups()
            if angle:
                is_room = "/" in angle and angle.split("/")[0] in LEVEL
                why = "a room's header is included with quotes" if is_room else foreign_breach(path, src, angle)
            else:
                why = room_breach(path, src, quoted)
            if why:
                breaches.append(f"{path}:{number}: {angle or quoted}: {why}")
    return breaches


def check_length(root):
    breaches = []
    for path in sources(root, "src", "include"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            breaches.append(f"{path}: {lines} lines, more than {MAX_LINES}")
    return breaches


def is_ours(name):
    """Not what the compiler, its sanitizers, or the C start-up files add."""
    return not name.startswith(("_", "asan.", "ubsan.")) and name not in PROGRAM


def check_symbols(pairs):
    breaches = []
    for pair in pairs:
        room, file = pair.split("=", 1)
        listing = subprocess.run(["nm", "-g", "--defined-only", file], capture_output=True, text=True)
        if listing.returncode != 0:
            breaches.append(f"{file}: {listing.stderr.strip()}")
        for line in listing.stdout.splitlines():
            parts = line.split()
            if len(parts) != 3 or parts[1] in "UwWvu":
                continue
            name = parts[2].split("@")[0]
            if is_ours(name) and not name.startswith(tuple(PREFIXES[room].split())):
                breaches.append(f"{room}: {name} has none of the room's prefixes ({PREFIXES[room]})")
    return breaches


def main(args):
    if len(args) == 2 and args[0] == "includes":
        breaches = check_includes(pathlib.Path(args[1]))
    elif len(args) == 2 and args[0] == "length":
        breaches = check_length(pathlib.Path(args[1]))
    elif len(args) >= 2 and args[0] == "symbols":
        breaches = check_symbols(args[1:])
    else:
        sys.exit(__doc__)
    print("\n".join(breaches))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
