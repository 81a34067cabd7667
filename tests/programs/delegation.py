#!/usr/bin/env python3
"""Constrained delegation: a service acts at another service in the name of somebody who never gave it a ticket (MS-SFU).

  delegation.py [FRONT,BACK]...    in a realm of "baton realm"

That needs a realm which says who may do so, and only MIT's KDC on an LDAP directory keeps such lists: so there is a realm of its
own here. Each service is a process of this file ("--side"), which does what it is told, a line of JSON at a time.
"""
import base64
import gzip
import json
import os
import pathlib
import socket
import subprocess
import sys

import stage

REALM = "PROXY.TEST"
FRONT, BACK, OTHER = "HTTP/front.proxy.test", "HTTP/back.proxy.test", "HTTP/other.proxy.test"

SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include {dir}/kerberos.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
authz-regexp "gidNumber=[0-9]+\\\\+uidNumber={uid},cn=peercred,cn=external,cn=auth" "cn=admin,dc=proxy"
database mdb
suffix "dc=proxy"
directory {dir}/db
dbnosync
rootdn "cn=admin,dc=proxy"
"""

KRB5_CONF = """
[libdefaults]
	default_realm = PROXY.TEST
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	rdns = false
	forwardable = true
	udp_preference_limit = 1
[realms]
	PROXY.TEST = {{
		kdc = 127.0.0.1:{port}
	}}
[domain_realm]
	.proxy.test = PROXY.TEST
[logging]
	kdc = FILE:{dir}/kdc.log
	default = FILE:{dir}/kerberos.log
"""

KDC_CONF = """
[kdcdefaults]
	kdc_listen = 127.0.0.1:{port}
	kdc_tcp_listen = 127.0.0.1:{port}
[realms]
	PROXY.TEST = {{
		database_module = directory
		key_stash_file = {dir}/stash
		supported_enctypes = aes256-sha1:normal
		default_principal_flags = +forwardable
	}}
[dbmodules]
	directory = {{
		db_library = kldap
		ldap_kerberos_container_dn = cn=kerberos,dc=proxy
		ldap_kdc_sasl_mech = EXTERNAL
		ldap_kadmind_sasl_mech = EXTERNAL
		ldap_servers = ldapi://{ldapi}
		disable_last_success = true
		disable_lockout = true
	}}
"""

PRINCIPALS = f"""addprinc -pw wonderland alice
addprinc -randkey +ok_to_auth_as_delegate {FRONT}
addprinc -randkey {BACK}
addprinc -randkey {OTHER}
ktadd -norandkey -k {{dir}}/front.keytab {FRONT}
ktadd -norandkey -k {{dir}}/back.keytab {BACK}
ktadd -norandkey -k {{dir}}/alice.keytab alice
"""


class Side:
    """One process; what it is asked for has the names of the methods below. Tokens are base64."""

    def __init__(self):
        import gssapi
        import gssapi.raw
        self.g, self.raw = gssapi, gssapi.raw
        self.contexts = {}

    def principal(self, name):
        return self.g.Name(name, self.g.NameType.kerberos_principal)

    def own(self, usage):
        return self.g.Credentials(usage=usage)

    def impersonate(self, name, target):
        """S4U2Self, and with what comes of it S4U2Proxy: the first token for the target, in that name."""
        proxy = self.raw.acquire_cred_impersonate_name(self.own("both"), self.principal(name).canonicalize(self.g.MechType.kerberos),
                                                       usage="initiate").creds
        return self.first(self.g.Credentials(proxy), target)

    def first(self, creds, target):
        context = self.contexts["out"] = self.g.SecurityContext(name=self.principal(target), creds=creds, usage="initiate",
                                                                mech=self.g.MechType.kerberos)
        return base64.b64encode(context.step()).decode()

    def init(self, target):
        return self.first(self.own("initiate"), target)

    def accept(self, token, usage):
        context = self.contexts["in"] = self.g.SecurityContext(creds=self.own(usage), usage="accept")
        reply = context.step(base64.b64decode(token))
        return str(context.initiator_name), base64.b64encode(reply or b"").decode()

    def finish(self, reply):
        self.contexts["out"].step(base64.b64decode(reply))

    def onward(self, target):
        """The one who came in has given us nothing but a ticket: in that name to the target, by the acceptor's credential (S4U2Proxy)."""
        return self.first(self.contexts["in"].delegated_creds, target)

    def wrap(self, which, text):
        return base64.b64encode(self.contexts[which].encrypt(text.encode())).decode()

    def unwrap(self, which, token):
        return self.contexts[which].decrypt(base64.b64decode(token)).decode()


def be_a_side():
    side = Side()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = [True, getattr(side, name)(*arguments)]
        except side.g.exceptions.GSSError as reason:
            answer = [False, str(reason)]
        print(json.dumps(answer), flush=True)


