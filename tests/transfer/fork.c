/*
 * Contexts whose process forks: one of the copies goes on, with the peer none the wiser, and the others say so.
 */
#include "support/hand.h"
#include "support/self.h"

#include <baton/baton.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MINOR_FORKED = 1927964672 + 58, NUM_RACERS = 4, NUM_RACES = 400, NUM_MANY = 2000, NUM_FORKS = 100, TOKEN_MAX = 65536 };

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

/* Both ends; the peer's is always used by this process alone. */
static gss_ctx_id_t peer, ctx;

/* ---- processes: a child does one thing, and messages go over a socket ---- */

static int link_fd;

static pid_t
start(int (*fn)(void))
{
	int fds[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	link_fd = fds[pid == 0];
	close(fds[pid != 0]);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(120);
		_exit(fn());
	}
	return pid;
}

/* 0 if the child did what it should. */
static int
finish(pid_t pid)
{
	int status;

	close(link_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool
is_lost(gss_ctx_id_t it)
{
	gss_buffer_desc text = { 4, (void *)"text" }, out;
	OM_uint32 minor, ignored, major = gss_wrap(&minor, it, 1, GSS_C_QOP_DEFAULT, &text, NULL, &out);

	gss_release_buffer(&ignored, &out);
	return major == GSS_S_NO_CONTEXT && minor == MINOR_FORKED;
}

static bool
put(gss_ctx_id_t from, const char *text)
{
	gss_buffer_desc in = { strlen(text), (void *)text }, out;
	OM_uint32 minor, major = gss_wrap(&minor, from, 1, GSS_C_QOP_DEFAULT, &in, NULL, &out);
	bool ok = major == GSS_S_COMPLETE && send(link_fd, out.value, out.length, 0) == (ssize_t)out.length;

	if (major != GSS_S_COMPLETE)
		self_complain("wrap", major, minor);
	gss_release_buffer(&minor, &out);
	return ok;
}

/* True if the next message is this one, and arrives with this status. */
static bool
get(gss_ctx_id_t to, const char *text, OM_uint32 expected)
{
	static char bytes[TOKEN_MAX];
	ssize_t len = recv(link_fd, bytes, sizeof(bytes), 0);
	gss_buffer_desc in = { len > 0 ? (size_t)len : 0, bytes }, out;
	OM_uint32 minor, major = gss_unwrap(&minor, to, &in, &out, NULL, NULL);
	bool ok = major == expected && out.length == strlen(text) && memcmp(out.value, text, out.length) == 0;

	if (major != expected)
		self_complain("unwrap", major, minor);
	gss_release_buffer(&minor, &out);
	return ok;
}

static void
establish(const char *service)
{
	assert_true(self_establish(service, usual, &peer, &ctx));
}

static void
delete_both(void)
{
	OM_uint32 minor;

	assert_int_equal(gss_delete_sec_context(&minor, &peer, GSS_C_NO_BUFFER), GSS_S_COMPLETE);
	assert_int_equal(gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER), GSS_S_COMPLETE);
}

/* A whole conversation. */
static int
serve(void)
{
	OM_uint32 minor;

	if (!get(ctx, "a question", GSS_S_COMPLETE) || !put(ctx, "an answer") || !get(ctx, "another question", GSS_S_COMPLETE) ||
	    !put(ctx, "another answer"))
		return 1;
	return gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER) == GSS_S_COMPLETE ? 0 : 1;
}

static void
converse(void)
{
	assert_true(put(peer, "a question"));
	assert_true(get(peer, "an answer", GSS_S_COMPLETE));
	assert_true(put(peer, "another question"));
	assert_true(get(peer, "another answer", GSS_S_COMPLETE));
}

