#!/usr/bin/env python3
"""Hold the manual and the library together.

  manual.py pages ROOT MANDOC   every page is sound mdoc, links lead somewhere, names are where they are installed
  manual.py calls ROOT          every exported function is in one page's NAME, with the header's prototype, and no other is
  manual.py errors ROOT         baton-errors(7) has the rows of err.def and the major statuses of status.c
  manual.py readme ROOT         the code in README.md is examples/prefork.c, that in doc/python.md examples/prefork.py
  manual.py write-errors ROOT   write the list of baton-errors(7) anew

Prints each breach and ends with 1 if there was one.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys
import textwrap

MAN, MAP, HEADERS = "doc/man", "src/gss/exports.map", "include"
ERRORS_PAGE, BEGIN, END = "doc/man/baton-errors.7", '.\\" errors: begin\n', '.\\" errors: end\n'

# Exported, and in no header on purpose: see objects.c, inner.c, kerberos.c and cred_option.c in src/gss.
UNDECLARED = {
    "krb5_gss_dbg_client_expcreds",
    "gss_krb5int_make_seal_token_v3",
    "gss_krb5int_unseal_token_v3",
    "gssint_g_seqstate_init",
    "krb5_gss_use_kdc_context",
    "gssspi_set_cred_option",
}

# Pages of others that ours may point to.
FOREIGN = {
    "cc(1)", "curl(1)", "kinit(1)", "klist(1)", "pkg-config(1)", "fork(2)", "kill(2)", "socketpair(2)", "poll(2)", "getauxval(3)", "free(3)", "memcmp(3)", "sendmsg(2)",
    "execve(2)", "memfd_create(2)", "secure_getenv(3)", "krb5.conf(5)", "tmpfs(5)", "systemd.exec(5)", "logind.conf(5)",
    "ld.so(8)", "mount(8)", "krb5kdc(8)", "kadmin.local(8)", "unix(7)", "k5login(5)", "shm_overview(7)",
}

OURS = r"\b(?:gss|gssspi|gsskrb5|krb5_gss|baton)_\w+"
CONSTANT = r"\bGSS_[A-Z]\w*"
ENVIRONMENT = {"GSS_MECH_CONFIG", "GSS_USE_PROXY"}  # look like some


def squeeze(text):
    """A declaration without the spaces that mean nothing."""
    return re.sub(r" ?([(),*]) ?", r"\1", re.sub(r"\s+", " ", text).strip())


class Headers:
    """Prototypes, objects and all words of the public headers."""

    def __init__(self, root):
        self.prototypes, self.objects, self.words = {}, set(), set()
        for path in sorted((root / HEADERS).rglob("*.h")):
            text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
            self.words |= set(re.findall(r"\b[A-Za-z_]\w*", text))
            text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.M)
            text = re.sub(r'extern "C" \{|GSS_DLLIMP|KRB5_CALLCONV', "", text)
            for declaration in re.split(r"[;{}]", text):
                declaration = declaration.strip()
                found = re.fullmatch(r"([\w\s*]+?)\b(\w+)\s*\(([^()]*)\)", declaration)
                if found and not declaration.startswith("typedef"):
                    self.prototypes[found[2]] = squeeze(declaration)
                elif declaration.startswith("extern "):
                    self.objects.add(declaration.split()[-1].lstrip("*"))


def exported(root, headers):
    """Functions and objects that the library gives out; and the names in its map that are neither."""
    text = re.sub(r"/\*.*?\*/", " ", (root / MAP).read_text(encoding="utf-8"), flags=re.S)
    functions, objects, unknown = set(), set(), set()
    for part in re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.S):
        for pattern in re.findall(r"[\w*]+", part):
            names = [pattern]
            if "*" in pattern:
                names = fnmatch.filter(set(headers.prototypes) | headers.objects, pattern)
            for name in names:
                if name in headers.prototypes:
                    functions.add(name)
                elif name in headers.objects or name in UNDECLARED:
                    objects.add(name)
                else:
                    unknown.add(name)
            if not names:
                unknown.add(pattern)
    return functions, objects, unknown


class Page:
    """One page: its names, its prototypes, and what it mentions."""

    def __init__(self, path):
        self.path = path
        self.section = path.suffix[1:]
        self.text = path.read_text(encoding="utf-8")
        self.names, self.prototypes, self.arguments, self.links, self.marked = [], {}, [], [], set()
        heading, result, function = "", "", None
        for line in self.text.splitlines():
            if not line.startswith("."):
                continue
            words = re.findall(r'"[^"]*"|\S+', line)
            macro, rest = words[0], [w.strip('"') for w in words[1:]]
            if macro == ".Sh":
                heading = " ".join(rest)
            elif macro == ".Nm" and heading == "NAME":
                self.names.append(rest[0])
            elif macro == ".Ft":
                result = " ".join(rest)
            elif macro == ".Fo":
                function, arguments = rest[0], []
            elif macro == ".Fa" and function:
                arguments += rest
            elif macro == ".Fc":
                self.prototypes[function] = squeeze(f"{result} {function}({','.join(arguments)})")
                function = None
            for i, word in enumerate(words):
                if word in (".Xr", "Xr") and i + 2 < len(words):
                    self.links.append(f"{words[i + 1]}({words[i + 2]})")
                elif word in (".Fn", "Fn") and i + 1 < len(words):
                    self.marked.add(words[i + 1])
                elif word in (".Fa", "Fa") and i + 1 < len(words) and heading != "SYNOPSIS":
                    self.arguments.append(words[i + 1])


def pages_of(root):
    return [Page(path) for path in sorted((root / MAN).glob("*.[1-9]"))]


def installed_links(root):
    """Page -> the other names it is installed under, from doc/meson.build."""
    text = (root / "doc/meson.build").read_text(encoding="utf-8")
    return {page: re.findall(r"'([^']+)'", names) for page, names in re.findall(r"'(\S+\.[1-9])':\s*\[([^\]]*)\]", text)}


def check_pages(root, mandoc):
    pages = pages_of(root)
    if not pages:
        yield f"{MAN}: there are no pages"
        return
    try:
        lint = subprocess.run(
            [mandoc, "-T", "lint", "-W", "style"] + [str(p.path) for p in pages], capture_output=True, text=True, check=False
        )
    except OSError as error:
        yield f"{mandoc}: {error.strerror}: scripts/need lint installs it"
        return
    for line in (lint.stdout + lint.stderr).splitlines():
        # Whether a link leads somewhere is looked at below.
        if "referenced manual not found" not in line and "mandoc.db" not in line:
            yield line
    known = {f"{name}({page.section})" for page in pages for name in page.names}
    links = installed_links(root)
    for page in pages:
        name = page.path.name
        for link in page.links:
            if link not in known and link not in FOREIGN:
                yield f"{name}: there is no page {link}"
        if not page.names or page.path.stem != page.names[0]:
            yield f"{name}: its first name is another"
        title = re.search(r"^\.Dt (\S+) (\S+)$", page.text, flags=re.M)
        if not title or title[1] != page.path.stem.upper() or title[2] != page.section:
            yield f"{name}: its title is another"
        if name not in links:
            yield f"{name}: doc/meson.build does not install it"
        elif sorted(links[name]) != sorted(page.names[1:]):
            yield f"{name}: doc/meson.build has links {links[name]}, the page has names {page.names[1:]}"
    for name in links.keys() - {page.path.name for page in pages}:
        yield f"doc/meson.build: there is no page {name}"


def check_calls(root):
    headers, pages = Headers(root), pages_of(root)
    functions, objects, unknown = exported(root, headers)
    for name in sorted(unknown):
        yield f"{MAP}: {name} is in no header"
    if not functions:
        yield f"{MAP}: no functions"
    homes = {}
    for page in pages:
        for name in page.names if page.section == "3" else []:
            homes.setdefault(name, []).append(page)
    for name in sorted(functions):
        found = homes.get(name, [])
        if len(found) != 1:
            yield f"{name} is in the NAME of {len(found)} pages: {', '.join(p.path.name for p in found)}"
            continue
        shown = found[0].prototypes.get(name)
        if shown != headers.prototypes[name]:
            yield f"{found[0].path.name}: SYNOPSIS has {shown}, the header {headers.prototypes[name]}"
    for page in pages:
        parameters = {"minor_status"}
        for prototype in page.prototypes.values():
            parameters |= set(re.findall(r"\w+(?=[,)\[])", prototype))
        for name in sorted(set(page.prototypes) - functions | set(page.names) - functions):
            if page.section == "3" and name not in page.path.stem:
                yield f"{page.path.name}: {name} is not exported"
        for name in sorted(page.marked - functions):
            yield f"{page.path.name}: {name} is not exported"
        for word in sorted(set(re.findall(OURS, page.text)) - functions - objects):
            if word in headers.prototypes or word not in headers.words:
                yield f"{page.path.name}: {word} is neither exported nor a type"
        for word in sorted(set(re.findall(CONSTANT, re.sub(r"^\.Dt .*$", "", page.text, flags=re.M))) - headers.words - ENVIRONMENT):
            yield f"{page.path.name}: {word} is not in the headers"
        for argument in sorted(set(page.arguments) - parameters):
            if page.prototypes:
                yield f"{page.path.name}: no call has an argument {argument}"


def literal(text):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def error_rows(root):
    """(table, name, number, text, hint or None), from err.def."""
    text = re.sub(r"/\*.*?\*/", " ", (root / "src/base/err.def").read_text(encoding="utf-8"), flags=re.S)
    table = None
    for found in re.finditer(r'BT_ERR_TABLE\("(\w+)"|BT_ERR_ROW\((\w+),\s*(-?\d+) \+ (\d+),((?:[^"()]|"(?:[^"\\]|\\.)*")*)\)', text):
        if found[1]:
            table = found[1]
            continue
        parts = [literal(part) or None for part in re.findall(r'((?:\s*"(?:[^"\\]|\\.)*")+|\s*NULL)', found[5])]
        if len(parts) == 2:
            yield table, found[2], (int(found[3]) + int(found[4])) & 0xFFFFFFFF, parts[0], parts[1]


def majors(root):
    """Error's name -> (major status, what the minor status is instead of it, or None), from status.c."""
    text = (root / "src/gss/status.c").read_text(encoding="utf-8")
    rows = re.findall(r"\{BT_ERR_(\w+), (GSS_S_\w+), (\w+)\}", text)
    return {name: (major, minor if minor != "0" else None) for name, major, minor in rows}


