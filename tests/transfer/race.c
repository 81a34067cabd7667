/*
 * Many want one token: exactly one gets it. And many tokens in flight at once: none is lost, none is taken twice.
 */
#include "support/hand.h"
#include "support/self.h"

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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	NUM_PROCESSES = 64, NUM_THREADS = 8, NUM_ROUNDS = 30, NUM_THREAD_ROUNDS = 300, TOKEN_MAX = 8192, NUM_IMPORTERS = 4,
	NUM_DUELS = 20000, DUEL_SECONDS = 5, REPLY_MAX = 256
};

/* A sanitizer makes each of them many times as expensive. */
#ifdef __SANITIZE_ADDRESS__
enum { NUM_IN_FLIGHT = 1000 };
#else
enum { NUM_IN_FLIGHT = 10000 };
#endif

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

/* What the racers share. */
struct track {
	pthread_barrier_t start, end;
	uint8_t token[TOKEN_MAX], reply[REPLY_MAX];
	size_t token_len, reply_len;
	uint32_t won, lost, odd;
	bool is_over;
};

/* Import; who wins says so by a message to the far end. */
static void
run_once(struct track *t)
{
	gss_buffer_desc token = { t->token_len, t->token }, text = { 3, (void *)"won" }, reply = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 minor, major = gss_import_sec_context(&minor, &token, &ctx);

	if (major == GSS_S_COMPLETE) {
		__atomic_add_fetch(&t->won, 1, __ATOMIC_SEQ_CST);
		if (gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &text, NULL, &reply) == GSS_S_COMPLETE && reply.length <= REPLY_MAX) {
			memcpy(t->reply, reply.value, reply.length);
			t->reply_len = reply.length;
		}
		gss_release_buffer(&minor, &reply);
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	} else if (major == GSS_S_NO_CONTEXT && minor == MINOR_TOKEN_USED) {
		__atomic_add_fetch(&t->lost, 1, __ATOMIC_SEQ_CST);
	} else {
		self_complain("import", major, minor);
		__atomic_add_fetch(&t->odd, 1, __ATOMIC_SEQ_CST);
	}
}

static void
run(struct track *t)
{
	for (;;) {
		pthread_barrier_wait(&t->start);
		if (t->is_over)
			return;
		run_once(t);
		pthread_barrier_wait(&t->end);
	}
}

static void *
run_thread(void *t)
{
	run(t);
	return NULL;
}

static struct track *
make_track(unsigned num_racers)
{
	struct track *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	assert_true(t != MAP_FAILED);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&t->start, &attr, num_racers + 1);
	pthread_barrier_init(&t->end, &attr, num_racers + 1);
	return t;
}

static void
put_token(gss_ctx_id_t *ctx, uint8_t *token, size_t *len)
{
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_export_sec_context(&minor, ctx, &out);

	if (major != GSS_S_COMPLETE) {
		self_complain("export", major, minor);
		fail();
	}
	assert_true(out.length <= TOKEN_MAX);
	memcpy(token, out.value, out.length);
	*len = out.length;
	gss_release_buffer(&minor, &out);
}

static void
hold_races(struct track *t, unsigned num_racers, unsigned num_rounds)
{
	gss_ctx_id_t initiator, acceptor;
	OM_uint32 minor;

	for (unsigned round = 0; round < num_rounds; round++) {
		gss_buffer_desc reply, text = GSS_C_EMPTY_BUFFER;

		assert_true(self_establish("host", usual, &initiator, &acceptor));
		put_token(round % 2 ? &acceptor : &initiator, t->token, &t->token_len);
		t->won = t->lost = t->odd = 0;
		t->reply_len = 0;
		pthread_barrier_wait(&t->start);
		pthread_barrier_wait(&t->end);
		assert_int_equal(t->won, 1);
		assert_int_equal(t->odd, 0);
		assert_int_equal(t->lost, num_racers - 1);
		reply = (gss_buffer_desc){ t->reply_len, t->reply };
		assert_int_equal(gss_unwrap(&minor, round % 2 ? initiator : acceptor, &reply, &text, NULL, NULL), GSS_S_COMPLETE);
		assert_true(text.length == 3 && memcmp(text.value, "won", 3) == 0);
		gss_release_buffer(&minor, &text);
		gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
	}
	t->is_over = true;
	pthread_barrier_wait(&t->start);
}

