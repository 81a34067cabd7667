#include "realm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"

#define USER_PASSWORD "wonderland"

enum { TOOL_LIMIT_MS = 30000, KDC_LIMIT_MS = 10000, NUM_PORT_TRIES = 5 };

/*
 * DNS stays out of it: names are taken as they are written, and the KDC is where this file says. It has the clients' clock, which none
 * of them corrects: the second that begins while a ticket is on its way is no difference of clocks.
 */
static const char krb5_conf[] = "[libdefaults]\n"
				"\tdefault_realm = BATON.TEST\n"
				"\tdns_lookup_kdc = false\n"
				"\tdns_lookup_realm = false\n"
				"\tdns_uri_lookup = false\n"
				"\tdns_canonicalize_hostname = false\n"
				"\trdns = false\n"
				"\tudp_preference_limit = 1\n"
				"\tkdc_timesync = 0\n"
				"\tticket_lifetime = 10h\n"
				"\trenew_lifetime = 7d\n"
				"\tforwardable = true\n"
				"\tallow_rc4 = true\n"
				"\tallow_des3 = true\n"
				"\tdefault_ccache_name = FILE:%1$s/alice.ccache\n"
				"\tdefault_keytab_name = FILE:%1$s/server.keytab\n"
				"\tdefault_client_keytab_name = FILE:%1$s/alice.keytab\n"
				"\n"
				"[realms]\n"
				"\tBATON.TEST = {\n"
				"\t\tkdc = 127.0.0.1:%2$d\n"
				"\t}\n"
				"\n"
				"[domain_realm]\n"
				"\tbaton.test = BATON.TEST\n"
				"\t.baton.test = BATON.TEST\n"
				"\tlocalhost = BATON.TEST\n"
				"\n"
				"[logging]\n"
				"\tkdc = FILE:%1$s/kdc.log\n"
				"\tadmin_server = FILE:%1$s/admin.log\n"
				"\tdefault = FILE:%1$s/default.log\n";

/* Without lockout the KDC writes nothing to its database, so a ticket costs no fsync. */
static const char kdc_conf[] =
    "[kdcdefaults]\n"
    "\tkdc_listen = 127.0.0.1:%2$d\n"
    "\tkdc_tcp_listen = 127.0.0.1:%2$d\n"
    "\n"
    "[realms]\n"
    "\tBATON.TEST = {\n"
    "\t\tdatabase_name = %1$s/principal\n"
    "\t\tkey_stash_file = %1$s/stash\n"
    "\t\tmaster_key_type = aes256-cts-hmac-sha1-96\n"
    "\t\tsupported_enctypes = aes256-sha1:normal aes128-sha1:normal aes256-sha2:normal aes128-sha2:normal\n"
    "\t\tmax_life = 1d\n"
    "\t\tmax_renewable_life = 7d\n"
    "\t\tdefault_principal_flags = +forwardable +renewable\n"
    "\t\tdatabase_module = files\n"
    "\t}\n"
    "\n"
    "[dbmodules]\n"
    "\tfiles = {\n"
    "\t\tdb_library = db2\n"
    "\t\tdisable_last_success = true\n"
    "\t\tdisable_lockout = true\n"
    "\t}\n";

static const char principals[] =
    "addprinc +requires_preauth -pw " USER_PASSWORD " alice\n"
    "addprinc +requires_preauth -pw " USER_PASSWORD " bob\n"
    "addprinc -randkey host/server.baton.test\n"
    "addprinc -randkey HTTP/server.baton.test\n"
    "addprinc -randkey host/localhost\n"
    "addprinc -randkey +no_auth_data_required plain/server.baton.test\n"
    "addprinc -randkey -e aes128-sha1:normal enc17/server.baton.test\n"
    "setstr enc17/server.baton.test session_enctypes aes128-sha1\n"
    "addprinc -randkey -e aes256-sha1:normal enc18/server.baton.test\n"
    "setstr enc18/server.baton.test session_enctypes aes256-sha1\n"
    "addprinc -randkey -e aes128-sha2:normal enc19/server.baton.test\n"
    "setstr enc19/server.baton.test session_enctypes aes128-sha2\n"
    "addprinc -randkey -e aes256-sha2:normal enc20/server.baton.test\n"
    "setstr enc20/server.baton.test session_enctypes aes256-sha2\n"
    "addprinc -randkey -e camellia128-cts:normal enc25/server.baton.test\n"
    "setstr enc25/server.baton.test session_enctypes camellia128-cts\n"
    "addprinc -randkey -e camellia256-cts:normal enc26/server.baton.test\n"
    "setstr enc26/server.baton.test session_enctypes camellia256-cts\n"
    "addprinc -randkey -e des3-cbc-sha1:normal enc16/server.baton.test\n"
    "setstr enc16/server.baton.test session_enctypes des3-cbc-sha1\n"
    "addprinc -randkey -e arcfour-hmac:normal enc23/server.baton.test\n"
    "setstr enc23/server.baton.test session_enctypes arcfour-hmac\n"
    "ktadd -norandkey -k \"%1$s/server.keytab\" host/server.baton.test HTTP/server.baton.test host/localhost"
    " plain/server.baton.test enc17/server.baton.test enc18/server.baton.test enc19/server.baton.test"
    " enc20/server.baton.test enc25/server.baton.test enc26/server.baton.test enc16/server.baton.test"
    " enc23/server.baton.test\n"
    "ktadd -norandkey -k \"%1$s/alice.keytab\" alice\n"
    "ktadd -norandkey -k \"%1$s/bob.keytab\" bob\n";

