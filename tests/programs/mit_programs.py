"""What MIT's build runs without a script, or not at all: run as its scripts run the others. It is a script for its k5test, see mit_scripts.py.

Not here, nor elsewhere: t_invalid and t_prf, which make contexts of MIT's by their members; t_namingexts and t_gssexts, which fail on
MIT's library too; and t_negoex.py, as there is no NegoEx here.
"""
from k5test import *

realm = K5Realm(get_creds=False)
realm.kinit(realm.user_princ, password('user'), ['-f'])
host = 'p:' + realm.host_princ

mark('names and OIDs')
realm.run(['./t_oid'])
realm.run(['./t_imp_name'])
realm.run(['./t_saslname'])
realm.run(['./reload'])

mark('contexts')
realm.run(['./t_context', host])
realm.run(['./t_context', 'h:host'])

mark('threads')
realm.run(['../threads/gss-perf', '-I', '-t', '4', '-i', '50', 'host@' + hostname])
realm.run(['../threads/gss-perf', '-I', '-m', '-t', '4', '-i', '50', 'host@' + hostname])
realm.run(['../threads/gss-perf', '-A', '-t', '4', '-i', '50', 'host@' + hostname])
port = str(realm.server_port())
server = realm.start_server(['../../appl/gss-sample/gss-server', '-export', '-port', port, 'host'], 'starting...')
realm.run(['../gss-threads/gss-client', '-q', '-port', port, '-threads', '4', '-ccount', '4', '-mcount', '20', '-seq', hostname, 'host', 'testmsg'])
stop_daemon(server)

success("MIT's other programs")