/* As programs have always done it: the parent accepts, a child serves, the parent deletes, before that or in the midst of it. */
static void
accept_fork_serve(void **state)
{
	OM_uint32 minor;

	(void)state;
	for (int i = 0; i < 30; i++) {
		pid_t pid;

		establish("host");
		pid = start(serve);
		if (i % 2 == 0) {
			assert_int_equal(gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER), GSS_S_COMPLETE);
			converse();
		} else {
			converse();
			assert_true(is_lost(ctx));
			gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		}
		assert_int_equal(finish(pid), 0);
		gss_delete_sec_context(&minor, &peer, GSS_C_NO_BUFFER);
	}
}

static int
find_it_lost(void)
{
	char go;

	return recv(link_fd, &go, 1, 0) == 1 && is_lost(ctx) ? 0 : 1;
}

static void
parent_goes_on(void **state)
{
	pid_t pid;

	(void)state;
	establish("host");
	for (int i = 0; i < 10; i++) {
		pid = start(find_it_lost);
		assert_true(self_send(ctx, peer, "to the peer"));
		assert_true(self_send(peer, ctx, "and back"));
		assert_int_equal(send(link_fd, "", 1, 0), 1);
		assert_int_equal(finish(pid), 0);
	}
	delete_both();
}

/* What came before the fork has come there, and numbers go on from where they were. */
static int
go_on(void)
{
	return get(ctx, "first", GSS_S_DUPLICATE_TOKEN) && get(ctx, "second", GSS_S_COMPLETE) && put(ctx, "next") &&
			       get(ctx, "first", GSS_S_DUPLICATE_TOKEN) && put(ctx, "and next") ?
		       0 :
		       1;
}

static void
numbers_go_on(void **state)
{
	gss_buffer_desc text = { 5, (void *)"first" }, first, out;
	OM_uint32 minor;
	pid_t pid;

	(void)state;
	assert_true(self_establish("host", usual & ~(OM_uint32)GSS_C_SEQUENCE_FLAG, &peer, &ctx));
	assert_int_equal(gss_wrap(&minor, peer, 1, GSS_C_QOP_DEFAULT, &text, NULL, &first), GSS_S_COMPLETE);
	assert_int_equal(gss_unwrap(&minor, ctx, &first, &out, NULL, NULL), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &out);
	assert_true(self_send(ctx, peer, "before"));
	pid = start(go_on);
	assert_true(send(link_fd, first.value, first.length, 0) == (ssize_t)first.length);
	assert_true(put(peer, "second"));
	assert_true(get(peer, "next", GSS_S_COMPLETE));
	assert_true(send(link_fd, first.value, first.length, 0) == (ssize_t)first.length);
	assert_true(get(peer, "and next", GSS_S_COMPLETE));
	assert_int_equal(finish(pid), 0);
	gss_release_buffer(&minor, &first);
	delete_both();
}

/* ---- handed on, before and after ---- */

