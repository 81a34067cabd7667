#!/usr/bin/env python3
"""rsyslog's gssapi modules: log messages on their way from one rsyslogd to another, checked and encrypted.

  rsyslog.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import pathlib
import socket
import sysconfig

import stage

MODULES = pathlib.Path("/usr/lib") / sysconfig.get_config_var("MULTIARCH") / "rsyslog"
SERVICE = "host"
MODES = ["integrity", "encryption"]
LINES = 300

SERVER_CONF = """
global(workDirectory="{dir}")
$ModLoad imgssapi
$InputGSSServerServiceName {service}
$InputGSSServerPermitPlainTCP off
$InputGSSServerRun {port}
template(name="plain" type="string" string="%syslogtag%%msg%\\n")
*.* action(type="omfile" file="{dir}/arrived" template="plain")
"""

CLIENT_CONF = """
global(workDirectory="{dir}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/{mode}.socket" RateLimit.Interval="0")
$ModLoad omgssapi
$GSSForwardServiceName {service}
$GSSMode {mode}
$ActionResumeRetryCount -1
$ActionResumeInterval 1
*.* :omgssapi:localhost:{port}
"""


def start(s, server):
    keytab = s.keytab(f"{SERVICE}/localhost")

    def command(port):
        config = s.file("server.conf", SERVER_CONF.format(dir=s.dir, service=SERVICE, port=port))
        return ["/usr/sbin/rsyslogd", "-n", "-C", "-f", config, "-i", s.dir / "server.pid"]

    return s.serve(server, command, env={"KRB5_KTNAME": str(keytab), "KRB5CCNAME": "MEMORY:none"})


def forward(s, client, port, mode):
    config = s.file(f"{mode}.conf", CLIENT_CONF.format(dir=s.dir, service=SERVICE, port=port, mode=mode))
    return s.popen(client, "/usr/sbin/rsyslogd", "-n", "-C", "-f", config, "-i", s.dir / f"{mode}.pid")


def play(s, client, server):
    for path in ("/usr/sbin/rsyslogd", MODULES / "imgssapi.so", MODULES / "omgssapi.so"):
        if not os.path.exists(path):
            raise stage.Skip(f"there is no {path} here")
    daemon, port = start(s, server)
    for mode in MODES:
        forwarder = forward(s, client, port, mode)
        lines = [f"{mode} {i} {'x' * (i * 7 % 2000)}." for i in range(LINES)]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            stage.wait_until(lambda: connects(sock, s.dir / f"{mode}.socket"), "the forwarder listens")
            for line in lines:
                sock.send(f"<14>Nov 22 05:00:00 play: {line}".encode())
        stage.wait_until(lambda: arrived(s, mode) == lines, f"messages arrive, with {mode}")
        stage.check_library(forwarder.pid, client, "the forwarder")
        stage.check_library(daemon.pid, server, "rsyslogd")
        s.stop(forwarder)
    return f"{len(MODES) * LINES} messages: " + ", ".join(MODES)


def arrived(s, mode):
    """What the server has written of this mode's messages; both daemons have something to say, too."""
    path = s.dir / "arrived"
    text = path.read_text() if path.exists() else ""
    return [line[len("play: "):] for line in text.splitlines() if line.startswith(f"play: {mode} ")]


def connects(sock, path):
    try:
        sock.connect(str(path))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    stage.act("rsyslog", play)
