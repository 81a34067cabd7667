/*
 * growth [NUMBER] - a million contexts through the claim store in one run: neither the processes nor the store grow.
 *
 * Two processes pass contexts to and fro, some dozens at a time; each hand-over is an export in the one and an import in the other. At
 * the end each context still speaks to its far end.
 */
#include <dirent.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/siege.h"
#include "support/scratch.h"

enum { NUM_CONTEXTS = 48, WARM_UP = 2000, SLACK_KB = 256 };

static char claim_dir[] = "/dev/shm/baton-stress.XXXXXX";

struct size {
	long num_fds, rss_kb, store_kb;
};

static long
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	long num = 0;

	while (d != NULL && readdir(d) != NULL)
		num++;
	if (d != NULL)
		closedir(d);
	return num;
}

/* What belongs to the process alone: pages of the store are counted there. */
static long
private_kb(void)
{
	long pages, resident, shared;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld %ld", &pages, &resident, &shared) != 3)
		errx(1, "/proc/self/statm");
	fclose(f);
	return (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct size
measure(void)
{
	char path[sizeof(claim_dir) + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/claims", claim_dir);
	if (stat(path, &st) != 0)
		err(1, "%s", path);
	return (struct size){count_fds(), private_kb(), (long)st.st_blocks / 2};
}

static bool
has_grown(const char *who, const struct size *before)
{
	struct size now = measure();

	printf("%s: %ld descriptors before, %ld after; %ld and %ld kB of memory; %ld and %ld kB of store\n", who,
	       before->num_fds, now.num_fds, before->rss_kb, now.rss_kb, before->store_kb, now.store_kb);
	return now.num_fds != before->num_fds || now.rss_kb > before->rss_kb + SLACK_KB || now.store_kb > before->store_kb;
}

static void
fail(const char *what, OM_uint32 major, OM_uint32 minor)
{
	errx(1, "%s: %08x %u", what, major, minor);
}

static void
send_context(int fd, gss_ctx_id_t *ctx, uint32_t number)
{
	gss_buffer_desc token;
	struct note note = {.num = number};
	OM_uint32 major, minor;

	if ((major = gss_export_sec_context(&minor, ctx, &token)) != GSS_S_COMPLETE)
		fail("export", major, minor);
	memcpy(note.bytes, token.value, token.length);
	if (mail_send(fd, &note, token.length, -1, 0) != 0)
		err(1, "send");
	gss_release_buffer(&minor, &token);
}

/* False: the other is done. */
static bool
receive_context(int fd, gss_ctx_id_t *ctx, uint32_t *number)
{
	struct note note;
	OM_uint32 major, minor;
	size_t len;
	int none;

	if (mail_receive(fd, &note, &len, &none, 0) != 0)
		return false;
	gss_buffer_desc token = {len, note.bytes};
	if ((major = gss_import_sec_context(&minor, &token, ctx)) != GSS_S_COMPLETE)
		fail("import", major, minor);
	*number = note.num;
	return true;
}

static int
be_the_other(int fd)
{
	struct size before = {0};
	gss_ctx_id_t ctx;
	uint32_t number;
	long count = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (receive_context(fd, &ctx, &number)) {
		if (++count == WARM_UP)
			before = measure();
		send_context(fd, &ctx, number);
	}
	return has_grown("the other", &before);
}

static void
make_context(gss_name_t target, gss_cred_id_t cred, gss_ctx_id_t *i, gss_ctx_id_t *a)
{
	static const OM_uint32 flags =
	    GSS_C_ANON_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
	gss_buffer_desc there, back, none;
	OM_uint32 minor, major;

	*i = *a = GSS_C_NO_CONTEXT;
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, i, target, &sanon, flags, 0, GSS_C_NO_CHANNEL_BINDINGS,
				     GSS_C_NO_BUFFER, NULL, &there, NULL, NULL);
	if (major != GSS_S_CONTINUE_NEEDED)
		fail("init", major, minor);
	major = gss_accept_sec_context(&minor, a, cred, &there, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &back, NULL, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		fail("accept", major, minor);
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, i, target, &sanon, flags, 0, GSS_C_NO_CHANNEL_BINDINGS, &back,
				     NULL, &none, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		fail("init", major, minor);
	gss_release_buffer(&minor, &there);
	gss_release_buffer(&minor, &back);
}

static void
speak(gss_ctx_id_t from, gss_ctx_id_t to)
{
	gss_buffer_desc text = {5, (void *)"still"}, token, back;
	OM_uint32 minor, major;

	if ((major = gss_wrap(&minor, from, 1, GSS_C_QOP_DEFAULT, &text, NULL, &token)) != GSS_S_COMPLETE)
		fail("wrap", major, minor);
	if ((major = gss_unwrap(&minor, to, &token, &back, NULL, NULL)) != GSS_S_COMPLETE)
		fail("unwrap", major, minor);
	if (back.length != text.length || memcmp(back.value, text.value, text.length) != 0)
		errx(1, "another text");
	gss_release_buffer(&minor, &token);
	gss_release_buffer(&minor, &back);
}

/* Returns whether this process has grown. Each round trip is two contexts through the store. */
static bool
play(int fd, long num_trips)
{
	gss_buffer_desc host = {12, (void *)"host@nowhere"};
	gss_ctx_id_t i[NUM_CONTEXTS], a[NUM_CONTEXTS], ctx;
	struct size before = {0};
	gss_cred_id_t cred;
	gss_name_t target;
	uint32_t number;
	OM_uint32 minor;
	bool grew;

	if (gss_import_name(&minor, &host, GSS_C_NT_HOSTBASED_SERVICE, &target) != GSS_S_COMPLETE ||
	    gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &cred, NULL, NULL) != GSS_S_COMPLETE)
		errx(1, "no name or no credential");
	for (uint32_t n = 0; n < NUM_CONTEXTS; n++) {
		make_context(target, cred, &i[n], &a[n]);
		send_context(fd, &a[n], n);
	}
	for (long trip = 0; trip < num_trips; trip++) {
		if (!receive_context(fd, &ctx, &number))
			errx(1, "the other is gone");
		if (trip == WARM_UP)
			before = measure();
		send_context(fd, &ctx, number);
	}
	for (uint32_t n = 0; n < NUM_CONTEXTS; n++) {
		if (!receive_context(fd, &a[n], &number))
			errx(1, "the other is gone");
		speak(i[number], a[n]);
		speak(a[n], i[number]);
		gss_delete_sec_context(&minor, &i[number], GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &a[n], GSS_C_NO_BUFFER);
	}
	grew = has_grown("this process", &before);
	gss_release_name(&minor, &target);
	gss_release_cred(&minor, &cred);
	return grew;
}

int
main(int argc, char **argv)
{
	long number = argc > 1 ? atol(argv[1]) : 1000000;
	int ends[2], status;
	bool grew;
	pid_t pid;

	if (number < 8 * WARM_UP)
		errx(2, "at least %d", 8 * WARM_UP);
	setenv("KRB5_CONFIG", "/dev/null", 1);
	if (scratch_dir(claim_dir) == NULL || setenv("BATON_CLAIM_DIR", claim_dir, 1) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		err(1, "%s", claim_dir);
	if ((pid = fork()) == 0) {
		close(ends[0]);
		return be_the_other(ends[1]);
	}
	close(ends[1]);
	grew = play(ends[0], number / 2);
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	attack_remove(claim_dir);
	printf("%ld contexts\n", number);
	if (grew || status != 0)
		printf("WRONG: something has grown\n");
	return grew || status != 0;
}
