/*
 * The claim store, looked at from outside: where it is said to be in baton-claims(7), and what the library says of it.
 */
#include <baton/baton.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor.h"
#include "style.h"

/* baton-errors(7): what is wrong with the settings. */
enum { MINOR_AUDIENCE = 1927964722, MINOR_SETTINGS = 1927964724 };

/* A full table, with its header. */
enum { TABLE_BYTES = 65536 * 64 + 3 * 4096 };

static bool
is_memory(const char *path, struct statfs *fs)
{
	return statfs(path, fs) == 0 && ((unsigned long)fs->f_type == TMPFS_MAGIC || (unsigned long)fs->f_type == RAMFS_MAGIC);
}

/* The directory that this environment gives the store. */
static void
directory_of_store(char path[static PATH_MAX])
{
	const char *named = getenv("BATON_CLAIM_DIR"), *runtime = getenv("XDG_RUNTIME_DIR");
	struct statfs fs;
	struct stat st;

	if (named != NULL && named[0] != '\0')
		snprintf(path, PATH_MAX, "%s", named);
	else if (runtime != NULL && runtime[0] == '/' && stat(runtime, &st) == 0 && st.st_uid == geteuid() &&
		 (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && is_memory(runtime, &fs))
		snprintf(path, PATH_MAX, "%s/baton", runtime);
	else
		snprintf(path, PATH_MAX, "/dev/shm/baton-%lu", (unsigned long)geteuid());
}

static void
judge(struct cli_finding *f, const char *path, const struct stat *st, mode_t mode)
{
	if (st->st_uid != geteuid()) {
		cli_find(f, CLI_FAIL, "%s belongs to user %lu", path, (unsigned long)st->st_uid);
		cli_advise(f, "remove it, or have its owner remove it: Baton makes its own");
	} else if ((st->st_mode & 07777) != mode) {
		cli_find(f, CLI_FAIL, "%s has mode %04o", path, (unsigned)st->st_mode & 07777);
		cli_advise(f, "chmod %04o %s", (unsigned)mode, path);
	} else {
		cli_find(f, CLI_WELL, "%s, mode %04o", path, (unsigned)mode);
	}
}

void
cli_check_directory(struct cli_finding *f)
{
	char path[PATH_MAX];
	struct stat st;

	directory_of_store(path);
	if (lstat(path, &st) != 0 && errno == ENOENT) {
		cli_find(f, CLI_WELL, "%s is made by the first export", path);
	} else if (lstat(path, &st) != 0) {
		cli_find(f, CLI_FAIL, "%s: %s", path, strerror(errno));
		cli_advise(f, "tokens cannot be made before it can be reached; BATON_CLAIM_DIR names another");
	} else if (!S_ISDIR(st.st_mode)) {
		cli_find(f, CLI_FAIL, "%s is not a directory", path);
		cli_advise(f, "remove it: Baton makes its own");
	} else {
		judge(f, path, &st, 0700);
	}
}

void
cli_check_memory(struct cli_finding *f)
{
	char path[PATH_MAX], text[CLI_DURATION_LEN];
	struct statfs fs;
	uint64_t num_free;

	directory_of_store(path);
	if (access(path, F_OK) != 0 && strrchr(path, '/') != NULL)
		strrchr(path, '/')[0] = '\0';
	if (!is_memory(path, &fs)) {
		cli_find(f, CLI_FAIL, "%s is not in memory", path);
		cli_advise(f, "keys must not reach a disk: mount a tmpfs there, or unset BATON_CLAIM_DIR");
		return;
	}
	num_free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	/* ramfs does not count. */
	if (fs.f_blocks == 0) {
		cli_find(f, CLI_WELL, "%s is in memory", path);
	} else if (num_free < TABLE_BYTES) {
		cli_find(f, CLI_WARN, "%s has %s left", path, cli_bytes(num_free, text));
		cli_advise(f, "a full store takes %s: make room there, or mount it larger", cli_bytes(TABLE_BYTES, text));
	} else {
		cli_find(f, CLI_WELL, "%s is in memory, %s free", path, cli_bytes(num_free, text));
	}
}

void
cli_check_table(struct cli_finding *f)
{
	struct baton_claims claims = {.version = BATON_CLAIMS_VERSION};
	char text[CLI_STATUS_LEN];
	OM_uint32 major, minor;
	uint32_t in_use;

	if ((major = baton_claims(&minor, &claims)) != GSS_S_COMPLETE) {
		cli_find(f, CLI_FAIL, "%s", cli_status_text(major, minor, text));
		cli_advise(f, "stop its users and delete it; tokens that wait in it are then void");
		return;
	}
	in_use = claims.num_live + claims.num_expired + claims.num_reserved;
	if (claims.num_slots == 0) {
		cli_find(f, CLI_WELL, "is made by the first export");
	} else if (claims.num_live > claims.num_slots / 10 * 8) {
		cli_find(f, CLI_WARN, "%s, %" PRIu32 " of %" PRIu32 " in use", claims.place, in_use, claims.num_slots);
		cli_advise(f, "tokens are exported faster than imported; `baton claims` shows by whom");
	} else {
		cli_find(f, CLI_WELL, "%s, %" PRIu32 " of %" PRIu32 " in use", claims.place, in_use, claims.num_slots);
	}
}

struct trip {
	gss_ctx_id_t initiator, acceptor, twice;
	gss_name_t nobody;
	gss_buffer_desc first, token, none;
	OM_uint32 minor;
	const char *step;
};

/* A context that needs no Kerberos, and neither side of which is anybody. */
static OM_uint32
establish(struct trip *t)
{
	static gss_OID_desc sanon = {10, (void *)(uintptr_t) "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};
	static gss_buffer_desc text = {15, (void *)(uintptr_t) "baton@localhost"};
	gss_OID_set_desc mechs = {1, &sanon};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor;

	t->step = "establish";
	if ((major = gss_import_name(&t->minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &t->nobody)) != GSS_S_COMPLETE ||
	    (major = gss_acquire_cred(&t->minor, GSS_C_NO_NAME, 0, &mechs, GSS_C_ACCEPT, &cred, NULL, NULL)) != GSS_S_COMPLETE)
		return major;
	major = gss_init_sec_context(&t->minor, GSS_C_NO_CREDENTIAL, &t->initiator, t->nobody, &sanon, GSS_C_ANON_FLAG, 0,
				     GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &t->first, NULL, NULL);
	if (!GSS_ERROR(major))
		major = gss_accept_sec_context(&t->minor, &t->acceptor, cred, &t->first, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &t->none,
					       NULL, NULL, NULL);
	gss_release_cred(&minor, &cred);
	return major;
}

static OM_uint32
travel(struct trip *t)
{
	OM_uint32 major;

	if (GSS_ERROR(major = establish(t)))
		return major;
	t->step = "export";
	if ((major = gss_export_sec_context(&t->minor, &t->acceptor, &t->token)) != GSS_S_COMPLETE)
		return major;
	t->step = "import";
	return gss_import_sec_context(&t->minor, &t->token, &t->acceptor);
}

static void
finish(struct trip *t)
{
	OM_uint32 minor;

	gss_release_buffer(&minor, &t->first);
	gss_release_buffer(&minor, &t->token);
	gss_release_buffer(&minor, &t->none);
	gss_release_name(&minor, &t->nobody);
	gss_delete_sec_context(&minor, &t->initiator, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &t->acceptor, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &t->twice, GSS_C_NO_BUFFER);
}

/*
 * The settings are read by whoever exports: what is wrong with them is an error of exports alone, and names file and line. What
 * else may keep contexts from being exported is another check's to say.
 */
void
cli_check_settings(struct cli_finding *f)
{
	struct baton_token_info info = {.version = BATON_TOKEN_INFO_VERSION};
	char text[CLI_STATUS_LEN], duration[CLI_DURATION_LEN];
	struct trip t = {0};
	OM_uint32 major = travel(&t), minor;

	if (GSS_ERROR(major) && t.minor >= MINOR_AUDIENCE && t.minor <= MINOR_SETTINGS) {
		cli_find(f, CLI_FAIL, "%s", cli_status_text(major, t.minor, text));
		cli_advise(f, "no context can be exported: see baton-transfer.conf(5)");
	} else if (baton_inspect_token(&minor, &t.token, &info) == GSS_S_COMPLETE) {
		cli_find(f, CLI_WELL, "tokens are for %s, for %s", info.audience, cli_duration(info.expires_in_ms, duration));
	} else {
		cli_find(f, CLI_UNSEEN, "nothing can be exported, for another reason");
	}
	finish(&t);
}

void
cli_check_round_trip(struct cli_finding *f)
{
	struct trip t = {0};
	char text[CLI_STATUS_LEN];
	OM_uint32 major = travel(&t), minor;

	if (GSS_ERROR(major)) {
		cli_find(f, CLI_FAIL, "cannot %s a context: %s", t.step, cli_status_text(major, t.minor, text));
		cli_advise(f, "mend that, and what else fails here, then look again");
	} else if (gss_import_sec_context(&minor, &t.token, &t.twice) == GSS_S_COMPLETE) {
		cli_find(f, CLI_FAIL, "a token was imported twice");
		cli_advise(f, "this must not be: stop handing contexts on, and report it");
	} else {
		cli_find(f, CLI_WELL, "a context was exported and imported; a second import was refused");
	}
	finish(&t);
}
