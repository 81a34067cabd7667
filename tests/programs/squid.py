#!/usr/bin/env python3
"""Squid with its helper for Negotiate, and curl --proxy-negotiate.

  squid.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import re
import subprocess
import sys

import stage

HELPER = "/usr/lib/squid/negotiate_kerberos_auth"

SQUID_CONF = """
http_port 127.0.0.1:{port}
visible_hostname {host}
{user}
pid_filename none
cache_log {dir}/log.squid
access_log stdio:{dir}/access
coredump_dir {dir}
pinger_enable off
max_filedescriptors 1024
cache_mem 8 MB
cache deny all
shutdown_lifetime 1 second
auth_param negotiate program {helper} -r -i -k {keytab} -s HTTP/{host}@BATON.TEST
auth_param negotiate children 4 startup=4 idle=4
acl known proxy_auth alice
http_access allow known
http_access deny all
"""

PAGE = "only alice reads this\n"


def start(s, server):
    user = "proxy"
    keytab = s.lend(s.keytab(f"HTTP/{stage.HOST}"), user)
    s.configure("")
    for name in ("access", "log.squid"):
        s.give(s.file(name, ""), user)
    (s.dir / "rcache").mkdir()
    s.give(s.dir / "rcache", user)
    account = f"cache_effective_user {user}\ncache_effective_group {user}" if os.geteuid() == 0 else ""

    def command(port):
        config = s.file("squid.conf", SQUID_CONF.format(dir=s.dir, host=stage.HOST, port=port, user=account, helper=HELPER, keytab=keytab))
        return ["/usr/sbin/squid", "-N", "-f", config]

    return s.serve(server, command, env={"KRB5RCACHEDIR": str(s.dir / "rcache"), "KRB5CCNAME": "MEMORY:none"}, lend=True)


def start_curl(s, client, proxy, url, *options, env=None):
    return s.watch(client, "curl", "-sS", "--noproxy", "", "-x", f"http://{stage.HOST}:{proxy}", "--proxy-user", ":", "--resolve",
                   f"{stage.HOST}:{proxy}:127.0.0.1", "-w", "\n%{stderr}@%{http_code}\n", *options, *[url] * 3, env=env,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def curl(s, client, *arguments, **options):
    said = s.finish(start_curl(s, client, *arguments, **options), client)
    return said, re.findall(r"@(\d+)\n", said)


def play(s, client, server):
    for path in ("/usr/sbin/squid", HELPER):
        if not os.access(path, os.X_OK):
            raise stage.Skip(f"there is no {path} here")
    s.file("pages/page", PAGE)
    _, port = s.serve("mit", lambda port: [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", s.dir / "pages", port])
    url = f"http://127.0.0.1:{port}/page"
    daemon, proxy = start(s, server)
    for options in ((), ("-H", "Proxy-Connection: close"), ("--http1.0",)):
        said, told = curl(s, client, proxy, url, "--proxy-negotiate", *options)
        assert said.count(PAGE) == 3 and told == ["200"] * 3, said
    for process in [start_curl(s, client, proxy, url, "--proxy-negotiate") for _ in range(8)]:
        said = s.finish(process, client)
        assert said.count(PAGE) == 3, said
    assert stage.check_family(daemon.pid, server, "squid") >= 4
    assert " alice " in (s.dir / "access").read_text()
    refuse(s, client, proxy, url)
    return "4 helpers"


def refuse(s, client, proxy, url):
    said, told = curl(s, client, proxy, url)
    assert PAGE not in said and set(told) == {"407"}, said
    said, told = curl(s, client, proxy, url, "--proxy-negotiate", env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"})
    assert PAGE not in said and set(told) <= {"403", "407"}, said


if __name__ == "__main__":
    stage.act("curl and Squid", play)