static const struct {
	const char *name;
	const char *value; /* %s: the realm's directory */
} environment[] = {
    {"BATON_REALM_DIR", "%s"},
    {"KRB5_CONFIG", "%s/krb5.conf"},
    {"KRB5_KDC_PROFILE", "%s/kdc.conf"},
    {"KRB5CCNAME", "FILE:%s/alice.ccache"},
    {"KRB5_KTNAME", "FILE:%s/server.keytab"},
    {"KRB5_CLIENT_KTNAME", "FILE:%s/alice.keytab"},
    {"KRB5RCACHEDIR", "%s/rcache"},
};

static bool
write_file(const struct cli_realm *realm, const char *name, const char *format)
{
	char path[PATH_MAX + 32];
	FILE *file;
	bool ok;

	snprintf(path, sizeof path, "%s/%s", realm->dir, name);
	if ((file = fopen(path, "we")) == NULL)
		return false;
	ok = fprintf(file, format, realm->dir, realm->port) > 0;
	return fclose(file) == 0 && ok;
}

/* A port free for UDP and TCP at this moment. Somebody may take it before the KDC does, so the caller tries again. */
static int
free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int port = -1;

	if (tcp >= 0 && udp >= 0 && bind(tcp, (struct sockaddr *)&at, len) == 0 &&
	    getsockname(tcp, (struct sockaddr *)&at, &len) == 0 && bind(udp, (struct sockaddr *)&at, len) == 0)
		port = ntohs(at.sin_port);
	if (tcp >= 0)
		close(tcp);
	if (udp >= 0)
		close(udp);
	return port;
}

