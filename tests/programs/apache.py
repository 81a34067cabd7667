#!/usr/bin/env python3
"""Apache with mod_auth_gssapi, several workers, and curl --negotiate.

  apache.py [CLIENT,SERVER]...    in a realm of "baton realm"

Nothing ties a context to a connection or to a worker: any process answers any request, with or without a new connection.
"""
import base64
import os
import re
import subprocess

import stage

HTTPD_CONF = """
ServerRoot {dir}
ServerName {host}
Listen 127.0.0.1:{port}
PidFile {dir}/httpd.pid
ErrorLog {dir}/log.error
LogLevel warn auth_gssapi:debug
DefaultRuntimeDir {dir}
{user}
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_gssapi_module /usr/lib/apache2/modules/mod_auth_gssapi.so
StartServers 4
MinSpareServers 4
MaxSpareServers 4
DocumentRoot {dir}/pages
"""

# mod_auth_gssapi does not inherit: what holds in each place is said in each place.
LOCATION = """
<Location /{place}>
    AuthType GSSAPI
    AuthName Baton
    GssapiCredStore keytab:{keytab}
    GssapiConnectionBound Off
    GssapiAllowedMech krb5
    Require user alice@BATON.TEST
    {more}
</Location>
"""

PLACES = {
    "open": "",
    "delegated": "GssapiDelegCcacheDir {dir}/delegated",
    "basic": "GssapiBasicAuth On",
}

SPNEGO = b"\x06\x06\x2b\x06\x01\x05\x05\x02"
PAGE = "only alice reads this\n"


def start(s, server):
    user = "www-data"
    keytab = s.lend(s.keytab(f"HTTP/{stage.HOST}"), user)
    s.configure("")
    for place in PLACES:
        s.file(f"pages/{place}/index.txt", PAGE)
    for directory in ("pages", *(f"pages/{place}" for place in PLACES)):
        (s.dir / directory).chmod(0o755)
    for directory in ("delegated", "rcache"):
        (s.dir / directory).mkdir()
        s.give(s.dir / directory, user)

    account = f"User {user}\nGroup {user}" if os.geteuid() == 0 else ""
    locations = "".join(LOCATION.format(place=place, keytab=keytab, more=more.format(dir=s.dir)) for place, more in PLACES.items())

    def command(port):
        config = s.file("httpd.conf", HTTPD_CONF.format(dir=s.dir, host=stage.HOST, port=port, user=account) + locations)
        return ["/usr/sbin/apache2", "-f", config, "-DFOREGROUND"]

    return s.serve(server, command, env={"KRB5RCACHEDIR": str(s.dir / "rcache"), "KRB5CCNAME": "MEMORY:none"}, lend=True)


def start_curl(s, client, port, paths, *options, env=None):
    urls = [f"http://{stage.HOST}:{port}/{path}" for path in paths]
    return s.watch(client, "curl", "-sS", "-u", ":", "--noproxy", "*", "--resolve", f"{stage.HOST}:{port}:127.0.0.1",
                   "-w", "\n%{stderr}@%{http_code}\n", *options, *urls, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def curl(s, client, *arguments, **options):
    """What curl says of these pages, fetched one after the other: their text, and the status of each."""
    said = s.finish(start_curl(s, client, *arguments, **options), client)
    return said, re.findall(r"@(\d+)\n", said)


def play(s, client, server):
    daemon, port = start(s, server)
    stage.check_family(daemon.pid, server, "apache2")

    # Two requests at least a page (refused, then answered), and a fresh connection for each, by whichever worker is free.
    for options in ((), ("--http1.0",), ("-H", "Connection: close")):
        said, told = curl(s, client, port, ["open/index.txt"] * 5, "--negotiate", *options)
        assert said.count(PAGE) == 5 and told == ["200"] * 5, said
    for process in [start_curl(s, client, port, ["open/index.txt"] * 5, "--negotiate") for _ in range(8)]:
        said = s.finish(process, client)
        assert said.count(PAGE) == 5, said
    assert stage.check_family(daemon.pid, server, "apache2") >= 4

    said, _ = curl(s, client, port, ["open/index.txt"], "--negotiate", "-v")
    assert SPNEGO in base64.b64decode(re.search(r"Authorization: Negotiate (\S+)", said)[1]), said
    delegate(s, client, port)
    refuse(s, client, port)
    return "4 workers, delegation, Basic"


def delegate(s, client, port):
    said, _ = curl(s, client, port, ["delegated/index.txt"], "--negotiate", "--delegation", "always")
    assert PAGE in said and list((s.dir / "delegated").iterdir()), said


def refuse(s, client, port):
    said, told = curl(s, client, port, ["open/index.txt"])
    assert PAGE not in said and told[0] == "401", said
    said, told = curl(s, client, port, ["open/index.txt"], "--negotiate", env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"})
    assert PAGE not in said and told[0] in ("401", "403"), said
    said, told = curl(s, client, port, ["basic/index.txt"], "--basic", "-u", "alice:wonderland")
    assert PAGE in said, said
    said, told = curl(s, client, port, ["basic/index.txt"], "--basic", "-u", "alice:looking-glass")
    assert PAGE not in said and told[0] == "401", said


if __name__ == "__main__":
    stage.act("curl and Apache", play)