static void
export_and_import(void)
{
	gss_buffer_desc token;
	OM_uint32 minor;

	assert_int_equal(gss_export_sec_context(&minor, &ctx, &token), GSS_S_COMPLETE);
	assert_int_equal(gss_import_sec_context(&minor, &token, &ctx), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
}

static void
after_an_import(void **state)
{
	pid_t pid;

	(void)state;
	establish("host");
	export_and_import();
	pid = start(serve);
	converse();
	assert_true(is_lost(ctx));
	assert_int_equal(finish(pid), 0);
	delete_both();
}

static int
send_it_back(void)
{
	gss_buffer_desc token;
	OM_uint32 minor;

	if (gss_export_sec_context(&minor, &ctx, &token) != GSS_S_COMPLETE)
		return 1;
	return send(link_fd, token.value, token.length, 0) == (ssize_t)token.length ? 0 : 1;
}

/* The child has it and hands it back: so the parent has it again, in another handle. */
static void
exported_by_the_child(void **state)
{
	static char bytes[TOKEN_MAX];
	gss_buffer_desc token = { 0, bytes }, none;
	gss_ctx_id_t back;
	OM_uint32 minor;
	ssize_t len;
	pid_t pid;

	(void)state;
	establish("host");
	pid = start(send_it_back);
	assert_true((len = recv(link_fd, bytes, sizeof(bytes), 0)) > 0);
	assert_int_equal(finish(pid), 0);
	assert_int_equal(gss_export_sec_context(&minor, &ctx, &none), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, MINOR_FORKED);
	assert_int_equal(none.length, 0);
	token.length = (size_t)len;
	assert_int_equal(gss_import_sec_context(&minor, &token, &back), GSS_S_COMPLETE);
	assert_true(self_send(back, peer, "here again"));
	assert_true(self_send(peer, back, "so you are"));
	gss_delete_sec_context(&minor, &back, GSS_C_NO_BUFFER);
	delete_both();
}

/* ---- half-open ---- */

static gss_buffer_desc reply;
static gss_name_t target;

static OM_uint32
end_init(OM_uint32 *minor)
{
	gss_buffer_desc none = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, major = gss_init_sec_context(minor, GSS_C_NO_CREDENTIAL, &ctx, target, GSS_C_NO_OID, usual, 0,
							GSS_C_NO_CHANNEL_BINDINGS, &reply, NULL, &none, NULL, NULL);

	gss_release_buffer(&ignored, &none);
	return major;
}

static int
end_and_serve(void)
{
	OM_uint32 minor;

	return end_init(&minor) == GSS_S_COMPLETE ? serve() : 1;
}

static void
half_open(void **state)
{
	gss_buffer_desc name = { 22, (void *)"host@server.baton.test" }, first = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	pid_t pid;

	(void)state;
	peer = ctx = GSS_C_NO_CONTEXT;
	assert_int_equal(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &ctx, target, GSS_C_NO_OID, usual, 0,
					      GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &first, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&minor, &peer, GSS_C_NO_CREDENTIAL, &first, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &reply,
						NULL, NULL, NULL),
			 GSS_S_COMPLETE);
	pid = start(end_and_serve);
	converse();
	assert_int_equal(end_init(&minor), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, MINOR_FORKED);
	assert_int_equal(finish(pid), 0);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &reply);
	gss_release_name(&minor, &target);
	delete_both();
}

/* ---- races ---- */

struct race {
	atomic_int num_there, won[NUM_RACES], odd;
	size_t len[NUM_RACES];
	char message[NUM_RACES][256];
};

static gss_ctx_id_t peers[NUM_MANY], many[NUM_MANY];
static struct race *race;

static int
run(void)
{
	for (int i = 0; i < NUM_RACES; i++) {
		gss_buffer_desc text = { sizeof(i), &i }, out;
		OM_uint32 minor, major;

		atomic_fetch_add(&race->num_there, 1);
		for (int n = 0; n < 10000 && atomic_load(&race->num_there) < (i + 1) * NUM_RACERS; n++)
			sched_yield();
		major = gss_wrap(&minor, many[i], 1, GSS_C_QOP_DEFAULT, &text, NULL, &out);
		if (major == GSS_S_COMPLETE && out.length <= sizeof(race->message[i])) {
			atomic_fetch_add(&race->won[i], 1);
			race->len[i] = out.length;
			memcpy(race->message[i], out.value, out.length);
		} else if (major != GSS_S_NO_CONTEXT || minor != MINOR_FORKED) {
			atomic_fetch_add(&race->odd, 1);
		}
		gss_release_buffer(&minor, &out);
	}
	return 0;
}