def error_list(root):
    """What stands between BEGIN and END in the page."""
    meant, lines = majors(root), []
    rows = list(error_rows(root))
    for wanted, heading in (("bton", "Baton's own"), ("k5g", "Kerberos"), ("ggss", "GSS-API")):
        here = [row[1:] for row in rows if row[0] == wanted]
        if not here:
            continue
        lines += [f".Ss {heading}", ".Bl -tag -width Ds"]
        for name, number, text, hint in here:
            major, minor = meant.get(name, (None, None))
            lines.append(f".It Sy {name} Pq {number}")
            lines += textwrap.wrap(text + ".", 78)
            if hint:
                lines += textwrap.wrap(hint[0].upper() + hint[1:] + ".", 78)
            if major:
                # status.c has its own short names for libkrb5's numbers.
                minor = minor and minor.replace("KRB5_AP_", "KRB5KRB_AP_ERR_")
                lines.append(f".Dv {major}" + (f" ; minor status {minor}" if minor else "") + " .")
        lines.append(".El")
    return "\n".join(lines) + "\n"


def split_errors_page(root):
    text = (root / ERRORS_PAGE).read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    listed, _, tail = rest.partition(END)
    return head, listed, tail


def check_errors(root):
    num_rows = (root / "src/base/err.def").read_text(encoding="utf-8").count("\nBT_ERR_ROW(")
    rows = list(error_rows(root))
    if len(rows) != num_rows or not rows:
        yield f"err.def: {num_rows} rows, of which {len(rows)} could be read"
    if not majors(root):
        yield "status.c: no rows could be read"
    have, want = split_errors_page(root)[1].splitlines(), error_list(root).splitlines()
    for line in sorted(set(want) ^ set(have)):
        yield f"{ERRORS_PAGE}: {'lacks' if line in want else 'has'} {line!r}: run manual.py write-errors"
    if have != want and set(want) == set(have):
        yield f"{ERRORS_PAGE}: its list has another order: run manual.py write-errors"


def check_readme(root):
    for page, language, source in (("README.md", "c", "examples/prefork.c"), ("doc/python.md", "python", "examples/prefork.py")):
        text = (root / page).read_text(encoding="utf-8")
        if re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.S | re.M) != [(root / source).read_text(encoding="utf-8")]:
            yield f"{page}: its code is not {source}"


def main(args):
    if len(args) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = pathlib.Path(args[1])
    if args[0] == "write-errors":
        head, _, tail = split_errors_page(root)
        (root / ERRORS_PAGE).write_text(head + BEGIN + error_list(root) + END + tail, encoding="utf-8")
        return 0
    check = {"pages": check_pages, "calls": check_calls, "errors": check_errors, "readme": check_readme}[args[0]]
    breaches = list(check(root, *args[2:]))
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