static void
sixty_four_processes(void **state)
{
	struct track *t = make_track(NUM_PROCESSES);
	pid_t pids[NUM_PROCESSES];
	int status;

	(void)state;
	for (int n = 0; n < NUM_PROCESSES; n++)
		if ((pids[n] = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			run(t);
			_exit(0);
		}
	hold_races(t, NUM_PROCESSES, NUM_ROUNDS);
	for (int n = 0; n < NUM_PROCESSES; n++) {
		assert_int_equal(waitpid(pids[n], &status, 0), pids[n]);
		assert_int_equal(status, 0);
	}
	munmap(t, sizeof(*t));
}

static void
eight_threads(void **state)
{
	struct track *t = make_track(NUM_THREADS);
	pthread_t threads[NUM_THREADS];

	(void)state;
	for (int n = 0; n < NUM_THREADS; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, run_thread, t), 0);
	hold_races(t, NUM_THREADS, NUM_THREAD_ROUNDS);
	for (int n = 0; n < NUM_THREADS; n++)
		pthread_join(threads[n], NULL);
	munmap(t, sizeof(*t));
}

/*
 * Two who start within a microsecond of each other, thousands of times: the crowd above is hardly ever so close on a machine with few
 * processors. They spin rather than sleep, and whoever wins exports the context again for the next round.
 */
struct duel {
	atomic_uint round, num_done;
	atomic_uint won, lost, odd;
	uint8_t token[TOKEN_MAX];
	size_t token_len;
	bool is_over;
};

/* The two on processors of their own, if there are two: on one they would only take turns. */
static void
stay_on(int nth)
{
	cpu_set_t allowed, one;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2)
		return;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
			CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void
await(atomic_uint *value, unsigned least)
{
	for (unsigned n = 1; atomic_load(value) < least; n++)
		if (n % 4096 == 0)
			sched_yield();
}

static void
fight(struct duel *d, unsigned *seed)
{
	gss_buffer_desc token = { d->token_len, d->token };
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 minor, major;
	uint8_t next[TOKEN_MAX];
	size_t len = 0;

	for (volatile int pause = rand_r(seed) % 200; pause > 0; pause--)
		continue;
	major = gss_import_sec_context(&minor, &token, &ctx);
	if (major == GSS_S_COMPLETE) {
		atomic_fetch_add(&d->won, 1);
		put_token(&ctx, next, &len);
	} else if (major == GSS_S_NO_CONTEXT && minor == MINOR_TOKEN_USED) {
		atomic_fetch_add(&d->lost, 1);
	} else {
		self_complain("import", major, minor);
		atomic_fetch_add(&d->odd, 1);
	}
	/* The other may still read the token of this round: it is replaced by the last to be done. */
	atomic_fetch_add(&d->num_done, 1);
	if (len != 0) {
		await(&d->num_done, 2);
		memcpy(d->token, next, len);
		d->token_len = len;
		atomic_fetch_add(&d->num_done, 1);
	}
}

static void
be_the_other(struct duel *d)
{
	unsigned seed = 1;

	stay_on(1);
	for (unsigned round = 1;; round++) {
		await(&d->round, round);
		if (d->is_over)
			return;
		fight(d, &seed);
	}
}

static void *
be_the_other_thread(void *d)
{
	be_the_other(d);
	return NULL;
}

static void
hold_duels(struct duel *d)
{
	gss_ctx_id_t initiator, acceptor;
	gss_buffer_desc token;
	unsigned seed = 2, round;
	time_t start = time(NULL);
	cpu_set_t before;
	OM_uint32 minor;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_true(self_establish("plain", usual, &initiator, &acceptor));
	put_token(&acceptor, d->token, &d->token_len);
	stay_on(0);
	/* On a busy machine each waits long for the other. */
	for (round = 1; round <= NUM_DUELS && time(NULL) - start <= DUEL_SECONDS; round++) {
		atomic_store(&d->won, 0);
		atomic_store(&d->lost, 0);
		atomic_store(&d->num_done, 0);
		atomic_store(&d->round, round);
		fight(d, &seed);
		await(&d->num_done, 2);
		if (atomic_load(&d->won) != 1 || atomic_load(&d->lost) != 1)
			fail_msg("duel %u: %u won, %u lost, %u got another answer", round, atomic_load(&d->won), atomic_load(&d->lost),
				 atomic_load(&d->odd));
		await(&d->num_done, 3);
	}
	d->is_over = true;
	atomic_store(&d->round, round);
	(void)sched_setaffinity(0, sizeof(before), &before);
	token = (gss_buffer_desc){ d->token_len, d->token };
	assert_int_equal(gss_import_sec_context(&minor, &token, &acceptor), GSS_S_COMPLETE);
	assert_true(self_send(acceptor, initiator, "after all these duels"));
	gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
}

static struct duel *
make_duel(void)
{
	struct duel *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(d != MAP_FAILED);
	return d;
}

static void
two_processes_at_once(void **state)
{
	struct duel *d = make_duel();
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_the_other(d);
		_exit(0);
	}
	hold_duels(d);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	munmap(d, sizeof(*d));
}

