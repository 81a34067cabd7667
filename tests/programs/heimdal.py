#!/usr/bin/env python3
"""Heimdal's library as the peer, in both roles: every common enctype, Kerberos and SPNEGO, all kinds of messages, delegation.

  heimdal.py [CLIENT,SERVER]...    in a realm of "baton realm"

Each side is a process of this file ("--side LIBRARY") that calls its library through ctypes, so that neither's headers are needed.
"""
import base64
import ctypes
import os
import pickle
import subprocess
import sys

HOST = "server.baton.test"
LIBRARIES = {"baton": "libgssapi_krb5.so.2", "mit": "libgssapi_krb5.so.2", "heimdal": "libgssapi.so.3"}
KRB5 = bytes.fromhex("2a864886f712010202")
SPNEGO = bytes.fromhex("2b0601050502")
HOSTBASED = bytes.fromhex("2a864886f71201020104")
DELEG, MUTUAL, REPLAY, SEQUENCE, CONF, INTEG, DCE_STYLE = 1, 2, 4, 8, 16, 32, 0x1000
COMPLETE, CONTINUE_NEEDED, DUPLICATE = 0, 1, 2
U32 = ctypes.c_uint32


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    @classmethod
    def of(cls, text):
        """A buffer with these bytes, which live as long as it."""
        made = cls(len(text), None)
        made.kept = ctypes.create_string_buffer(text, len(text)) if text else None
        made.value = ctypes.addressof(made.kept) if text else None
        return made

    def bytes(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class Oid(ctypes.Structure):
    _fields_ = [("length", U32), ("elements", ctypes.c_char_p)]

    @classmethod
    def of(cls, elements):
        return cls(len(elements), elements)


class Bindings(ctypes.Structure):
    _fields_ = [("initiator_type", U32), ("initiator", Buffer), ("acceptor_type", U32), ("acceptor", Buffer), ("data", Buffer)]


class Refused(Exception):
    pass


class Side:
    """One process of a conversation; what it is asked for has the names of the methods below."""

    def __init__(self, library):
        self.library = ctypes.CDLL(LIBRARIES[library])
        self.context = ctypes.c_void_p()
        self.delegated = ctypes.c_void_p()

    def call(self, name, *arguments, allowed=(COMPLETE,)):
        minor = U32()
        function = getattr(self.library, name)
        function.restype = U32
        major = function(ctypes.byref(minor), *arguments)
        if major not in allowed:
            raise Refused(f"{name}: {major:#x} {self.text(major, 1)}, {self.text(minor.value, 2)}")
        return major

    def text(self, status, kind):
        out, more, minor, mech = Buffer(), U32(), U32(), Oid.of(KRB5)
        self.library.gss_display_status(ctypes.byref(minor), U32(status), kind, ctypes.byref(mech), ctypes.byref(more), ctypes.byref(out))
        return out.bytes().decode(errors="replace")

    def take(self, buffer):
        """What a call put there, which is released."""
        text = buffer.bytes()
        self.call("gss_release_buffer", ctypes.byref(buffer))
        return text

    def init(self, service, mech, flags, token, data=None, with_delegated=False):
        name, out, flags_out = ctypes.c_void_p(), Buffer(), U32()
        text, kind, mech, token = Buffer.of(service.encode()), Oid.of(HOSTBASED), Oid.of(mech), Buffer.of(token)
        data_buffer = Buffer.of(data or b"")
        bound = Bindings(data=data_buffer)
        self.call("gss_import_name", ctypes.byref(text), ctypes.byref(kind), ctypes.byref(name))
        major = self.call("gss_init_sec_context", self.delegated if with_delegated else None, ctypes.byref(self.context), name,
                          ctypes.byref(mech), U32(flags), U32(0), ctypes.byref(bound) if data is not None else None, ctypes.byref(token),
                          None, ctypes.byref(out), ctypes.byref(flags_out), None, allowed=(COMPLETE, CONTINUE_NEEDED))
        self.call("gss_release_name", ctypes.byref(name))
        return major == COMPLETE, self.take(out), flags_out.value

    def accept(self, token, data=None):
        name, out, flags_out, shown = ctypes.c_void_p(), Buffer(), U32(), Buffer()
        token = Buffer.of(token)
        data_buffer = Buffer.of(data or b"")
        bound = Bindings(data=data_buffer)
        major = self.call("gss_accept_sec_context", ctypes.byref(self.context), None, ctypes.byref(token),
                          ctypes.byref(bound) if data is not None else None, ctypes.byref(name), None, ctypes.byref(out),
                          ctypes.byref(flags_out), None, ctypes.byref(self.delegated), allowed=(COMPLETE, CONTINUE_NEEDED))
        if major == COMPLETE:
            self.call("gss_display_name", name, ctypes.byref(shown), None)
        return major == COMPLETE, self.take(out), flags_out.value, self.take(shown)

    def wrap(self, text, conf):
        out, state, text = Buffer(), ctypes.c_int(), Buffer.of(text)
        self.call("gss_wrap", self.context, conf, U32(0), ctypes.byref(text), ctypes.byref(state), ctypes.byref(out))
        return self.take(out), state.value

    def unwrap(self, token):
        out, state, token = Buffer(), ctypes.c_int(), Buffer.of(token)
        major = self.call("gss_unwrap", self.context, ctypes.byref(token), ctypes.byref(out), ctypes.byref(state), None,
                          allowed=(COMPLETE, DUPLICATE))
        return major, self.take(out), state.value

    def sign(self, text):
        out, text = Buffer(), Buffer.of(text)
        self.call("gss_get_mic", self.context, U32(0), ctypes.byref(text), ctypes.byref(out))
        return self.take(out)

    def verify(self, text, mic):
        text, mic = Buffer.of(text), Buffer.of(mic)
        return self.call("gss_verify_mic", self.context, ctypes.byref(text), ctypes.byref(mic), None)

    def random(self, key, length):
        out, text = Buffer(), Buffer.of(b"the same on both sides")
        self.call("gss_pseudo_random", self.context, key, ctypes.byref(text), ctypes.c_ssize_t(length), ctypes.byref(out))
        return self.take(out)

    def export(self):
        out = Buffer()
        self.call("gss_export_sec_context", ctypes.byref(self.context), ctypes.byref(out))
        return self.take(out)

    def go_on(self, token):
        token = Buffer.of(token)
        self.call("gss_import_sec_context", ctypes.byref(token), ctypes.byref(self.context))

    def forget(self):
        if self.context:
            self.call("gss_delete_sec_context", ctypes.byref(self.context), None)
        self.call("gss_release_cred", ctypes.byref(self.delegated))


def serve(library):
    side = Side(library)
    for line in sys.stdin.buffer:
        name, *arguments = pickle.loads(base64.b64decode(line))
        try:
            answer = True, getattr(side, name)(*arguments)
        except Refused as e:
            answer = False, str(e)
        print(base64.b64encode(pickle.dumps(answer)).decode(), flush=True)


class Peer:
    """The director's hold on a side."""

    def __init__(self, s, lib):
        self.lib = lib
        self.process = s.popen(lib, sys.executable, __file__, "--side", lib, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("text", 0, 1)
        with open(f"/proc/{self.process.pid}/maps") as maps:
            text = maps.read()
        assert ("libbaton.so" in text) == (lib == "baton") and ("libgssapi.so.3" in text) == (lib == "heimdal"), text

    def try_to(self, *request):
        self.process.stdin.write(base64.b64encode(pickle.dumps(request)) + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the side on {self.lib} ended when asked for {request[0]}: {self.process.wait()}"
        return pickle.loads(base64.b64decode(line))

    def ask(self, *request):
        done, answer = self.try_to(*request)
        assert done, f"{self.lib}: {answer}"
        return answer


def establish(a, b, service, mech, flags, data=None, with_delegated=False):
    """Both sides' flags, and the initiator's name."""
    token, done_a, done_b, flags_a, flags_b, name = b"", False, False, 0, 0, b""
    while not (done_a and done_b):
        if not done_a:
            done_a, token, flags_a = a.ask("init", f"{service}@{HOST}", mech, flags, token, data, with_delegated)
        if not done_b:
            assert token, "no token for the acceptor"
            done_b, token, flags_b, name = b.ask("accept", token, data)
        assert token or (done_a and done_b), "no token for the initiator"
    assert name == b"alice@BATON.TEST", name
    for flag in (DELEG, MUTUAL, REPLAY, SEQUENCE):
        assert bool(flags_a & flag) == bool(flags_b & flag) == bool(flags & flag), (hex(flags), hex(flags_a), hex(flags_b))


def talk(a, b, flags=MUTUAL):
    for x, y in ((a, b), (b, a)):
        y.ask("verify", b"signed", x.ask("sign", b"signed"))
        if flags & DCE_STYLE:
            continue
        for text in (b"", b"a message", os.urandom(70000)):
            for conf in (1, 0):
                token, state = x.ask("wrap", text, conf)
                assert state == conf and y.ask("unwrap", token) == (COMPLETE, text, conf)
            y.ask("verify", text, x.ask("sign", text))
        # Last, as what comes after it has a gap before it.
        token = bytearray(x.ask("wrap", b"to be altered", 1)[0])
        token[-1] ^= 1
        assert not y.try_to("unwrap", bytes(token))[0]
    # Without an acceptor's subkey Heimdal's library has only the initiator's for this.
    for key in (0, 1) if flags & MUTUAL else (1,):
        assert a.ask("random", key, 100) == b.ask("random", key, 100)


def play(s, client, server):
    a, b = Peer(s, client), Peer(s, server)
    count = 0
    for mech in (KRB5, SPNEGO):
        for service in ("enc17", "enc18", "enc19", "enc20", "host"):
            # Neither order without mutual authentication nor wrapped messages in DCE style: there Heimdal's library and MIT's do
            # not understand each other either.
            for flags in (0, REPLAY, MUTUAL, MUTUAL | REPLAY | SEQUENCE, MUTUAL | REPLAY | DCE_STYLE):
                try:
                    establish(a, b, service, mech, flags | CONF | INTEG)
                    talk(a, b, flags)
                except AssertionError as e:
                    raise AssertionError(f"{service}, {'Kerberos' if mech == KRB5 else 'SPNEGO'}, flags {flags:#x}: {e}") from e
                forget(a, b)
                count += 1
        delegate(a, b, mech)
        bind(a, b, mech)
        move(s, a, b, mech)
    return f"{count} contexts, enctypes 17 to 20, Kerberos and SPNEGO"


def forget(*sides):
    for side in sides:
        side.ask("forget")


def delegate(a, b, mech):
    """The acceptor speaks for the initiator, to the initiator; Heimdal's has a credential for Kerberos only."""
    establish(a, b, "host", mech, MUTUAL | DELEG)
    a.ask("forget")
    # A context of its own, beside the credential that came with the first.
    b.ask("export")
    establish(b, a, "host", KRB5, MUTUAL, None, True)
    talk(b, a)
    forget(a, b)


def bind(a, b, mech):
    establish(a, b, "host", mech, MUTUAL, b"tls-unique:one")
    forget(a, b)
    _, token, _ = a.ask("init", f"host@{HOST}", mech, MUTUAL, b"", b"tls-unique:one")
    assert not b.try_to("accept", token, b"tls-unique:two")[0], "the bindings differ"
    forget(a, b)


def move(s, a, b, mech):
    """The side on Baton goes on in another process, in the middle of a conversation."""
    if "baton" not in (a.lib, b.lib):
        return
    establish(a, b, "host", mech, MUTUAL | REPLAY)
    talk(a, b)
    old, other = (a, b) if a.lib == "baton" else (b, a)
    new = Peer(s, "baton")
    token = old.ask("export")
    new.ask("go_on", token)
    talk(new, other)
    assert not old.try_to("go_on", token)[0]
    forget(new, other)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        serve(sys.argv[2])
    else:
        import stage
        stage.NAMES["heimdal"] = "Heimdal's library"
        stage.act("Heimdal", play, [("baton", "heimdal"), ("heimdal", "baton")])
