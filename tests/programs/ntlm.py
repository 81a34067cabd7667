#!/usr/bin/env python3
"""Debian's gss-ntlmssp, a mechanism that the configuration names: alone and negotiated, with MIT's library as the peer and without; its
contexts go from process to process, half-open and open.

  ntlm.py [CLIENT,SERVER]...

Each side is a process of this file ("--side"), which does what it is told: pickled tuples come in and go out, a line each, in base64.
"""
import base64
import os
import pathlib
import pickle
import subprocess
import sys

LIBRARY = "/usr/lib/x86_64-linux-gnu/gssntlmssp/gssntlmssp.so"
NTLM, SPNEGO = "1.3.6.1.4.1.311.2.2.10", "1.3.6.1.5.5.2"
USER, DOMAIN, PASSWORD = "someone", "TESTDOM", "secret-of-someone"
UNAVAILABLE, NO_CONTEXT, DEFECTIVE = 16 << 16, 8 << 16, 9 << 16


class Side:
    """One process of a conversation; what it is asked for has the names of the methods below."""

    def __init__(self):
        import gssapi
        import gssapi.raw
        self.g = gssapi
        self.context = None

    def oid(self, dotted):
        return self.g.OID.from_int_seq(dotted)

    def mechanisms(self):
        return sorted(each.dotted_form for each in self.g.raw.indicate_mechs())

    def start(self, usage, mech, password=None):
        g, raw = self.g, self.g.raw
        user = g.Name(f"{DOMAIN}\\{USER}", g.NameType.user)
        mechs = [self.oid(mech)]
        if password is not None:
            creds = raw.acquire_cred_with_password(user, password, mechs=mechs, usage=usage).creds
        else:
            creds = raw.acquire_cred(user if usage == "initiate" else None, mechs=mechs, usage=usage).creds
        if mech == SPNEGO:
            raw.set_neg_mechs(creds, [self.oid(NTLM)])
        creds = g.Credentials(base=creds)
        if usage == "initiate":
            flags = [g.RequirementFlag.integrity, g.RequirementFlag.confidentiality, g.RequirementFlag.out_of_sequence_detection]
            target = g.Name("http@server.baton.test", g.NameType.hostbased_service)
            self.context = g.SecurityContext(name=target, creds=creds, mech=self.oid(mech), flags=flags, usage="initiate")
            self.creds = creds
        else:
            self.creds = creds
            self.context = g.SecurityContext(creds=creds, usage="accept")

    def step(self, token):
        return self.context.step(token), self.context.complete

    def accept_raw(self, token):
        """One leg of a context that has none of the class's notion of what it waits for."""
        answer = self.g.raw.accept_sec_context(token, self.creds, self.raw_context)
        self.raw_context = answer.context
        who = None if answer.more_steps else str(self.g.Name(base=answer.initiator_name)).rstrip("\0")
        return answer.token, not answer.more_steps, who

    def start_raw(self):
        self.start("accept", SPNEGO)
        self.raw_context = None

    def export_raw(self):
        token, self.raw_context = bytes(self.g.raw.export_sec_context(self.raw_context)), None
        return token

    def import_raw(self, token):
        self.raw_context = self.g.raw.import_sec_context(token)

    def finish_raw(self):
        self.context = self.g.SecurityContext(base=self.raw_context)

    def facts(self):
        c = self.context
        answer = self.g.raw.inquire_context(c, target_name=False, lifetime=False)
        # The library counts a final NUL, and MIT's passes it on.
        return str(self.g.Name(base=answer.initiator_name)).rstrip("\0"), answer.mech.dotted_form, int(answer.flags)

    def wrap(self, text, encrypt):
        return tuple(self.context.wrap(text, encrypt))

    def unwrap(self, token):
        return tuple(self.context.unwrap(token)[:2])

    def sign(self, text):
        return self.context.get_signature(text)

    def verify(self, text, mic):
        return self.context.verify_signature(text, mic)

    def exported(self):
        token, self.context = bytes(self.g.raw.export_sec_context(self.context)), None
        return token

    def imported(self, token):
        self.context = self.g.SecurityContext(base=self.g.raw.import_sec_context(token))

    def refused(self, method, *arguments):
        """The major status that this is answered with; None if it succeeds."""
        try:
            getattr(self, method)(*arguments)
        except self.g.exceptions.GSSError as e:
            return e.maj_code, str(e)
        return None

    def sasl(self):
        answer = self.g.raw.inquire_saslname_for_mech(self.oid(NTLM))
        return answer.sasl_mech_name, self.g.raw.inquire_mech_for_saslname(answer.sasl_mech_name).dotted_form


def serve():
    side = Side()
    for line in sys.stdin.buffer:
        name, *arguments = pickle.loads(base64.b64decode(line))
        try:
            answer = True, getattr(side, name)(*arguments)
        except Exception as e:
            answer = False, f"{name}: {type(e).__name__}: {e}"
        print(base64.b64encode(pickle.dumps(answer)).decode(), flush=True)


