#!/usr/bin/env python3
"""Python's gssapi: contexts, messages, credentials, names; contexts that are pickled and go on in other processes.

  python_gssapi.py [CLIENT,SERVER]...    in a realm of "baton realm"

Each side is a process of this file ("--side"), which does what it is told: pickled tuples come in and go out, a line each, in base64.
"""
import base64
import os
import pathlib
import pickle
import socket
import struct
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "prefork.py"
HOST = "server.baton.test"


class Side:
    """One process of a conversation; what it is asked for has the names of the methods below."""

    def __init__(self):
        import gssapi
        import gssapi.raw
        self.gssapi = gssapi
        self.context = None

    def initiating(self, flags, mech):
        g = self.gssapi
        flags = [getattr(g.RequirementFlag, flag) for flag in flags]
        return {"name": g.Name(f"host@{HOST}", g.NameType.hostbased_service), "usage": "initiate", "flags": flags,
                "mech": g.OID.from_int_seq(mech)}

    def start(self, usage, flags, mech):
        g = self.gssapi
        name = g.Name(f"host@{HOST}", g.NameType.hostbased_service)
        if usage == "initiate":
            self.context = g.SecurityContext(**self.initiating(flags, mech))
        else:
            self.context = g.SecurityContext(creds=g.Credentials(usage="accept", name=name), usage=usage)

    def step(self, token):
        return self.context.step(token), self.context.complete

    def facts(self):
        c = self.context
        delegated = c.delegated_creds if not c.locally_initiated else None
        return {"initiator": str(c.initiator_name), "target": str(c.target_name), "mech": c.mech.dotted_form, "lifetime": c.lifetime,
                "flags": int(c.actual_flags), "delegated": str(delegated.name) if delegated else None, "local": c.locally_initiated}

    def wrap(self, text, encrypt):
        return tuple(self.context.wrap(text, encrypt))

    def unwrap(self, token):
        return tuple(self.context.unwrap(token)[:2])

    def sign(self, text):
        return self.context.get_signature(text)

    def verify(self, text, mic):
        return self.context.verify_signature(text, mic)

    def limit(self, size):
        return self.context.get_wrap_size_limit(size, True)

    def wrap_iov(self, header, text):
        """Associated data, data in place, and what surrounds them, sent as one."""
        g = self.gssapi
        kind = g.raw.IOVBufferType
        iov = g.raw.IOV(kind.header, (kind.sign_only, header), (kind.data, text), kind.padding, kind.trailer, std_layout=False)
        g.raw.wrap_iov(self.context, iov)
        return [bytes(each.value or b"") for each in iov if each.type != kind.sign_only]

    def unwrap_iov(self, header, parts):
        g = self.gssapi
        kind = g.raw.IOVBufferType
        iov = g.raw.IOV((kind.header, False, parts[0]), (kind.sign_only, header), (kind.data, parts[1]), (kind.padding, False, parts[2]),
                        (kind.trailer, False, parts[3]), std_layout=False)
        g.raw.unwrap_iov(self.context, iov)
        return bytes(iov[2].value)

    def pickle(self):
        return pickle.dumps(self.context)

    def unpickle(self, pickled):
        self.context = pickle.loads(pickled)

    def refused(self, pickled):
        """What an import of this is answered with; None if it succeeds."""
        try:
            pickle.loads(pickled)
        except self.gssapi.exceptions.GSSError as e:
            return type(e).__name__
        return None

    def exported(self):
        return bytes(self.gssapi.raw.export_sec_context(self.context))

    def imported(self, token):
        self.context = self.gssapi.SecurityContext(base=self.gssapi.raw.import_sec_context(token))

    def imported_between_legs(self, token, flags, mech):
        """What an initiator began goes on here: the class itself knows only contexts that are begun or complete."""
        kind = self.gssapi.SecurityContext
        self.context = kind.__new__(kind, base=self.gssapi.raw.import_sec_context(token))
        self.context.__init__(**self.initiating(flags, mech))

    def fork(self, token):
        """A child uses the context; what it made of the token, and what this process's own use is answered with after that."""
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(theirs, self.context.unwrap(token).message)
            os._exit(0)
        os.close(theirs)
        text = os.read(ours, 4096)
        os.close(ours)
        assert os.waitpid(pid, 0)[1] == 0
        try:
            self.context.wrap(b"me too", True)
        except self.gssapi.exceptions.GSSError as e:
            return text, type(e).__name__, str(self.context.initiator_name)
        return text, None, str(self.context.initiator_name)

    def connect(self, port):
        """To the example's server; the context is established there."""
        self.conn = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.start("initiate", ["mutual_authentication"], (1, 2, 840, 113554, 1, 2, 2))
        token = None
        while not self.context.complete:
            token = self.context.step(token)
            if token:
                self.put_frame(token)
                token = self.get_frame()

    def put_frame(self, frame):
        self.conn.sendall(struct.pack(">I", len(frame)) + frame)

    def get_frame(self):
        def receive(length):
            data = b""
            while len(data) < length:
                data += self.conn.recv(length - len(data)) or sys.exit("the server hung up")
            return data

        return receive(struct.unpack(">I", receive(4))[0])

    def echo(self, text, encrypt):
        self.put_frame(self.context.wrap(text, encrypt).message)
        return tuple(self.context.unwrap(self.get_frame())[:2])

    def hang_up(self):
        self.conn.close()

    def names(self):
        g = self.gssapi
        name = g.Name("alice").canonicalize(g.MechType.kerberos)
        again = g.Name(name.export(), g.NameType.export)
        return str(name), name == again, str(g.Name("host@x.baton.test", g.NameType.hostbased_service).canonicalize(g.MechType.kerberos))

    def credentials(self):
        g = self.gssapi
        inquired = g.Credentials(usage="initiate").inquire()
        stored = g.Credentials(usage="initiate", store={"ccache": f"FILE:{os.environ['BATON_REALM_DIR']}/bob.ccache"})
        password = g.raw.acquire_cred_with_password(g.Name("alice"), b"wonderland").creds
        return str(inquired.name), inquired.usage, str(stored.name), str(g.Credentials(password).name)

    def store(self, path):
        g = self.gssapi
        creds = g.Credentials(usage="initiate")
        creds.store(store={"ccache": f"FILE:{path}"}, usage="initiate", overwrite=True)
        return str(g.Credentials(usage="initiate", store={"ccache": f"FILE:{path}"}).name)

    def pickled_credentials(self):
        g = self.gssapi
        creds = pickle.loads(pickle.dumps(g.Credentials(usage="initiate")))
        return str(creds.name)

    def mechanisms(self):
        return sorted(each.dotted_form for each in self.gssapi.raw.indicate_mechs())


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
        self.process = s.popen(lib, sys.executable, __file__, "--side", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("mechanisms")
        stage.check_library(self.process.pid, lib, "Python")

    def ask(self, *request):
        self.process.stdin.write(base64.b64encode(pickle.dumps(request)) + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"Python ended when asked for {request[0]}: {self.process.wait()}"
        done, answer = pickle.loads(base64.b64decode(line))
        assert done, answer
        return answer


def establish(a, b, flags, mech):
    a.ask("start", "initiate", flags, mech)
    b.ask("start", "accept", [], None)
    token, sides, done = None, [a, b], [False, False]
    for _ in range(20):
        if all(done) and token is None:
            break
        token, done[sides[0] is b] = sides[0].ask("step", token)
        sides.reverse()
    assert all(done), "the context is not complete"


def talk(a, b):
    """Every kind of message in both directions."""
    for x, y in ((a, b), (b, a)):
        for text in (b"", b"a message", os.urandom(100000)):
            for encrypt in (True, False):
                token, encrypted = x.ask("wrap", text, encrypt)
                assert encrypted == encrypt and y.ask("unwrap", token) == (text, encrypt)
            y.ask("verify", text, x.ask("sign", text))
        assert 0 < x.ask("limit", 4096) < 4096
        assert y.ask("unwrap_iov", b"header", x.ask("wrap_iov", b"header", b"in place")) == b"in place"


def check_facts(a, b, flags):
    fa, fb = a.ask("facts"), b.ask("facts")
    assert fa["local"] and not fb["local"]
    for fact in ("initiator", "mech"):
        assert fa[fact] == fb[fact], fact
    assert fa["initiator"] == "alice@BATON.TEST" and fa["target"] == f"host/{HOST}@BATON.TEST", fa
    assert fa["mech"] == "1.2.840.113554.1.2.2" and fa["lifetime"] > 3600
    assert fb["delegated"] == ("alice@BATON.TEST" if "delegate_to_peer" in flags else None), fb


def play(s, client, server):
    for mech in ((1, 2, 840, 113554, 1, 2, 2), (1, 3, 6, 1, 5, 5, 2)):
        for flags in (["mutual_authentication", "out_of_sequence_detection"], ["delegate_to_peer"], []):
            a, b = Peer(s, client), Peer(s, server)
            establish(a, b, flags, mech)
            check_facts(a, b, flags)
            talk(a, b)
            move(s, a, b, client, server)
    fork(s, client, server)
    prefork(s, client, server)
    others(s, client)
    others(s, server)
    return "messages, IOV, pickling, forking, names, credentials, a server with workers"


def move(s, a, b, client, server):
    """Both ends go on in other processes. On Baton the pickled context is good for once, and for nobody after that."""
    c, d = Peer(s, client), Peer(s, server)
    for old, new, lib in ((a, c, client), (b, d, server)):
        pickled = old.ask("pickle")
        new.ask("unpickle", pickled)
        if lib == "baton":
            assert Peer(s, lib).ask("refused", pickled) == "MissingContextError"
    talk(c, d)


def fork(s, client, server):
    """A child goes on with what its parent accepted. On Baton the parent is told so, and can still say whose it was."""
    a, b = Peer(s, client), Peer(s, server)
    establish(a, b, ["mutual_authentication"], (1, 2, 840, 113554, 1, 2, 2))
    answer = "MissingContextError" if server == "baton" else None
    assert b.ask("fork", a.ask("wrap", b"for the child", True)[0]) == (b"for the child", answer, "alice@BATON.TEST")


def prefork(s, client, server):
    """The documentation's server: as many at once as it has workers, again and again."""
    env = {"BATON_TRANSFER": "audience=session; ttl=10s"}
    process, port = s.serve(server, lambda port: (sys.executable, EXAMPLE, port), env=env)
    clients = [Peer(s, client) for _ in range(3)]
    for _ in range(5):
        for each in clients:
            each.ask("connect", port)
        for text in (b"", b"a message", os.urandom(100000)):
            for each in clients:
                for encrypt in (True, False):
                    assert each.ask("echo", text, encrypt) == (text, encrypt)
        for each in clients:
            each.ask("hang_up")
    assert stage.check_family(process.pid, server, "the example") == 4
    for noise in (b"", b"\0\0\0\5hello", b"\xff\xff\xff\xff", b"\0\0\1\0short"):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(noise)
    clients[0].ask("connect", port)
    assert clients[0].ask("echo", b"still there", True) == (b"still there", True)
    s.stop(process)


def others(s, lib):
    side = Peer(s, lib)
    assert side.ask("names") == ("alice@BATON.TEST", True, "host/x.baton.test@BATON.TEST")
    assert side.ask("credentials") == ("alice@BATON.TEST", "initiate", "bob@BATON.TEST", "alice@BATON.TEST")
    assert side.ask("store", s.dir / f"stored.{lib}") == "alice@BATON.TEST"
    assert side.ask("pickled_credentials") == "alice@BATON.TEST"


if __name__ == "__main__":
    if sys.argv[1:] == ["--side"]:
        serve()
    else:
        import stage
        stage.act("Python's gssapi", play)
