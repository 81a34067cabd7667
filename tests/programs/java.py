#!/usr/bin/env python3
"""Java's GSS-API on the native library, where there is a Java: a program of ours says the same on Baton as on MIT's library.

  java.py    in a realm of "baton realm"
"""
import pathlib
import shutil
import subprocess

import stage

NATIVE = ["-Dsun.security.jgss.native=true", "-Dsun.security.jgss.lib=libgssapi_krb5.so.2", "-Djavax.security.auth.useSubjectCredsOnly=false"]
# MIT's library takes a token twice.
AGAIN = {"mit": "[imported again]", "baton": "[not imported again, 12]"}


def play(s, baton, mit):
    if shutil.which("java") is None or shutil.which("javac") is None:
        raise stage.Skip("there is no Java with a compiler here")
    source = pathlib.Path(__file__).with_name("Contexts.java")
    compiled = subprocess.run(["javac", "-d", s.dir, source], timeout=stage.PATIENCE_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert compiled.returncode == 0, compiled.stdout.decode(errors="replace")
    said = {}
    for lib in (baton, mit):
        # Its errors are not in the comparison: JVMs have warnings of their own.
        lines = s.finish(s.watch(lib, "java", *NATIVE, "-cp", s.dir, "Contexts", stdout=subprocess.PIPE), lib).splitlines()
        assert lines.count(AGAIN[lib]) == 8, lines
        said[lib] = [line for line in lines if line != AGAIN[lib]]
    for ours, theirs in zip(said[baton], said[mit]):
        assert ours == theirs, f"on Baton {ours}, on MIT's library {theirs}"
    assert len(said[baton]) == len(said[mit]), said
    return f"{len(said[mit])} lines are the same"


if __name__ == "__main__":
    stage.act("Java", play, [("baton", "mit")])
