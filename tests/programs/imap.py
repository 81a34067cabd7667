#!/usr/bin/env python3
"""Dovecot's GSSAPI authentication, and curl's for IMAP (SASL GSSAPI, RFC 4752).

  imap.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import pathlib
import pwd
import subprocess

import stage

DOVECOT_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log.dovecot
auth_debug = yes
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = gssapi
auth_krb5_keytab = {keytab}
auth_gssapi_hostname = {host}
auth_username_format = %Ln
import_environment = $import_environment LD_LIBRARY_PATH KRB5_CONFIG KRB5RCACHEDIR KRB5CCNAME KRB5_TRACE
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword
}}
userdb {{
  driver = static
  args = uid={user.pw_uid} gid={user.pw_gid} home={dir}/mail/%n
}}
mail_location = maildir:~/Maildir
service auth {{
  user = root
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""

MESSAGE = "From: alice@baton.test\r\nTo: alice@baton.test\r\nSubject: a letter\r\n\r\nnumber {}\r\n"
STATUS = "STATUS INBOX (MESSAGES)"


def start(s, server):
    keytab = s.keytab(f"imap/{stage.HOST}")
    user = pwd.getpwnam("mail")
    (s.dir / "mail").mkdir()
    s.give(s.dir / "mail", "mail")
    s.configure("")

    def command(port):
        config = s.file("dovecot.conf", DOVECOT_CONF.format(dir=s.dir, host=stage.HOST, port=port, keytab=keytab, user=user))
        return ["/usr/sbin/dovecot", "-F", "-c", config]

    return s.serve(server, command, env={"KRB5CCNAME": "MEMORY:none"}, lend=True)


def start_curl(s, client, port, path, *options, env=None):
    return s.watch(client, "curl", "-sS", "-v", "--noproxy", "*", "-u", "alice@BATON.TEST:", "--login-options", "AUTH=GSSAPI", "--resolve",
                   f"{stage.HOST}:{port}:127.0.0.1", *options, f"imap://{stage.HOST}:{port}/{path}", env=env,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def curl(s, client, *arguments, status=0, **options):
    return s.finish(start_curl(s, client, *arguments, **options), client, status)


def play(s, client, server):
    if os.geteuid() != 0:
        raise stage.Skip("Dovecot is started by root")
    for path in ("/usr/sbin/dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/modules/auth/libmech_gssapi.so"):
        if not pathlib.Path(path).exists():
            raise stage.Skip(f"there is no {path} here")
    daemon, port = start(s, server)
    for i in range(3):
        curl(s, client, port, "INBOX", "-T", s.file(f"letter-{i}", MESSAGE.format(i)))
    for i in range(3):
        said = curl(s, client, port, f"INBOX;MAILINDEX={i + 1}")
        assert f"\nnumber {i}\n" in said.replace("\r", "") and "AUTHENTICATE GSSAPI" in said, said
    for process in [start_curl(s, client, port, "INBOX", "-X", STATUS) for _ in range(10)]:
        said = s.finish(process, client)
        assert "(MESSAGES 3)" in said, said
    assert "user=<alice>, method=GSSAPI" in (s.dir / "log.dovecot").read_text()
    stage.check_family(daemon.pid, server, "dovecot")
    refuse(s, client, port)


def refuse(s, client, port):
    """bob is himself, whoever curl said he is; nobody is anybody without a ticket."""
    said = curl(s, client, port, "INBOX", "-X", STATUS, env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"}, status=None)
    assert "(MESSAGES 3)" not in said, said
    assert "gssapi(bob," in (s.dir / "log.dovecot").read_text()
    nobody = {"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"}
    said = curl(s, client, port, "INBOX", "-X", STATUS, status=None, env=nobody)
    assert "OK Logged in" not in said and "(MESSAGES" not in said, said


if __name__ == "__main__":
    stage.act("curl and Dovecot", play)
