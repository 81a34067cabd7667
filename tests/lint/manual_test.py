#!/usr/bin/env python3
"""The checks of manual.py on a small library with faults: each must be found, and a sound one must pass.

  manual_test.py MANDOC
"""
import pathlib
import subprocess
import sys
import tempfile

RULES = pathlib.Path(__file__).with_name("manual.py")

PAGE = """.Dd November 21, 2026
.Dt GSS_MAKE 3
.Os
.Sh NAME
.Nm gss_make ,
.Nm gss_break
.Nd make a thing, and break it
.Sh SYNOPSIS
.In gssapi/gssapi.h
.Ft OM_uint32
.Fo gss_make
.Fa "OM_uint32 *minor_status"
.Fa "const gss_thing_t thing"
.Fc
.Ft "const char *"
.Fo gss_break
.Fa void
.Fc
.Sh DESCRIPTION
.Fn gss_make
makes
.Fa thing .
.Sh SEE ALSO
.Xr cc 1 ,
.Xr baton-errors 7
"""
ERRORS = """.Dd November 21, 2026
.Dt BATON-ERRORS 7
.Os
.Sh NAME
.Nm baton-errors
.Nd what goes wrong
.Sh DIAGNOSTICS
.\\" errors: begin
.\\" errors: end
.Sh SEE ALSO
.Xr gss_make 3
"""
SOUND = {
    "include/gssapi/gssapi.h": """#define GSS_S_FAILURE 13
/* Not a prototype: OM_uint32 gss_ghost(void); */
typedef struct gss_thing *gss_thing_t;
GSS_DLLIMP extern gss_thing_t GSS_C_THING;
OM_uint32 KRB5_CALLCONV gss_make(OM_uint32 *minor_status,
	const gss_thing_t thing);
const char *gss_break(void);
OM_uint32 gss_later(void);
""",
    "src/gss/exports.map": "/* a map */\nX {\nglobal:\n\tgss_make;\n\tgss_br*;\n\n\tGSS_C_THING;\nlocal:\n\t*;\n};\n",
    "src/gss/status.c": "\t{BT_ERR_BAD, GSS_S_FAILURE, 0},\n",
    "src/base/err.def": 'BT_ERR_TABLE("bton", 100)\nBT_ERR_ROW(BAD, 100 + 0, "Bad (very)", NULL)\n'
    'BT_ERR_ROW(WORSE, 100 + 1, "Worse",\n\t   "pray, "\n\t   "then hope")\n',
    "doc/man/gss_make.3": PAGE,
    "doc/man/baton-errors.7": ERRORS,
    "doc/meson.build": "pages = {\n  'gss_make.3': ['gss_break'],\n  'baton-errors.7': [],\n}\n",
    "examples/prefork.c": "int main;\n",
    "doc/python.md": "Text.\n\n```python\nprint(1)\n```\n",
    "examples/prefork.py": "print(1)\n",
    "README.md": "Code:\n\n```c\nint main;\n```\n",
}
# check, file, what to replace, by what, a part of what is said
FAULTS = [
    ("pages", "doc/man/gss_make.3", ".Fn gss_make\nmakes", ".Fn gss_make\n.Nonsense\nmakes", "Nonsense"),
    ("pages", "doc/man/gss_make.3", "makes\n", "makes" + " and makes" * 9 + "\n", "longer than 80"),
    ("pages", "doc/man/gss_make.3", ".Xr cc 1", ".Xr nowhere 1", "no page nowhere(1)"),
    ("pages", "doc/man/gss_make.3", ".Dt GSS_MAKE 3", ".Dt GSS_MAKE 7", "title"),
    ("pages", "doc/meson.build", "'gss_break'", "", "links []"),
    ("pages", "doc/meson.build", "  'baton-errors.7': [],\n", "", "does not install it"),
    ("pages", "doc/meson.build", "}", "  'gone.3': [],\n}", "no page gone.3"),
    ("calls", "src/gss/exports.map", "gss_br*;", "gss_br*; gss_later;", "gss_later is in the NAME of 0"),
    ("calls", "src/gss/exports.map", "gss_br*;", "gss_br*; gss_ghost;", "gss_ghost is in no header"),
    ("calls", "src/gss/exports.map", "gss_br*;", "", "gss_break is not exported"),
    ("calls", "doc/man/gss_make.3", "const gss_thing_t thing", "gss_thing_t thing", "SYNOPSIS"),
    ("calls", "doc/man/gss_make.3", ".Fa void", '.Fa "void *x"', "SYNOPSIS"),
    ("calls", "doc/man/gss_make.3", ".Fn gss_make\n", ".Fn gss_later\n", "gss_later is not exported"),
    ("calls", "doc/man/gss_make.3", "makes\n", "makes gss_later and\n", "gss_later is neither"),
    ("calls", "doc/man/gss_make.3", "makes\n", "makes GSS_S_PERFECT and\n", "GSS_S_PERFECT"),
    ("calls", "doc/man/gss_make.3", ".Fa thing .", ".Fa other .", "no call has an argument other"),
    ("errors", "src/base/err.def", "100 + 1", "100 + 2", "102"),
    ("errors", "src/base/err.def", '"Worse"', '"Still worse"', "Still worse"),
    ("errors", "src/base/err.def", "then hope", "then run", "then run"),
    ("errors", "src/base/err.def", "NULL)", "NONE)", "could be read"),
    ("errors", "src/gss/status.c", "GSS_S_FAILURE", "GSS_S_BAD_MIC", "GSS_S_BAD_MIC"),
    ("readme", "README.md", "int main;", "int  main;", "prefork.c"),
    ("readme", "README.md", "```c", "```", "prefork.c"),
    ("readme", "doc/python.md", "(1)", "(2)", "prefork.py"),
]


def lay_out(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(check, root, mandoc):
    more = [mandoc] if check == "pages" else []
    return subprocess.run([sys.executable, RULES, check, root] + more, capture_output=True, text=True, check=False)


def main(mandoc):
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        lay_out(root, SOUND)
        subprocess.run([sys.executable, RULES, "write-errors", root], check=True)
        sound = {path: (root / path).read_text(encoding="utf-8") for path in SOUND}
        for check in ("pages", "calls", "errors", "readme"):
            done = run(check, root, mandoc)
            if done.returncode != 0:
                print(f"{check} finds fault with what is sound:\n{done.stdout}{done.stderr}")
                wrong += 1
        for check, path, old, new, said in FAULTS:
            assert old in sound[path], (path, old)
            lay_out(root, {path: sound[path].replace(old, new, 1)})
            done = run(check, root, mandoc)
            if done.returncode != 1 or said not in done.stdout:
                print(f"{check} does not see {new!r} in {path}:\n{done.stdout}{done.stderr}")
                wrong += 1
            lay_out(root, {path: sound[path]})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
