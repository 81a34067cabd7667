#!/usr/bin/env python3
"""The checks of rooms.py on a house with faults: each must be found, and a sound house must pass."""
import pathlib
import subprocess
import sys
import tempfile

RULES = pathlib.Path(__file__).with_name("rooms.py")
SOUND = {
    "src/base/bytes.h": "",
    "src/crypto/crypto.h": '#include "base/bytes.h"\n',
    "src/crypto/hash.c": '#include "crypto/crypto.h"\n#include <openssl/evp.h>\n',
    "src/mech/mech.h": '#include "base/bytes.h"\n',
    "src/mech/krb5/accept.c": '#include <krb5.h>\n#include "mech/mech.h"\n',
    "src/gss/export.c": '#include <gssapi/gssapi.h>\n#include "mech/mech.h"\n',
    "src/cli/cli.h": "",
    "src/cli/main.c": '#include "cli.h"\n#include <gssapi/gssapi.h>\n',
}
FAULTS = [
    ("includes", "src/base/up.c", '#include "crypto/crypto.h"\n', "level"),
    ("includes", "src/crypto/side.c", '#include "wire/der.h"\n', "level"),
    ("includes", "src/mech/plain.c", "#include <krb5.h>\n", "mech/krb5"),
    ("includes", "src/mech/krb5/hash.c", "#  include <openssl/sha.h>\n", "crypto"),
    ("includes", "src/transfer/seal.c", "#include <gssapi/gssapi.h>\n", "gss"),
    ("includes", "src/cli/demo.c", '#include "base/bytes.h"\n', "customer"),
    ("includes", "src/cli/demo.c", "#include <krb5.h>\n", "mech/krb5"),
    ("includes", "src/gss/wrap.c", '#include "mech/none.h"\n', "no such file"),
    ("includes", "src/attic/old.c", "", "no room"),
    ("length", "src/base/long.c", "\n" * 601, "601 lines"),
]


def lay_out(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(*args):
    return subprocess.run([sys.executable, str(RULES), *args], capture_output=True, text=True)


def symbols_of(root, room, code):
    lay_out(root, {"one.c": code})
    subprocess.run(["cc", "-c", "-o", str(root / "one.o"), str(root / "one.c")], check=True)
    return run("symbols", f"{room}={root / 'one.o'}")


def main():
    wrong = []
    for rule, name, text, expected in FAULTS:
        with tempfile.TemporaryDirectory() as tmp:
            root = pathlib.Path(tmp)
            lay_out(root, dict(SOUND, **{"src/wire/der.h": "", name: text}))
            result = run(rule, tmp)
            if result.returncode != 1 or expected not in result.stdout or name not in result.stdout:
                wrong.append(f"not found: {name}: {text!r}: {result.stdout}")
    with tempfile.TemporaryDirectory() as tmp:
        root = pathlib.Path(tmp)
        lay_out(root, SOUND)
        for rule in ("includes", "length"):
            result = run(rule, tmp)
            if result.returncode != 0:
                wrong.append(f"a sound house was faulted: {result.stdout}")
        if symbols_of(root, "claim", "int bt_claim_take(void) { return 0; }").returncode != 0:
            wrong.append("a sound symbol was faulted")
        if symbols_of(root, "claim", "int take(void) { return 0; }").returncode != 1:
            wrong.append("not found: a symbol without its room's prefix")
        if symbols_of(root, "claim", "int bt_msg_take;").returncode != 1:
            wrong.append("not found: a symbol with another room's prefix")
        if run("symbols", "claim=/nonexistent.a").returncode != 1:
            wrong.append("a missing archive passed")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