class Peer:
    """The director's hold on a side."""

    def __init__(self, s, lib):
        self.process = s.popen(lib, sys.executable, __file__, "--side", stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=s.ntlm)
        assert NTLM in self.ask("mechanisms")
        stage.check_library(self.process.pid, lib, "Python")

    def ask(self, *request):
        self.process.stdin.write(base64.b64encode(pickle.dumps(request)) + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"Python ended when asked for {request[0]}: {self.process.wait()}"
        done, answer = pickle.loads(base64.b64decode(line))
        assert done, answer
        return answer


def establish(a, b, mech):
    a.ask("start", "initiate", mech)
    b.ask("start", "accept", mech)
    token, sides, done, first = None, [a, b], [False, False], None
    for _ in range(20):
        if all(done) and token is None:
            break
        token, done[sides[0] is b] = sides[0].ask("step", token)
        first = first or token
        sides.reverse()
    assert all(done), "the context is not complete"
    # NTLM's own tokens have no framing: a server sees by their beginning what they are.
    assert first.startswith(b"NTLMSSP\0") == (mech == NTLM)


def talk(a, b, both_ways=True):
    for x, y in ((a, b), (b, a)) if both_ways else ((a, b),):
        for text in (b"a message", os.urandom(60000)):
            token, encrypted = x.ask("wrap", text, True)
            assert encrypted and text not in token and y.ask("unwrap", token) == (text, True)
            y.ask("verify", text, x.ask("sign", text))
        assert y.ask("refused", "verify", b"another", x.ask("sign", b"one")) is not None


def check_facts(a, b):
    for side in (a, b):
        name, mech, flags = side.ask("facts")
        assert name == f"{DOMAIN}\\{USER}" and mech == NTLM and flags & 0x30 == 0x30, (name, mech, flags)


def move(s, side):
    """To a process of its own. What is exported is sealed: no word of it is the library's, and it works once."""
    token = side.ask("exported")
    assert USER.encode() not in token and USER.encode("utf-16-le") not in token, "a name is in the token"
    other, thief = Peer(s, "baton"), Peer(s, "baton")
    altered = bytearray(token)
    altered[len(token) - 100] ^= 1
    assert other.ask("refused", "imported", bytes(altered))[0] == DEFECTIVE
    other.ask("imported", token)
    assert thief.ask("refused", "imported", token)[0] == NO_CONTEXT
    return other


def in_turns(s):
    """A server of many processes: each leg of a negotiation is another one's."""
    a, b = Peer(s, "baton"), Peer(s, "baton")
    a.ask("start", "initiate", SPNEGO)
    b.ask("start_raw")
    token, done, who = None, False, None
    while not done:
        token, _ = a.ask("step", token)
        token, done, who = b.ask("accept_raw", token)
        if not done:
            half, b = b.ask("export_raw"), Peer(s, "baton")
            b.ask("start_raw")
            b.ask("import_raw", half)
    if token:
        a.ask("step", token)
    assert who == f"{DOMAIN}\\{USER}", who
    b.ask("finish_raw")
    talk(a, b)


def check_listing(s):
    said = subprocess.run([stage.baton_program(), "mechs"], env={**s.env, **s.ntlm}, check=True, stdout=subprocess.PIPE).stdout.decode()
    assert f"loaded      {NTLM}" in said and LIBRARY in said, said
    broken = s.file("broken.conf", f"one\nntlm {NTLM} {LIBRARY}\ntwo 1.2.3 /nonexistent/library.so\n")
    listed = subprocess.run([stage.baton_program(), "mechs"], env={**s.env, "GSS_MECH_CONFIG": str(broken)}, stdout=subprocess.PIPE)
    said = listed.stdout.decode()
    assert listed.returncode == 1 and f"loaded      {NTLM}" in said, said
    assert f"{broken}:1: Line has no object identifier" in said and f"{broken}:3: Library cannot be loaded: /nonexistent" in said, said


def play(s, client, server):
    if not pathlib.Path(LIBRARY).exists():
        raise stage.Skip("there is no gss-ntlmssp")
    s.ntlm = {"GSS_MECH_CONFIG": str(s.file("mech.conf", f"ntlm {NTLM} {LIBRARY}\n")),
              "NTLM_USER_FILE": str(s.file("users", f"{DOMAIN}:{USER}:{PASSWORD}\n", 0o600))}
    moved = 0
    for mech in (NTLM, SPNEGO):
        a, b = Peer(s, client), Peer(s, server)
        establish(a, b, mech)
        talk(a, b)
        check_facts(a, b)
        if client == "baton":
            a, moved = move(s, a), moved + 1
        if server == "baton":
            b, moved = move(s, b), moved + 1
        talk(a, b)
        check_facts(a, b)
    # With a password, and with a wrong one.
    for password, is_good in ((PASSWORD.encode(), True), (b"another", False)):
        a, b = Peer(s, client), Peer(s, server)
        a.ask("start", "initiate", NTLM, password)
        b.ask("start", "accept", NTLM)
        token, _ = a.ask("step", None)
        token, _ = b.ask("step", token)
        token, _ = a.ask("step", token)
        assert (b.ask("refused", "step", token) is None) == is_good
    assert Peer(s, client).ask("sasl") == Peer(s, server).ask("sasl")
    if (client, server) == ("baton", "baton"):
        in_turns(s)
        check_listing(s)
    return f"{moved} contexts moved"


if __name__ == "__main__":
    if sys.argv[1:] == ["--side"]:
        serve()
    else:
        import stage
        stage.act("gss-ntlmssp", play)
