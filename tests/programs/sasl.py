#!/usr/bin/env python3
"""Cyrus SASL's GSSAPI and GSS-SPNEGO mechanisms, with a confidentiality layer, in OpenLDAP's tools and slapd.

  sasl.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import base64
import os

import stage

MECHANISMS = ["GSSAPI", "GSS-SPNEGO"]
KILOBYTES = 1500

SLAPD_CONF = """
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
sasl-host localhost
sasl-secprops noanonymous,noplain,minssf=56,maxbufsize=16777215
sockbuf_max_incoming_auth 16777216
authz-regexp "uid=([^,]*),cn=[^,]*,cn=auth" "cn=$1,dc=baton,dc=test"
database mdb
suffix "dc=baton,dc=test"
directory {dir}/db
dbnosync
rootdn "cn=alice,dc=baton,dc=test"
access to * by dn.exact="cn=bob,dc=baton,dc=test" none by * none
"""


def play(s, client, server):
    (s.dir / "db").mkdir()
    keytab = s.keytab("ldap/localhost")
    config = s.file("slapd.conf", SLAPD_CONF.format(dir=s.dir))
    daemon, port = s.serve(server, lambda port: ["/usr/sbin/slapd", "-d", "0", "-f", config, "-h", f"ldap://127.0.0.1:{port}"],
                           env={"KRB5_KTNAME": str(keytab), "KRB5CCNAME": "MEMORY:none"})
    uri = f"ldap://localhost:{port}"
    for mechanism in MECHANISMS:
        converse(s, client, uri, mechanism)
        stage.check_library(daemon.pid, server, "slapd")
    return " and ".join(MECHANISMS) + f", {KILOBYTES} kB under a confidentiality layer"


def converse(s, client, uri, mechanism):
    common = ["-Y", mechanism, "-N", "-H", uri, "-O", "minssf=56,maxbufsize=16777215"]
    said = s.run(client, "ldapwhoami", *common)
    assert "dn:cn=alice,dc=baton,dc=test" in said and "SASL data security layer installed." in said, said
    assert any(f"SASL SSF: {ssf}" in said for ssf in (112, 128, 256)), said

    # A large value there and back.
    value = base64.b64encode(os.urandom(KILOBYTES * 750)).decode()
    entry = f"dn: dc=baton,dc=test\nobjectClass: organization\nobjectClass: dcObject\no: Baton\ndc: baton\ndescription: {value}\n"
    s.run(client, "ldapadd", *common, text=entry.encode())
    said = s.run(client, "ldapsearch", *common, "-LLL", "-o", "ldif-wrap=no", "-b", "dc=baton,dc=test", "description")
    assert f"\ndescription: {value}\n" in said, said[:2000]
    s.run(client, "ldapdelete", *common, "dc=baton,dc=test")

    # bob is somebody else; nobody without a ticket is anybody.
    said = s.run(client, "ldapwhoami", *common, env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"})
    assert "dn:cn=bob,dc=baton,dc=test" in said, said
    said = s.run(client, "ldapwhoami", *common, env={"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"},
                 status=None)
    assert "dn:" not in said and "SASL SSF" not in said, said


if __name__ == "__main__":
    stage.act("Cyrus SASL in OpenLDAP", play)
