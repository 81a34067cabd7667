#include "doctor.h"

#include <baton/baton.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "style.h"

/* Newer than this system's headers; the number is the kernel's for all machines but a few. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { FEW_DESCRIPTORS = 256 };

static void
check_library(struct cli_finding *f)
{
	const char *(*version)(void) = baton_version;
	Dl_info info;

	if (dladdr(*(void **)&version, &info) != 0 && info.dli_fname != NULL)
		cli_find(f, CLI_WELL, "%s, %s", baton_version(), info.dli_fname);
	else
		cli_find(f, CLI_WELL, "%s", baton_version());
}

static void
check_proc(struct cli_finding *f)
{
	if (access("/proc/self/stat", R_OK) == 0 && access("/proc/sys/kernel/random/boot_id", R_OK) == 0) {
		cli_find(f, CLI_WELL, "/proc is mounted");
	} else {
		cli_find(f, CLI_WARN, "/proc is not mounted, or hides what is needed");
		cli_advise(f, "without it no token can be made for a process, a session or a group: mount it");
	}
}

static void
check_memory_files(struct cli_finding *f)
{
	int fd = memfd_create("baton-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, 4096) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		cli_find(f, CLI_WELL, "memory files can be made and sealed");
	} else {
		cli_find(f, CLI_WARN, "memory files cannot be made: %s", strerror(errno));
		cli_advise(f, "contexts cannot be handed over on sockets: allow memfd_create(2) to this program");
	}
	if (fd >= 0)
		close(fd);
}

static void
check_peers(struct cli_finding *f)
{
	int sockets[2], pidfd = -1;
	socklen_t len = sizeof pidfd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
		cli_find(f, CLI_WARN, "no UNIX sockets: %s", strerror(errno));
		cli_advise(f, "contexts cannot be handed over on sockets: allow this program AF_UNIX");
		return;
	}
	if (getsockopt(sockets[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0) {
		cli_find(f, CLI_WELL, "peers on sockets are known by pidfd");
		close(pidfd);
	} else {
		cli_find(f, CLI_WELL, "peers on sockets are known by number only (a pidfd needs Linux 6.5)");
	}
	close(sockets[0]);
	close(sockets[1]);
}

static void
check_descriptors(struct cli_finding *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		cli_find(f, CLI_UNSEEN, "limit unknown: %s", strerror(errno));
	} else if (limit.rlim_cur < FEW_DESCRIPTORS) {
		cli_find(f, CLI_WARN, "%llu files may be open at once", (unsigned long long)limit.rlim_cur);
		cli_advise(f, "a server has one for each connection: ulimit -n, or LimitNOFILE= of its unit");
	} else {
		cli_find(f, CLI_WELL, "%llu files may be open at once", (unsigned long long)limit.rlim_cur);
	}
}

/* One of a list of files can be read; name gets it. */
static int
find_readable(const char *list, char name[static PATH_MAX])
{
	size_t len;
	int e = ENOENT;

	for (; *list != '\0'; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		snprintf(name, PATH_MAX, "%.*s", (int)len, list);
		if (len != 0 && access(name, R_OK) == 0)
			return 0;
		if (errno != ENOENT)
			e = errno;
	}
	return e;
}

static void
check_krb5_conf(struct cli_finding *f)
{
	const char *named = getenv("KRB5_CONFIG"), *list = named != NULL && named[0] != '\0' ? named : "/etc/krb5.conf";
	char name[PATH_MAX];
	int e = find_readable(list, name);

	if (e == 0) {
		cli_find(f, CLI_WELL, "%s", name);
	} else {
		cli_find(f, CLI_WARN, "%s: %s", list, strerror(e));
		cli_advise(f, "Kerberos has its built-in configuration only: see krb5.conf(5)");
	}
}

static void
check_keytab(struct cli_finding *f)
{
	static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
	gss_OID_set_desc mechs = {1, &krb5};
	const char *named = getenv("KRB5_KTNAME");
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	char text[CLI_STATUS_LEN];
	OM_uint32 major, minor;

	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechs, GSS_C_ACCEPT, &cred, NULL, NULL);
	if (major == GSS_S_COMPLETE) {
		cli_find(f, CLI_WELL, "%s has keys", named != NULL ? named : "the default keytab");
		gss_release_cred(&minor, &cred);
	} else {
		cli_find(f, CLI_WARN, "%s", cli_status_text(major, minor, text));
		cli_advise(f, "servers cannot accept with Kerberos: make one with ktadd, or name one in KRB5_KTNAME; clients need none");
	}
}

struct mechs {
	unsigned num_usable, num_broken;
	char first[512], hint[256];
};

static int
count_mech(const struct baton_mech_info *info, void *arg)
{
	struct mechs *mechs = arg;

	if (info->state != BATON_MECH_BROKEN) {
		mechs->num_usable++;
		return 0;
	}
	if (mechs->num_broken++ == 0) {
		snprintf(mechs->first, sizeof mechs->first, "%s:%u: %s", info->file, (unsigned)info->line, info->problem);
		snprintf(mechs->hint, sizeof mechs->hint, "%s", info->hint != NULL ? info->hint : "mend that line");
	}
	return 0;
}

static void
check_mechs(struct cli_finding *f)
{
	struct mechs mechs = {0};
	char text[CLI_STATUS_LEN];
	OM_uint32 major, minor;

	if ((major = baton_each_mech(&minor, count_mech, &mechs)) != GSS_S_COMPLETE) {
		cli_find(f, CLI_WARN, "cannot be listed: %s", cli_status_text(major, minor, text));
		cli_advise(f, "look at `baton mechs`");
	} else if (mechs.num_broken != 0) {
		cli_find(f, CLI_WARN, "%s", mechs.first);
		cli_advise(f, "%s; `baton mechs` shows all that is wrong", mechs.hint);
	} else {
		cli_find(f, CLI_WELL, "%u can be used", mechs.num_usable);
	}
}

static void
check_trace(struct cli_finding *f)
{
	const char *path = getenv("BATON_TRACE");
	char dir[PATH_MAX];
	struct stat st;

	if (path == NULL || path[0] == '\0') {
		cli_find(f, CLI_UNSEEN, "BATON_TRACE is not set");
		return;
	}
	snprintf(dir, sizeof dir, "%s", path);
	if (strrchr(dir, '/') != NULL)
		strrchr(dir, '/')[1] = '\0';
	else
		snprintf(dir, sizeof dir, ".");
	if (lstat(path, &st) == 0 ? S_ISREG(st.st_mode) && access(path, W_OK) == 0 : access(dir, W_OK | X_OK) == 0) {
		cli_find(f, path[0] == '/' ? CLI_WELL : CLI_WARN, "BATON_TRACE is %s", path);
		if (path[0] != '/')
			cli_advise(f, "name it from the root: programs change their directory");
	} else {
		cli_find(f, CLI_WARN, "%s cannot be written, or is no file", path);
		cli_advise(f, "events are lost: name another file in BATON_TRACE");
	}
}

const struct cli_check cli_checks[] = {
    {"library", check_library},
    {"claim directory", cli_check_directory},
    {"memory", cli_check_memory},
    {"settings", cli_check_settings},
    {"hand-on", cli_check_round_trip},
    {"claim table", cli_check_table},
    {"/proc", check_proc},
    {"memory files", check_memory_files},
    {"socket peers", check_peers},
    {"descriptors", check_descriptors},
    {"mechanisms", check_mechs},
    {"krb5.conf", check_krb5_conf},
    {"keytab", check_keytab},
    {"trace", check_trace},
};
const size_t cli_num_checks = sizeof cli_checks / sizeof cli_checks[0];
