#!/usr/bin/env python3
"""Install into a directory, and use what is there as the README says.

  install_test.py BUILD SOURCE EXAMPLE_TEST CLIENT...
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240, check=False, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def one(root, pattern):
    found = list(root.rglob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{pattern}: installed {len(found)} times: {found}")
    return found[0]


def main(build, source, example_test, *clients):
    top = pathlib.Path(tempfile.mkdtemp())
    try:
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", top)
        baton, library, pc = one(top, "bin/baton"), one(top, "libbaton.so.0"), one(top, "baton.pc")
        prefix = baton.parent.parent

        # The library under the other one's name, and every page under every name.
        compat = one(top, "libgssapi_krb5.so.2")
        if not compat.samefile(library):
            raise SystemExit(f"{compat} is not {library}")
        for link in (p for p in top.rglob("*") if p.is_symlink() and not p.exists()):
            raise SystemExit(f"{link} leads nowhere")
        for page in ("baton.1", "baton.3", "gss_unseal.3", "baton-token.5", "baton-claims.7"):
            one(top, page)
        if "baton 0." not in run(baton, "version"):
            raise SystemExit("baton version")

        env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), LD_LIBRARY_PATH=str(library.parent), PREFIX=str(prefix))
        shutil.copy(pathlib.Path(source) / "examples/prefork.c", top / "prefork.c")
        line = 'cc prefork.c $(pkg-config --define-variable=prefix="$PREFIX" --cflags --libs baton)'
        run("sh", "-c", line, env=env, cwd=top)
        run(baton, "realm", "--", sys.executable, example_test, top / "a.out", *clients, env=env)
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