static void
one_of_four(void **state)
{
	pid_t pids[NUM_RACERS - 1];
	int fds[NUM_RACERS - 1];
	OM_uint32 minor;

	(void)state;
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(race != MAP_FAILED);
	for (int i = 0; i < NUM_RACES; i++)
		assert_true(self_establish("plain", usual, &peers[i], &many[i]));
	for (int i = 0; i < NUM_RACERS - 1; i++) {
		pids[i] = start(run);
		fds[i] = link_fd;
	}
	run();
	for (int i = 0; i < NUM_RACERS - 1; i++) {
		link_fd = fds[i];
		assert_int_equal(finish(pids[i]), 0);
	}
	assert_int_equal(race->odd, 0);
	for (int i = 0; i < NUM_RACES; i++) {
		gss_buffer_desc message = { race->len[i], race->message[i] }, out;

		if (race->won[i] != 1)
			fail_msg("context %d is with %d of %d processes", i, race->won[i], NUM_RACERS);
		assert_int_equal(gss_unwrap(&minor, peers[i], &message, &out, NULL, NULL), GSS_S_COMPLETE);
		assert_true(out.length == sizeof(i) && memcmp(out.value, &i, sizeof(i)) == 0);
		gss_release_buffer(&minor, &out);
		gss_delete_sec_context(&minor, &peers[i], GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &many[i], GSS_C_NO_BUFFER);
	}
	munmap(race, sizeof(*race));
}

/* ---- threads ---- */

static atomic_bool is_over;

static void *
chat(void *arg)
{
	gss_ctx_id_t a, b;
	OM_uint32 minor;
	bool ok = self_establish("plain", usual, &a, &b);

	(void)arg;
	while (ok && !atomic_load(&is_over))
		ok = self_send(a, b, "there") && self_send(b, a, "and back");
	gss_delete_sec_context(&minor, &a, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &b, GSS_C_NO_BUFFER);
	return ok ? NULL : (void *)1;
}

/* The sanitizer's allocator has locks that stay locked in the child of a threaded process. */
#ifdef __SANITIZE_ADDRESS__
enum { NUM_CHATS = 0 };
#else
enum { NUM_CHATS = 50 };
#endif

/* Threads whose contexts no child uses do not notice that there are forks. */
static void
beside_threads(void **state)
{
	pthread_t threads[3];
	OM_uint32 minor;
	void *result;

	(void)state;
	atomic_store(&is_over, false);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chat, NULL), 0);
	for (int i = 0; i < NUM_CHATS; i++) {
		pid_t pid;

		establish("plain");
		pid = start(serve);
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		converse();
		assert_int_equal(finish(pid), 0);
		gss_delete_sec_context(&minor, &peer, GSS_C_NO_BUFFER);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

static int num_ok, num_refused;
static pthread_barrier_t at_once;

static void *
use_all(void *arg)
{
	gss_buffer_desc text = { 4, (void *)"text" }, out;
	OM_uint32 minor;

	(void)arg;
	pthread_barrier_wait(&at_once);
	for (int i = 0; i < 200; i++) {
		if (gss_wrap(&minor, many[i], 1, GSS_C_QOP_DEFAULT, &text, NULL, &out) == GSS_S_COMPLETE)
			__atomic_add_fetch(&num_ok, 1, __ATOMIC_SEQ_CST);
		else
			__atomic_add_fetch(&num_refused, 1, __ATOMIC_SEQ_CST);
		gss_release_buffer(&minor, &out);
	}
	return NULL;
}

static int
use_by_threads(void)
{
	pthread_t threads[4];

	pthread_barrier_init(&at_once, NULL, 4);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, use_all, NULL) != 0)
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return num_ok == 4 * 200 && num_refused == 0 ? 0 : 1;
}

static void
first_by_threads(void **state)
{
	OM_uint32 minor;

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_true(self_establish("plain", usual, &peers[i], &many[i]));
	assert_int_equal(finish(start(use_by_threads)), 0);
	for (int i = 0; i < 200; i++) {
		assert_true(is_lost(many[i]));
		gss_delete_sec_context(&minor, &peers[i], GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &many[i], GSS_C_NO_BUFFER);
	}
}

/* ---- many ---- */

static int nth_fork;

static int
use_some(void)
{
	for (int i = nth_fork; i < NUM_MANY; i += NUM_FORKS)
		if (is_lost(many[i]))
			return 1;
	return 0;
}

