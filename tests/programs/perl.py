#!/usr/bin/env python3
"""Perl's GSSAPI module: the server and the client that come with it as examples.

  perl.py [CLIENT,SERVER]...    in a realm of "baton realm"

The module releases OIDs that are the library's. MIT's library does not survive this in a server, so there is none on it here.
"""
import os

import stage

EXAMPLES = "/usr/share/doc/libgssapi-perl/examples"


def play(s, client, server):
    if not os.path.exists(f"{EXAMPLES}/gss-server.pl"):
        raise stage.Skip("there are no examples of Perl's GSSAPI module here")
    keytab = s.keytab("host/localhost")
    daemon, port = s.serve(server, lambda port: ["perl", f"{EXAMPLES}/gss-server.pl", "-keytabfile", keytab, "-hostname", "127.0.0.1",
                                                 "-port", port], env={"KRB5CCNAME": "MEMORY:none"})

    def meet(*options, status=0, env=None):
        return s.run(client, "perl", f"{EXAMPLES}/gss-client.pl", "-hostname", "localhost", "-port", port, *options, status=status, env=env)

    for _ in range(3):
        said = meet("-prodid", "host")
        assert "gss_init_sec_context success" in said and "Mutual auth requested" not in said, said
        said = meet("-prodid", "host", "-mutual")
        assert "confirmed server identity from mutual token" in said, said
        assert "authenticated server name is host@localhost" in said, said
    stage.check_library(daemon.pid, server, "Perl")
    nobody = {"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"}
    said = meet("-prodid", "host", "-mutual", status=1, env=nobody)
    assert "No Kerberos credentials available" in said, said
    said = meet("-prodid", "unknown", "-mutual", status=1)
    assert "not found in Kerberos database" in said, said


if __name__ == "__main__":
    stage.act("Perl's GSSAPI", play, [("mit", "baton"), ("baton", "baton")])
