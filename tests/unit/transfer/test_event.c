/* Events: what is told to whom, in which words, and that no secret is in any of them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "fake_claim.h"
#include "support.h"
#include "transfer/event.h"
#include "transfer/sinks.h"
#include "transfer/transfer.h"

static const struct bt_bytes krb5 = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
static char trace_path[64];

/* ---- a listener that keeps what it hears ---- */

static struct heard {
	unsigned num;
	struct bt_transfer_news last;
	char reason[BT_TRANSFER_REASON_LEN], mechanism[BT_TRANSFER_OID_LEN], audience[BT_TRANSFER_AUDIENCE_LEN];
	char claim[BT_TRANSFER_CLAIM_LEN], name[32];
	unsigned num_of[BT_TRANSFER_NUM_EVENTS + 1];
	bool tells_more;
} heard;

static void
hear(const struct bt_transfer_news *news)
{
	heard.num++;
	heard.num_of[news->event]++;
	heard.last = *news;
	snprintf(heard.name, sizeof heard.name, "%s", news->name);
	snprintf(heard.reason, sizeof heard.reason, "%s", news->reason);
	snprintf(heard.mechanism, sizeof heard.mechanism, "%s", news->mechanism);
	snprintf(heard.audience, sizeof heard.audience, "%s", news->audience);
	snprintf(heard.claim, sizeof heard.claim, "%s", news->claim);
	if (heard.tells_more)
		bt_transfer_tell(BT_TRANSFER_LOST, 0, krb5, NULL);
	errno = EIO;
}

/* ---- syslog, as the room calls it ---- */

static struct {
	unsigned num;
	int priority;
	char text[BT_TRANSFER_LINE_LEN + 64];
} logged;

__attribute__((format(printf, 2, 3), visibility("default"))) void
syslog(int priority, const char *format, ...)
{
	va_list args;

	logged.num++;
	logged.priority = priority;
	va_start(args, format);
	vsnprintf(logged.text, sizeof logged.text, format, args);
	va_end(args);
}

static int
reset(void **state)
{
	fake_claims_reset();
	test_mem_start(0);
	memset(&heard, 0, sizeof heard);
	memset(&logged, 0, sizeof logged);
	bt_transfer_listen(NULL);
	bt_transfer_log(false);
	test_ahead_s = 0;
	unlink(trace_path);
	return 0;
}

static struct bt_seal_header
header_of(uint8_t audience_bits)
{
	struct bt_seal_header header = {.uid = 33, .claim = {.place = BT_CLAIM_PLACE_SHM, .slot = 7, .generation = 9}};

	memcpy(header.claim.store_id, "\xde\xad\xbe\xef rest of it..", sizeof header.claim.store_id);
	header.audience.bits = audience_bits;
	header.audience.session.pid = 4711;
	header.audience.group.pid = 12;
	header.audience.process.pid = 99;
	return header;
}

static char *
trace_text(void)
{
	static char text[65536];
	int fd = open(trace_path, O_RDONLY);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

/* ---- the tests ---- */

static void
words(void **state)
{
	static const char *const names[] = {"exported", "not-exported", "imported", "refused",	  "expired",
					    "sent",	"not-sent",	"received", "taken-back", "lost"};
	struct bt_seal_header header = header_of(BT_AUDIENCE_SESSION | BT_AUDIENCE_CGROUP);

	bt_transfer_listen(hear);
	for (int i = 0; i < BT_TRANSFER_NUM_EVENTS; i++) {
		bt_transfer_tell((enum bt_transfer_event)(i + 1), 0, krb5, &header);
		assert_string_equal(heard.name, names[i]);
		assert_string_equal(heard.reason, "");
	}
	assert_int_equal(heard.num, BT_TRANSFER_NUM_EVENTS);
	assert_string_equal(heard.mechanism, "1.2.840.113554.1.2.2");
	assert_string_equal(heard.audience, "uid=33 session=4711 cgroup");
	assert_string_equal(heard.claim, "deadbeef-7-9");
	assert_int_equal(heard.last.pid, getpid());
	assert_int_equal(heard.last.uid, geteuid());
	assert_int_equal(heard.last.num, 1);
	header = header_of(BT_AUDIENCE_ALL);
	bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_USED, krb5, &header);
	assert_string_equal(heard.audience, "uid=33 process-group=12 session=4711 pid=99 cgroup");
	assert_string_equal(heard.reason, bt_err_text(BT_ERR_TOKEN_USED));
}

