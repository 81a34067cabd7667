#!/usr/bin/env python3
"""BIND's nsupdate -g and named: transactions signed with GSS-API (GSS-TSIG, RFC 3645).

  bind.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os

import stage

NAMED_CONF = """
options {{
	directory "{dir}";
	pid-file none;
	session-keyfile none;
	managed-keys-directory "{dir}";
	listen-on port {port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	recursion no;
	dnssec-validation no;
	notify no;
	max-cache-size 16m;
	tkey-gssapi-keytab "{keytab}";
}};
controls {{ }};
zone "baton.test" {{
	type primary;
	file "{dir}/zone";
	update-policy {{
		grant alice@BATON.TEST zonesub ANY;
	}};
}};
"""

# The first name is the server's, and so that of its service.
ZONE = f"""$TTL 60
@ SOA {stage.HOST}. alice.baton.test. 1 3600 600 86400 60
@ NS {stage.HOST}.
server A 127.0.0.1
"""

UPDATES = 10


def start(s, server):
    keytab = s.keytab(f"DNS/{stage.HOST}")
    s.file("zone", ZONE)

    def command(port):
        config = s.file("named.conf", NAMED_CONF.format(dir=s.dir, port=port, keytab=keytab))
        return ["/usr/sbin/named", "-g", "-n", "1", "-c", config, "-p", port]

    return s.serve(server, command, env={"KRB5_KTNAME": str(keytab), "KRB5CCNAME": "MEMORY:none"})


def nsupdate(s, client, port, requests, *options, status=0, env=None):
    text = f"server 127.0.0.1 {port}\nzone baton.test\n" + "".join(f"{each}\nsend\n" for each in requests)
    return s.run(client, "nsupdate", "-g", *options, text=text.encode(), status=status, env=env)


def lookup(s, client, port, name, kind="TXT"):
    """What the server now says of this name, by a program that loads the library and makes no use of it."""
    return s.run(client, "dig", "+short", "+tries=3", "@127.0.0.1", "-p", str(port), name, kind).split("\n")[:-1]


def play(s, client, server):
    for path in ("/usr/sbin/named", "/usr/bin/nsupdate"):
        if not os.access(path, os.X_OK):
            raise stage.Skip(f"there is no {path} here")
    daemon, port = start(s, server)
    for options in ((), ("-v",)):
        said = nsupdate(s, client, port, [f"update add a{i}.baton.test 60 TXT mine-{i}" for i in range(UPDATES)], *options)
        assert not said, said
        for i in (0, UPDATES - 1):
            assert lookup(s, client, port, f"a{i}.baton.test") == [f'"mine-{i}"']
        # An update that fills a message, and its answer.
        long = "\n".join(f"update add b{i}.baton.test 60 TXT {'x' * 200}" for i in range(100))
        said = nsupdate(s, client, port, [long, *(f"update delete a{i}.baton.test" for i in range(UPDATES))], *options)
        assert not said, said
        assert lookup(s, client, port, "b99.baton.test") == [f'"{"x" * 200}"'] and lookup(s, client, port, "a0.baton.test") == []
        refuse(s, client, port, options)
        nsupdate(s, client, port, ["\n".join(f"update delete b{i}.baton.test" for i in range(100))], *options)
    stage.check_library(daemon.pid, server, "named")
    log = "".join(each.read_text() for each in s.dir.glob("log.*named*"))
    assert r"/key alice\@BATON.TEST: updating zone 'baton.test/IN'" in log, log[-3000:]
    return f"{2 * (2 * UPDATES + 3)} updates, over UDP and TCP"


def refuse(s, client, port, options):
    request = ["update add c.baton.test 60 TXT not-mine"]
    said = nsupdate(s, client, port, request, *options, env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"}, status=2)
    assert "REFUSED" in said, said
    nobody = {"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"}
    said = nsupdate(s, client, port, request, *options, env=nobody, status=None)
    assert lookup(s, client, port, "c.baton.test") == [], said


if __name__ == "__main__":
    stage.act("nsupdate and named", play)