static bool
answers(int port)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The programs' own words, when one of them failed. */
static void
show_log(const struct cli_realm *realm, const char *name)
{
	char path[PATH_MAX + 32], line[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", realm->dir, name);
	if ((file = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL)
		fprintf(stderr, "  %s: %s", name, line);
	fclose(file);
}

static bool
run_tool(const struct cli_realm *realm, const char *input, const char *const argv[])
{
	char log[PATH_MAX + 32];
	struct cli_child_options options = {.input = input, .output = log, .death_signal = SIGKILL};

	snprintf(log, sizeof log, "%s/setup.log", realm->dir);
	if (cli_child_run(argv, &options, TOOL_LIMIT_MS))
		return true;
	cli_complain("the realm could not be set up: %s failed (Debian: apt-get install krb5-kdc krb5-admin-server krb5-user)",
		     argv[0]);
	show_log(realm, "setup.log");
	return false;
}

static void
random_password(char out[static 33])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool
create_database(const struct cli_realm *realm)
{
	char password[33];

	random_password(password);
	return run_tool(realm, "", (const char *[]){"kdb5_util", "-r", "BATON.TEST", "create", "-s", "-P", password, NULL});
}

static bool
exists(const struct cli_realm *realm, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", realm->dir, name);
	return access(path, F_OK) == 0;
}

static bool
add_principals(const struct cli_realm *realm)
{
	char *commands;
	bool ok;

	if (asprintf(&commands, principals, realm->dir) < 0)
		return false;
	/* Who does this is nobody in particular: an account without a name may, too. */
	ok = run_tool(realm, commands, (const char *[]){"kadmin.local", "-r", "BATON.TEST", "-p", "root/admin@BATON.TEST", NULL});
	free(commands);
	/* kadmin.local ends with 0 whatever its commands did: the last one's result tells. */
	if (ok && !exists(realm, "bob.keytab")) {
		cli_complain("the realm could not be set up: the principals are missing");
		show_log(realm, "setup.log");
		return false;
	}
	return ok;
}

static bool
start_kdc(struct cli_realm *realm)
{
	char log[PATH_MAX + 32];
	struct cli_child_options options = {.input = "", .output = log, .death_signal = SIGKILL};
	int64_t until = cli_now_ms() + KDC_LIMIT_MS;

	snprintf(log, sizeof log, "%s/krb5kdc.out", realm->dir);
	if ((realm->kdc = cli_child_start((const char *[]){"krb5kdc", "-n", "-r", "BATON.TEST", NULL}, &options)) < 0) {
		cli_complain("krb5kdc could not be started: %s (Debian: apt-get install krb5-kdc)", strerror(errno));
		return false;
	}
	while (!answers(realm->port)) {
		if (waitpid(realm->kdc, NULL, WNOHANG) == realm->kdc) {
			realm->kdc = -1;
			return false;
		}
		if (cli_now_ms() >= until) {
			cli_child_end(realm->kdc);
			realm->kdc = -1;
			return false;
		}
		cli_pause_ms(5);
	}
	return true;
}

static bool
get_tickets(const struct cli_realm *realm, const char *user)
{
	char cache[PATH_MAX + 32], keytab[PATH_MAX + 32];

	snprintf(cache, sizeof cache, "FILE:%s/%s.ccache", realm->dir, user);
	snprintf(keytab, sizeof keytab, "FILE:%s/%s.keytab", realm->dir, user);
	return run_tool(realm, "", (const char *[]){"kinit", "-k", "-t", keytab, "-c", cache, user, NULL});
}

static bool
make_dir(struct cli_realm *realm, const char *dir)
{
	const char *tmp = getenv("TMPDIR");
	char name[PATH_MAX];

	snprintf(name, sizeof name, "%s/baton-realm.XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (dir == NULL) {
		if (mkdtemp(name) == NULL) {
			cli_complain("no directory for the realm: %s: %s", name, strerror(errno));
			return false;
		}
		dir = name;
	} else if (mkdir(dir, 0700) != 0 && (errno != EEXIST || rmdir(dir) != 0 || mkdir(dir, 0700) != 0)) {
		/* An empty directory is made anew, so that it is surely ours and 0700; rmdir refuses any other. */
		cli_complain("cannot use %s for the realm: %s", dir, strerror(errno));
		return false;
	}
	if (realpath(dir, realm->dir) == NULL) {
		cli_complain("cannot use %s for the realm: %s", dir, strerror(errno));
		rmdir(dir);
		return false;
	}
	snprintf(name, sizeof name, "%.*s/rcache", (int)sizeof name - 8, realm->dir);
	return mkdir(name, 0700) == 0;
}

bool
cli_realm_start(struct cli_realm *realm, const char *dir, bool is_kept)
{
	bool is_up = false;

	*realm = (struct cli_realm){.kdc = -1};
	if (!make_dir(realm, dir))
		return false;
	cli_realm_enter(realm);
	for (int i = 0; i < NUM_PORT_TRIES && !is_up; i++) {
		if ((realm->port = free_port()) < 0 || !write_file(realm, "krb5.conf", krb5_conf) ||
		    !write_file(realm, "kdc.conf", kdc_conf)) {
			cli_complain("the realm could not be set up in %s: %s", realm->dir, strerror(errno));
			goto fail;
		}
		if (i == 0 && (!create_database(realm) || !add_principals(realm)))
			goto fail;
		is_up = start_kdc(realm);
	}
	if (!is_up) {
		cli_complain("the KDC does not answer");
		show_log(realm, "krb5kdc.out");
		goto fail;
	}
	if (!get_tickets(realm, "alice") || !get_tickets(realm, "bob"))
		goto fail;
	realm->is_kept = is_kept;
	return true;
fail:
	cli_realm_stop(realm);
	return false;
}

void
cli_realm_enter(const struct cli_realm *realm)
{
	char value[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof environment / sizeof environment[0]; i++) {
		snprintf(value, sizeof value, environment[i].value, realm->dir);
		setenv(environment[i].name, value, 1);
	}
	/* Named by the directory above, and by nothing that was there before. */
	unsetenv("KRB5RCACHENAME");
	unsetenv("KRB5RCACHETYPE");
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

void
cli_realm_stop(struct cli_realm *realm)
{
	cli_child_end(realm->kdc);
	realm->kdc = -1;
	if (realm->dir[0] != '\0' && !realm->is_kept)
		nftw(realm->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	realm->dir[0] = '\0';
}