/* What is not known is empty; what cannot be, an object identifier that is none, too. */
static void
unknown(void **state)
{
	static const uint8_t broken[] = {0x80, 0x80};

	bt_transfer_listen(hear);
	bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_FORMAT, (struct bt_bytes){0}, NULL);
	assert_string_equal(heard.mechanism, "");
	assert_string_equal(heard.audience, "");
	assert_string_equal(heard.claim, "");
	bt_transfer_tell(BT_TRANSFER_REFUSED, 1234567, bt_bytes_of(broken, sizeof broken), NULL);
	assert_string_equal(heard.mechanism, "");
	assert_non_null(strstr(heard.reason, "1234567"));
	bt_transfer_tell(BT_TRANSFER_REFUSED, ENOSPC, krb5, NULL);
	assert_string_equal(heard.reason, strerrordesc_np(ENOSPC));
}

/* The longest of everything, and each character to be quoted: no text is cut in the midst of a line. */
static void
longest(void **state)
{
	struct bt_seal_header header = header_of(BT_AUDIENCE_ALL);
	uint8_t oid[BT_OID_MAX];
	char note[600], *line;

	memset(oid, 0xff, sizeof oid);
	for (size_t i = 0; i < sizeof oid; i++)
		oid[i] = i % 9 == 8 || i + 1 == sizeof oid ? 0x7f : 0xff;
	header.uid = header.claim.slot = header.claim.generation = UINT32_MAX;
	header.audience.session.pid = header.audience.group.pid = header.audience.process.pid = UINT32_MAX;
	memset(note, '"', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	bt_err_note(BT_ERR_TOKEN_STORE, "%s", note);
	bt_transfer_log(true);
	bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_STORE, bt_bytes_of(oid, sizeof oid), &header);
	line = trace_text();
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_int_equal(line[strlen(line) - 2], '"');
	assert_null(memchr(line, '\n', strlen(line) - 1));
	assert_non_null(strstr(logged.text, "reason=\"\\\"\\\""));
}

