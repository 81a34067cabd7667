/*
 * One context, eight threads: every number is used once, every token is good, and a key is derived by whoever comes first.
 */
#include <pthread.h>

#include "failing_mem.h"
#include "message/context.h"
#include "support.h"

enum { NUM_THREADS = 8, PER_THREAD = 400, IN_ALL = NUM_THREADS * PER_THREAD };

struct job {
	struct bt_msg *from, *to;
	pthread_barrier_t *start;
	size_t me;
	uint64_t sent[PER_THREAD];
	int failed;
};

/* Sends in all three ways, has the peer read it, and notes the number that was used. */
static void *
work(void *arg)
{
	struct job *job = arg;
	uint8_t text[100], scattered[100];

	memset(text, (int)job->me, sizeof text);
	pthread_barrier_wait(job->start);
	for (size_t i = 0; i < PER_THREAD; i++) {
		struct bt_bytes view = bt_bytes_of(text, i % sizeof text);
		struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .allocate = true},
					   {.type = BT_MSG_IOV_DATA, .ptr = scattered, .len = view.len}};
		struct bt_buf token, out = {0};
		enum bt_msg_order order;
		bool conf;

		switch (i % 4) {
		case 0:
		case 1:
			job->failed |= bt_msg_wrap(job->from, i % 4 == 0, view, &token);
			job->failed |= bt_msg_unwrap(job->to, bt_bytes_of_buf(&token), &out, &conf, &order);
			job->failed |= !bt_bytes_equal(bt_bytes_of_buf(&out), view);
			bt_buf_free(&out);
			break;
		case 2:
			job->failed |= bt_msg_get_mic(job->from, view, &token);
			job->failed |= bt_msg_verify_mic(job->to, view, bt_bytes_of_buf(&token), &order);
			break;
		default:
			memcpy(scattered, text, view.len);
			job->failed |= bt_msg_wrap_iov(job->from, true, iov, 2);
			token = (struct bt_buf){iov[0].ptr, iov[0].len};
			job->failed |= bt_msg_unwrap_iov(job->to, iov, 2, &conf, &order);
			job->failed |= !bt_bytes_equal(bt_bytes_of(scattered, view.len), view);
			break;
		}
		job->sent[i] = bt_load_be64(token.ptr + 8);
		job->failed |= order == BT_MSG_DUPLICATE;
		bt_buf_free(&token);
	}
	return NULL;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
shares_a_context(void **unused)
{
	static struct job jobs[NUM_THREADS];
	static uint64_t sent[IN_ALL];

	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i], .first = 1000});
		pthread_barrier_t start;
		pthread_t threads[NUM_THREADS];
		struct bt_msg_state state;

		pthread_barrier_init(&start, NULL, NUM_THREADS);
		for (size_t j = 0; j < NUM_THREADS; j++) {
			jobs[j] = (struct job){.from = pair.initiator, .to = pair.acceptor, .start = &start, .me = j};
			assert_ok(pthread_create(&threads[j], NULL, work, &jobs[j]));
		}
		for (size_t j = 0; j < NUM_THREADS; j++) {
			pthread_join(threads[j], NULL);
			assert_int_equal(jobs[j].failed, 0);
			memcpy(sent + j * PER_THREAD, jobs[j].sent, sizeof jobs[j].sent);
		}
		qsort(sent, IN_ALL, sizeof sent[0], by_number);
		for (size_t j = 0; j < IN_ALL; j++)
			assert_true(sent[j] == 1000 + j);
		bt_msg_state_of(pair.initiator, &state);
		assert_true(state.send_next == 1000 + IN_ALL);
		bt_msg_state_of(pair.acceptor, &state);
		assert_true(state.recv_next == IN_ALL);
		pthread_barrier_destroy(&start);
		pair_free(&pair);
		assert_int_equal(mem_live, 0);
	}
}

static struct bt_msg *raced;

static void
overtake_seal(void)
{
	uint8_t header[60], text[1] = {0};
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
				   {.type = BT_MSG_IOV_DATA, .ptr = text, .len = 1}};

	assert_ok(bt_msg_wrap_iov(raced, true, iov, 2));
}

static void
overtake_mic(void)
{
	uint8_t token[28];
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_MIC_TOKEN, .ptr = token, .len = sizeof token}};

	assert_ok(bt_msg_get_mic_iov(raced, iov, 1));
}

/* While a key is being derived another thread is done with it: that one's is used, ours freed. */
static void
loses_gracefully(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	const struct bt_crypto_seal_key *seal;
	const struct bt_crypto_mac_key *mic;
	struct bt_msg_way way = bt_msg_way_out(pair.initiator);
	long live = mem_live;

	raced = pair.initiator;
	mem_intrusion = overtake_seal;
	assert_ok(bt_msg_key_seal(&way, &seal));
	assert_null(mem_intrusion);
	assert_ptr_equal(seal, pair.initiator->send.seal);
	assert_int_equal(mem_live, live + 1);
	mem_intrusion = overtake_mic;
	assert_ok(bt_msg_key_mic_mac(&way, &mic));
	assert_ptr_equal(mic, pair.initiator->send.mic_mac);
	assert_int_equal(mem_live, live + 2);
	pair_free(&pair);
	assert_int_equal(mem_live, 0);
}

static void
derives_when_needed(void **unused)
{
	struct pair pair = pair_with((struct setup){.acceptor_enctype = 20});
	struct bt_buf token;

	assert_null(pair.initiator->send.seal);
	assert_ok(bt_msg_wrap(pair.initiator, true, bt_bytes_of_str("x"), &token));
	bt_buf_free(&token);
	assert_non_null(pair.initiator->send.seal);
	assert_null(pair.initiator->send.wrap_mac);
	assert_null(pair.initiator->send.mic_mac);
	for (size_t i = 0; i < BT_MSG_NUM_BASES; i++)
		assert_null(pair.initiator->recv[i].seal);
	pair_free(&pair);
	assert_int_equal(mem_live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares_a_context), cmocka_unit_test(loses_gracefully),
					   cmocka_unit_test(derives_when_needed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