static void
two_threads_at_once(void **state)
{
	struct duel *d = make_duel();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, be_the_other_thread, d), 0);
	hold_duels(d);
	pthread_join(thread, NULL);
	munmap(d, sizeof(*d));
}

/* Tokens in flight: all are exported before the first is imported, and each is offered to two of the importers. */
struct flight {
	uint32_t token_len, reply_len;
	uint32_t won, lost, odd;
	uint8_t token[1024], reply[REPLY_MAX];
};

static void
import_all(struct flight *flights, unsigned which)
{
	for (unsigned n = 0; n < NUM_IN_FLIGHT; n++) {
		/* Its own and its neighbour's, the neighbours from different ends, so that they meet. */
		unsigned at = which % 2 ? NUM_IN_FLIGHT - 1 - n : n;
		struct flight *f = &flights[at];
		gss_buffer_desc token = { f->token_len, f->token }, text = { sizeof(at), &at }, reply = GSS_C_EMPTY_BUFFER;
		gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
		OM_uint32 major, minor;

		if (at % NUM_IMPORTERS != which && (at + 1) % NUM_IMPORTERS != which)
			continue;
		major = gss_import_sec_context(&minor, &token, &ctx);
		if (major == GSS_S_COMPLETE) {
			__atomic_add_fetch(&f->won, 1, __ATOMIC_SEQ_CST);
			if (gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &text, NULL, &reply) == GSS_S_COMPLETE &&
			    reply.length <= REPLY_MAX) {
				memcpy(f->reply, reply.value, reply.length);
				f->reply_len = (uint32_t)reply.length;
			}
			gss_release_buffer(&minor, &reply);
			gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		} else if (major == GSS_S_NO_CONTEXT && minor == MINOR_TOKEN_USED) {
			__atomic_add_fetch(&f->lost, 1, __ATOMIC_SEQ_CST);
		} else {
			__atomic_add_fetch(&f->odd, 1, __ATOMIC_SEQ_CST);
			self_complain("import", major, minor);
		}
	}
}

static void
ten_thousand_in_flight(void **state)
{
	struct flight *flights = mmap(NULL, NUM_IN_FLIGHT * sizeof(*flights), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	gss_ctx_id_t *initiators = calloc(NUM_IN_FLIGHT, sizeof(*initiators)), acceptor;
	pid_t pids[NUM_IMPORTERS];
	OM_uint32 minor;
	int status;

	(void)state;
	assert_true(flights != MAP_FAILED);
	for (unsigned n = 0; n < NUM_IN_FLIGHT; n++) {
		uint8_t token[TOKEN_MAX];
		size_t len;

		/* One-leg contexts whose tickets hold no authorisation data are the quickest to make. */
		assert_true(self_establish("plain", GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG, &initiators[n], &acceptor));
		put_token(&acceptor, token, &len);
		assert_true(len <= sizeof(flights[n].token));
		memcpy(flights[n].token, token, len);
		flights[n].token_len = (uint32_t)len;
	}
	for (unsigned which = 0; which < NUM_IMPORTERS; which++)
		if ((pids[which] = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			import_all(flights, which);
			_exit(0);
		}
	for (unsigned which = 0; which < NUM_IMPORTERS; which++) {
		assert_int_equal(waitpid(pids[which], &status, 0), pids[which]);
		assert_int_equal(status, 0);
	}
	for (unsigned n = 0; n < NUM_IN_FLIGHT; n++) {
		gss_buffer_desc reply = { flights[n].reply_len, flights[n].reply }, text = GSS_C_EMPTY_BUFFER;

		if (flights[n].won != 1 || flights[n].lost != 1 || flights[n].odd != 0)
			fail_msg("token %u: imported %u times, refused %u times, and %u times otherwise", n, flights[n].won, flights[n].lost,
				 flights[n].odd);
		assert_int_equal(gss_unwrap(&minor, initiators[n], &reply, &text, NULL, NULL), GSS_S_COMPLETE);
		assert_true(text.length == sizeof(n) && memcmp(text.value, &n, sizeof(n)) == 0);
		gss_release_buffer(&minor, &text);
		gss_delete_sec_context(&minor, &initiators[n], GSS_C_NO_BUFFER);
	}
	free(initiators);
	munmap(flights, NUM_IN_FLIGHT * sizeof(*flights));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixty_four_processes),
		cmocka_unit_test(eight_threads),
		cmocka_unit_test(two_processes_at_once),
		cmocka_unit_test(two_threads_at_once),
		cmocka_unit_test(ten_thousand_in_flight),
	};

	return cmocka_run_group_tests_name("race", tests, claims_begin, claims_end);
}