/* A file's name may hold anything; a line stays a line, and a quoted text ends where it ends. */
static void
no_forged_lines(void **state)
{
	char *text;

	bt_err_note(BT_ERR_STORE_MODE, "/tmp/a\n2026 forged \"b\" \\ \x1b[2J has mode 0777");
	bt_transfer_tell(BT_TRANSFER_NOT_EXPORTED, BT_ERR_STORE_MODE, krb5, NULL);
	text = trace_text();
	assert_non_null(strstr(text, "reason=\"/tmp/a?2026 forged \\\"b\\\" \\\\ ?[2J has mode 0777\"\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void
expired(void **state)
{
	bt_transfer_listen(hear);
	fake_claims.num_expired = 5;
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	assert_int_equal(heard.num, 2);
	assert_int_equal(heard.num_of[BT_TRANSFER_EXPIRED], 1);
	assert_int_equal(heard.num_of[BT_TRANSFER_EXPORTED], 1);
	assert_non_null(strstr(trace_text(), " expired uid="));
	assert_non_null(strstr(trace_text(), " num=5\n"));
}

/* What the listener does is not told to it again; errno is as it was. */
static void
from_within(void **state)
{
	heard.tells_more = true;
	bt_transfer_listen(hear);
	errno = EAGAIN;
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(heard.num, 1);
	assert_non_null(strstr(trace_text(), " lost uid="));
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(heard.num, 2);
}

static void
to_syslog(void **state)
{
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(logged.num, 0);
	bt_transfer_log(true);
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(logged.priority, LOG_AUTHPRIV | LOG_INFO);
	bt_transfer_tell(BT_TRANSFER_LOST, 0, krb5, NULL);
	assert_int_equal(logged.priority, LOG_AUTHPRIV | LOG_NOTICE);
	bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_USED, krb5, NULL);
	assert_int_equal(logged.priority, LOG_AUTHPRIV | LOG_WARNING);
	assert_memory_equal(logged.text, "baton: refused uid=", 19);
	bt_transfer_log(false);
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(logged.num, 3);
}

/* An export looks at the settings, and what they say holds from then on. */
static void
by_the_settings(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_BARE);
	struct bt_buf token;
	unsigned num;

	for (num = 0; num < 3; num++) {
		setenv("BATON_TRANSFER", num == 1 ? "syslog=yes" : "syslog=no", 1);
		test_ahead_s += 2;
		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
		bt_buf_free(&token);
		assert_int_equal(logged.num, num == 0 ? 0 : 1);
	}
	unsetenv("BATON_TRANSFER");
	bt_ctx_free(ctx);
}

/* ---- the file ---- */

static void
is_private(void **state)
{
	struct stat st;

	umask(0);
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	assert_int_equal(stat(trace_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* A file that was deleted is begun anew. */
static void
deleted(void **state)
{
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	unlink(trace_path);
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_null(strstr(trace_text(), " exported "));
	assert_non_null(strstr(trace_text(), " imported "));
}

/* A program that closes all descriptors, and has something else under the number: nothing is written there. */
static void
descriptors_closed(void **state)
{
	int ends[2];
	char byte;

	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	closefrom(3);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(dup2(ends[1], 5), 5);
	for (int fd = 3; fd < 12; fd++)
		if (fd != ends[0] && fd != ends[1])
			dup2(ends[1], fd);
	bt_transfer_tell(BT_TRANSFER_IMPORTED, 0, krb5, NULL);
	assert_int_equal(read(ends[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_non_null(strstr(trace_text(), " imported "));
	closefrom(3);
}

static void
never_standard_output(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(0);
		close(1);
		bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
		_exit(fcntl(0, F_GETFD) == -1 && fcntl(1, F_GETFD) == -1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_non_null(strstr(trace_text(), " exported "));
}

/* Neither a link that somebody put there is followed, nor a pipe waited for. */
static void
no_link_no_pipe(void **state)
{
	char target[80];

	snprintf(target, sizeof target, "%s.target", trace_path);
	assert_int_equal(symlink(target, trace_path), 0);
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	assert_int_equal(access(target, F_OK), -1);
	unlink(trace_path);
	assert_int_equal(mkfifo(trace_path, 0600), 0);
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
}

enum { NUM_THREADS = 4, NUM_EACH = 200, NUM_CHILDREN = 2 };

static void *
tell_many(void *arg)
{
	for (int i = 0; i < NUM_EACH; i++)
		bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	return NULL;
}

/* Threads, and children that were forked, write whole lines. */
static void
many_writers(void **state)
{
	pthread_t threads[NUM_THREADS];
	pid_t children[NUM_CHILDREN];
	unsigned num = 0;
	FILE *file;
	char line[512];
	int status;

	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	for (int i = 0; i < NUM_CHILDREN; i++)
		if ((children[i] = fork()) == 0) {
			tell_many(NULL);
			_exit(0);
		}
	for (int i = 0; i < NUM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, tell_many, NULL), 0);
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NUM_CHILDREN; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	file = fopen(trace_path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		assert_int_equal(line[4], '-');
		assert_non_null(strstr(line, " mechanism=1.2.840.113554.1.2.2\n"));
		num++;
	}
	fclose(file);
	assert_int_equal(num, 1 + (NUM_THREADS + NUM_CHILDREN) * NUM_EACH);
}

/* ---- listeners come and go ---- */

static _Atomic unsigned num_counted;

static void
count(const struct bt_transfer_news *news)
{
	assert_int_equal(news->event, BT_TRANSFER_EXPORTED);
	atomic_fetch_add(&num_counted, 1);
}

static void
threads_and_listener(void **state)
{
	pthread_t threads[NUM_THREADS];

	num_counted = 0;
	bt_transfer_listen(count);
	for (int i = 0; i < NUM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, tell_many, NULL), 0);
	for (int i = 0; i < 1000; i++)
		bt_transfer_log(i % 2 == 0);
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	bt_transfer_listen(NULL);
	assert_int_equal(num_counted, NUM_THREADS * NUM_EACH);
}

/* A tracer that comes to one of the probes counts up the first two bytes. */
static void
tracers_wake(void **state)
{
	uint32_t before = atomic_load(&bt_transfer_ears);
	uint16_t *tracers = (uint16_t *)(void *)&bt_transfer_ears;

	assert_int_equal(*tracers, 0);
	atomic_store(&bt_transfer_ears, 0);
	fake_claims.num_expired = 3;
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	assert_int_equal(fake_claims.num_expired, 3);
	++*tracers;
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, NULL);
	assert_int_equal(fake_claims.num_expired, 0);
	atomic_store(&bt_transfer_ears, before);
}

/* ---- real exports and imports: what is told, that it costs no memory, and that nothing secret is in it ---- */

static void
assert_no_secret(const void *where, size_t len)
{
	assert_false(test_has_secret(where, len));
}

static void
told_without_secrets(void **state)
{
	struct bt_ctx *ctx, *back;
	struct bt_buf token;
	char line[BT_TRANSFER_LINE_LEN];

	bt_transfer_listen(hear);
	bt_transfer_log(true);
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		memset(&heard, 0, sizeof heard);
		ctx = test_ctx_new((enum test_sample)sample);
		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
		assert_int_equal(heard.num_of[BT_TRANSFER_EXPORTED], 1);
		snprintf(line, sizeof line, "%s", heard.claim);
		assert_true(line[0] != '\0');
		token.ptr[token.len - 1] ^= 1;
		assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), BT_ERR_TOKEN_ALTERED);
		assert_int_equal(heard.num_of[BT_TRANSFER_REFUSED], 1);
		assert_int_equal(heard.last.err, BT_ERR_TOKEN_ALTERED);
		token.ptr[token.len - 1] ^= 1;
		assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), 0);
		assert_int_equal(heard.num_of[BT_TRANSFER_IMPORTED], 1);
		assert_string_equal(heard.claim, line);
		assert_no_secret(&heard, sizeof heard);
		assert_no_secret(logged.text, sizeof logged.text);
		bt_buf_free(&token);
		bt_ctx_free(back);
		fake_claims.reserve_error = BT_ERR_STORE_FULL;
		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), BT_ERR_STORE_FULL);
		fake_claims.reserve_error = 0;
		assert_int_equal(heard.num_of[BT_TRANSFER_NOT_EXPORTED], 1);
		assert_int_equal(heard.num, 4);
		bt_ctx_free(ctx);
	}
	assert_no_secret(trace_text(), strlen(trace_text()));
	/* The search finds what it is to find. */
	ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	assert_true(test_has_secret(ctx->initiator->text, strlen(ctx->initiator->text)));
	bt_ctx_free(ctx);
}