class Refused(Exception):
    pass


class Far:
    """A side, from outside."""

    def __init__(self, s, lib, **env):
        self.process = s.popen(lib, sys.executable, __file__, "--side", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __getattr__(self, name):
        def ask(*arguments):
            self.process.stdin.write(json.dumps([name, arguments]).encode() + b"\n")
            self.process.stdin.flush()
            is_good, answer = json.loads(self.process.stdout.readline())
            if not is_good:
                raise Refused(answer)
            return answer
        return ask


def answers(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def make_realm(s):
    """The directory, what the realm keeps in it, and its KDC."""
    tools = {"PATH": os.environ["PATH"] + ":/usr/sbin", "KRB5_KDC_PROFILE": str(s.dir / "kdc.conf")}
    ldapi = f"{s.dir}/ldapi".replace("/", "%2F")

    def configure(port):
        s.file("krb5.conf", KRB5_CONF.format(dir=s.dir, port=port))
        s.file("kdc.conf", KDC_CONF.format(dir=s.dir, ldapi=ldapi, port=port))
        return ["/usr/sbin/krb5kdc", "-n", "-r", REALM]
    configure(0)
    s.env.update(tools)
    s.env["KRB5_CONFIG"] = str(s.dir / "krb5.conf")
    (s.dir / "db").mkdir()
    schema = pathlib.Path("/usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz")
    if not schema.exists():
        raise stage.Skip("no schema for principals: is krb5-kdc-ldap installed with its documentation?")
    s.file("kerberos.schema", gzip.decompress(schema.read_bytes()).decode())
    config = s.file("slapd.conf", SLAPD_CONF.format(dir=s.dir, uid=os.geteuid()))
    s.popen("mit", "/usr/sbin/slapd", "-d", "0", "-f", config, "-h", f"ldapi://{ldapi}")
    stage.wait_until(lambda: answers(s.dir / "ldapi"), "the directory")

    def tool(text, *command):
        done = subprocess.run([str(word) for word in command], input=text.encode(), env=s.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=stage.PATIENCE_S)
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        return done.stdout.decode(errors="replace")

    directory = ["-Q", "-Y", "EXTERNAL", "-H", f"ldapi://{ldapi}"]
    tool("dn: dc=proxy\nobjectClass: organization\nobjectClass: dcObject\no: Proxy\ndc: proxy\n", "ldapadd", *directory)
    tool("master\nmaster\n", "kdb5_ldap_util", "-H", f"ldapi://{ldapi}", "create", "-r", REALM, "-s", "-subtrees", "dc=proxy")
    tool(PRINCIPALS.format(dir=s.dir), "kadmin.local", "-r", REALM)
    tool(f"dn: krbPrincipalName={FRONT}@{REALM},cn={REALM},cn=kerberos,dc=proxy\nchangetype: modify\nadd: krbAllowedToDelegateTo\n"
         f"krbAllowedToDelegateTo: {BACK}@{REALM}\n", "ldapmodify", *directory)

    s.serve("mit", configure)


def expect_refusal(ask, *arguments):
    try:
        ask(*arguments)
    except Refused:
        return
    raise AssertionError("what the realm's list has not was allowed")


def meet(front, back, token):
    """The token gets alice in, and messages go both ways."""
    who, reply = back.accept(token, "accept")
    assert who == f"alice@{REALM}", who
    front.finish(reply)
    assert back.unwrap("in", front.wrap("out", "there")) == "there"
    assert front.unwrap("out", back.wrap("in", "and back")) == "and back"


def play(s, front_lib, back_lib):
    make_realm(s)
    front = Far(s, front_lib, KRB5_KTNAME=f"{s.dir}/front.keytab", KRB5_CLIENT_KTNAME=f"{s.dir}/front.keytab", KRB5CCNAME="MEMORY:front")
    back = Far(s, back_lib, KRB5_KTNAME=f"{s.dir}/back.keytab", KRB5CCNAME="MEMORY:back")
    alice = Far(s, back_lib, KRB5_CLIENT_KTNAME=f"{s.dir}/alice.keytab", KRB5CCNAME="MEMORY:alice")

    meet(front, back, front.impersonate("alice", BACK))
    expect_refusal(front.impersonate, "alice", OTHER)

    who, _ = front.accept(alice.init(FRONT), "both")
    assert who == f"alice@{REALM}", who
    meet(front, back, front.onward(BACK))
    expect_refusal(front.onward, OTHER)

    for side, lib in ((front, front_lib), (back, back_lib)):
        stage.check_library(side.process.pid, lib, "a side")
    return "by its own word and by a client's ticket, and nowhere else"


if __name__ == "__main__":
    if sys.argv[1:] == ["--side"]:
        be_a_side()
    else:
        stage.act("constrained delegation", play)
