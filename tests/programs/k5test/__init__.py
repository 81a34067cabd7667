"""k5test - what python-gssapi's own tests ask of the module of this name, given by a realm of "baton realm".

Each class of tests has a place of its own: a directory, a credentials cache, a keytab. The KDC and its database are the realm's, which
gets to know the principals. `k5test.unit` has the decorators by which tests say what they need.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

PATIENCE_S = 60
REALM = "BATON.TEST"

# The tests look for the service of this host under the name that the resolver has for it; the library takes the name that the host has for
# itself, as the realm's krb5.conf keeps the resolver out.
socket.getfqdn = lambda name="": (name or socket.gethostname()).lower()


class K5Realm:
    provider = "mit"
    realm = REALM

    def __init__(self):
        self.tmpdir = tempfile.mkdtemp(prefix="k5test.")
        self.ccache = os.path.join(self.tmpdir, "ccache")
        self.keytab = os.path.join(self.tmpdir, "keytab")
        self.user_princ = f"user@{REALM}"
        self.admin_princ = f"user/admin@{REALM}"
        self.host_princ = f"host/{socket.getfqdn()}@{REALM}"
        self.krbtgt_princ = f"krbtgt/{REALM}@{REALM}"
        # Without a client keytab: it would stand in for credentials that a test means to be missing.
        self.env = {**os.environ, "KRB5CCNAME": self.ccache, "KRB5_KTNAME": self.keytab,
                    "KRB5_CLIENT_KTNAME": os.path.join(self.tmpdir, "none")}
        self.addprinc(self.user_princ, self.password("user"))
        self.addprinc(self.admin_princ, self.password("admin"))
        self.addprinc(self.host_princ)
        self.extract_keytab(self.host_princ, self.keytab)
        self.kinit(self.user_princ, self.password("user"))

    def stop(self):
        shutil.rmtree(self.tmpdir, ignore_errors=True)

    @staticmethod
    def password(name):
        return f"{name} of the looking-glass"

    @staticmethod
    def run(command, words="", env=None):
        path = os.environ["PATH"] + ":/usr/sbin"
        done = subprocess.run(command, input=words.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S,
                              env={**(env or os.environ), "PATH": path})
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{command}: {said}"
        return said

    def kadmin(self, *words):
        return self.run(["kadmin.local", "-r", REALM, *words])

    def addprinc(self, name, password=None):
        """Or its password is set, if another place of this realm has added it."""
        key = ["-pw", password] if password is not None else ["-randkey"]
        if name not in self.kadmin("listprincs").splitlines():
            self.kadmin("addprinc", *key, name)

    def extract_keytab(self, name, path):
        self.kadmin("ktadd", "-norandkey", "-k", path, name)
        assert pathlib.Path(path).exists(), f"no keys for {name}"

    def kinit(self, name, password=None, flags=(), env=None):
        words = f"{password}\n" if password is not None else ""
        return self.run(["kinit", *flags, name], words, env or self.env)


class KerberosTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.realm = K5Realm()

    @classmethod
    def tearDownClass(cls):
        cls.realm.stop()