static void
takes_no_memory(void **state)
{
	struct bt_seal_header header = header_of(BT_AUDIENCE_ALL);

	bt_transfer_listen(hear);
	bt_transfer_log(true);
	bt_transfer_tell(BT_TRANSFER_EXPORTED, 0, krb5, &header);
	test_mem_start(1);
	bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_USED, krb5, &header);
	assert_int_equal(test_mem.num_allocs, 0);
	assert_int_equal(heard.num, 2);
	test_mem_start(0);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, reset)
	const struct CMUnitTest tests[] = {
	    TEST(words),	TEST(unknown),	    TEST(longest),	      TEST(no_forged_lines),
	    TEST(expired),	TEST(from_within),  TEST(to_syslog),	      TEST(by_the_settings),	      TEST(is_private),
	    TEST(deleted),	TEST(no_link_no_pipe), TEST(never_standard_output), TEST(many_writers),
	    TEST(threads_and_listener), TEST(tracers_wake), TEST(told_without_secrets), TEST(takes_no_memory),
	    TEST(descriptors_closed),
	};
	char dir[] = "/tmp/baton-event.XXXXXX";
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(trace_path, sizeof trace_path, "%s/trace", dir);
	setenv("BATON_TRACE", trace_path, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(trace_path);
	rmdir(dir);
	return failed;
}