static int
count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int c, num = 0;

	assert_non_null(maps);
	while ((c = getc(maps)) != EOF)
		num += c == '\n';
	fclose(maps);
	return num;
}

static void
many_contexts_many_forks(void **state)
{
	OM_uint32 minor;
	int before, after;

	(void)state;
	for (int i = 0; i < NUM_MANY; i++)
		assert_true(self_establish("plain", GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG, &peers[i], &many[i]));
	before = count_mappings();
	for (nth_fork = 0; nth_fork < NUM_FORKS; nth_fork++)
		assert_int_equal(finish(start(use_some)), 0);
	for (int i = 0; i < NUM_MANY; i++)
		assert_true(is_lost(many[i]));
	after = count_mappings();
	if (after > before + 4)
		fail_msg("%d mappings became %d", before, after);
	for (int i = 0; i < NUM_MANY; i++) {
		gss_delete_sec_context(&minor, &peers[i], GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &many[i], GSS_C_NO_BUFFER);
	}
	if (count_mappings() > before)
		fail_msg("%d mappings for %d contexts, and %d for none", before, NUM_MANY, count_mappings());
}

/* ---- forked while it is handed on ---- */

static int
find_it_lost_at_once(void)
{
	baton_audit(NULL, NULL);
	return is_lost(ctx) ? 0 : 1;
}

static int
use_and_end(void)
{
	gss_buffer_desc text = { 4, (void *)"text" }, out;
	OM_uint32 minor;

	return gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &text, NULL, &out) == GSS_S_COMPLETE ? 0 : 1;
}

static bool was_lost;

/* Called when the token is whole, and its context still there. */
static void
fork_now(const struct baton_event *event, void *arg)
{
	if (event->kind == *(const int *)arg)
		was_lost = finish(start(find_it_lost_at_once)) == 0;
}

static void
forked_while_exported(void **state)
{
	int kind = BATON_EVENT_EXPORTED;

	(void)state;
	establish("host");
	was_lost = false;
	baton_audit(fork_now, &kind);
	export_and_import();
	baton_audit(NULL, NULL);
	assert_true(was_lost);
	assert_true(self_send(ctx, peer, "to the peer"));
	delete_both();
}

static void
forked_while_sent(void **state)
{
	int kind = BATON_EVENT_SENT, pair[2];
	baton_handover_t handover;
	OM_uint32 minor;

	(void)state;
	establish("host");
	was_lost = false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	baton_audit(fork_now, &kind);
	assert_int_equal(baton_send_sec_context(&minor, pair[0], &ctx, NULL, NULL, &handover), GSS_S_COMPLETE);
	baton_audit(NULL, NULL);
	assert_true(was_lost);
	assert_int_equal(baton_take_back_sec_context(&minor, &handover, &ctx), GSS_S_COMPLETE);
	assert_true(self_send(ctx, peer, "still here"));
	/* What could not be sent at all can be used. */
	close(pair[1]);
	assert_int_not_equal(baton_send_sec_context(&minor, pair[0], &ctx, NULL, NULL, NULL), GSS_S_COMPLETE);
	assert_true(self_send(ctx, peer, "and still"));
	assert_int_equal(finish(start(use_and_end)), 0);
	assert_true(is_lost(ctx));
	close(pair[0]);
	delete_both();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_fork_serve),
		cmocka_unit_test(parent_goes_on),
		cmocka_unit_test(numbers_go_on),
		cmocka_unit_test(after_an_import),
		cmocka_unit_test(exported_by_the_child),
		cmocka_unit_test(forked_while_exported),
		cmocka_unit_test(forked_while_sent),
		cmocka_unit_test(half_open),
		cmocka_unit_test(one_of_four),
		cmocka_unit_test(beside_threads),
		cmocka_unit_test(first_by_threads),
		cmocka_unit_test(many_contexts_many_forks),
	};

	return _cmocka_run_group_tests("fork", tests, sizeof(tests) / sizeof(*tests), claims_begin, claims_end);
}
