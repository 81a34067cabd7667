/*
 * Every allocation of every call fails once: the output is empty, the sequence number unused, nothing leaks, and the same call then
 * works. And what is not an output is not allocated at all.
 */
#include "failing_mem.h"
#include "message/context.h"
#include "support.h"

enum { MANY = 40 };

static bool random_fails;
static int32_t acceptor_enctype = 20;

/* In the place of the crypto room's. */
int
bt_crypto_random(void *out, size_t len)
{
	memset(out, random_fails ? 0 : 0x5a, len);
	return random_fails ? BT_ERR_ENTROPY : 0;
}

struct scene {
	struct pair pair;
	struct bt_buf sealed, clear, mic;
};

static const struct bt_bytes text = {(const uint8_t *)"seventeen letters", 17};

static struct scene
scene_new(void)
{
	struct setup setup = {.enctype = 18, .acceptor_enctype = acceptor_enctype};
	struct forgery f = {.state = state_with(setup, true), .sealed = true, .rrc = 45};
	struct scene scene = {.pair = pair_with(setup)};
	struct pair other = pair_with(setup);

	if (bt_crypto_enctype_of(acceptor_enctype)->is_legacy) {
		struct bt_buf token;

		assert_ok(bt_msg_wrap(other.initiator, true, text, &token));
		scene.sealed = exact(bt_bytes_of_buf(&token));
		bt_buf_free(&token);
		assert_ok(bt_msg_wrap(other.initiator, false, text, &token));
		scene.clear = exact(bt_bytes_of_buf(&token));
		bt_buf_free(&token);
	} else {
		scene.sealed = forge(&f, text);
		f.sealed = false;
		scene.clear = forge(&f, text);
	}
	assert_ok(bt_msg_get_mic(other.initiator, text, &scene.mic));
	pair_free(&other);
	return scene;
}

static void
scene_free(struct scene *scene)
{
	pair_free(&scene->pair);
	free(scene->sealed.ptr);
	free(scene->clear.ptr);
	bt_buf_free(&scene->mic);
}

static int
call_new(struct scene *scene)
{
	struct bt_msg_state state = state_with((struct setup){0}, true);
	struct bt_msg *m = scene->pair.initiator;
	int e = bt_msg_new(&state, &m);

	assert_true((e == 0) == (m != NULL));
	bt_msg_free(m);
	return e;
}

static int
call_wrap(struct scene *scene, bool conf)
{
	struct bt_buf out = {(uint8_t *)1, 1};
	int e = bt_msg_wrap(scene->pair.initiator, conf, text, &out);

	if (e != 0)
		assert_true(out.ptr == NULL && out.len == 0);
	bt_buf_free(&out);
	return e;
}

static int
call_wrap_sealed(struct scene *scene)
{
	return call_wrap(scene, true);
}

static int
call_wrap_clear(struct scene *scene)
{
	return call_wrap(scene, false);
}

static int
call_unwrap(struct scene *scene, const struct bt_buf *token)
{
	struct bt_buf out = {(uint8_t *)1, 1};
	enum bt_msg_order order;
	bool conf;
	int e = bt_msg_unwrap(scene->pair.acceptor, bt_bytes_of_buf(token), &out, &conf, &order);

	if (e != 0)
		assert_true(out.ptr == NULL && out.len == 0);
	bt_buf_free(&out);
	return e;
}

static int
call_unwrap_sealed(struct scene *scene)
{
	return call_unwrap(scene, &scene->sealed);
}

static int
call_unwrap_clear(struct scene *scene)
{
	return call_unwrap(scene, &scene->clear);
}

static int
call_get_mic(struct scene *scene)
{
	struct bt_buf out = {(uint8_t *)1, 1};
	int e = bt_msg_get_mic(scene->pair.initiator, text, &out);

	if (e != 0)
		assert_true(out.ptr == NULL && out.len == 0);
	bt_buf_free(&out);
	return e;
}

static int
call_verify_mic(struct scene *scene)
{
	enum bt_msg_order order;

	return bt_msg_verify_mic(scene->pair.acceptor, text, bt_bytes_of_buf(&scene->mic), &order);
}

static int
call_prf(struct scene *scene)
{
	static const uint8_t zeros[100];
	uint8_t bytes[100];
	int e = bt_msg_prf(scene->pair.initiator, true, text, (struct bt_buf){bytes, sizeof bytes});

	if (e != 0)
		assert_memory_equal(bytes, zeros, sizeof bytes);
	return e;
}

static int
call_wrap_iov(struct scene *scene)
{
	bool is_legacy = bt_crypto_enctype_of(acceptor_enctype)->is_legacy;
	struct bt_msg_iov iov[MANY] = {{.type = BT_MSG_IOV_HEADER, .allocate = true},
				       {.type = is_legacy ? BT_MSG_IOV_PADDING : BT_MSG_IOV_TRAILER, .allocate = true}};
	uint8_t bytes[MANY] = {0};
	int e;

	for (size_t i = 2; i < MANY; i++)
		iov[i] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA, .ptr = bytes + i, .len = 1};
	e = bt_msg_wrap_iov(scene->pair.initiator, true, iov, MANY);
	for (size_t i = 0; i < 2; i++) {
		assert_true(iov[i].was_allocated == (e == 0));
		assert_true((iov[i].ptr != NULL) == (e == 0));
		bt_mem_free(iov[i].ptr);
	}
	if (e != 0)
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(bytes[i], 0);
	return e;
}

static int
call_unwrap_stream(struct scene *scene)
{
	struct bt_buf copy = exact(bt_bytes_of_buf(&scene->sealed));
	struct bt_msg_iov iov[MANY] = {{.type = BT_MSG_IOV_STREAM, .ptr = copy.ptr, .len = copy.len},
				       {.type = BT_MSG_IOV_DATA, .allocate = true}};
	enum bt_msg_order order;
	bool conf;
	int e = bt_msg_unwrap_iov(scene->pair.acceptor, iov, MANY, &conf, &order);

	assert_true(iov[1].was_allocated == (e == 0));
	assert_true((iov[1].ptr != NULL) == (e == 0));
	if (e == 0)
		assert_true(bt_bytes_equal(bt_bytes_of(iov[1].ptr, iov[1].len), text));
	bt_mem_free(iov[1].ptr);
	free(copy.ptr);
	return e;
}

static int
call_mic_iov(struct scene *scene)
{
	struct bt_msg_iov iov[MANY] = {{.type = BT_MSG_IOV_MIC_TOKEN, .allocate = true}};
	int e = bt_msg_get_mic_iov(scene->pair.initiator, iov, MANY);

	assert_true(iov[0].was_allocated == (e == 0));
	assert_true((iov[0].ptr != NULL) == (e == 0));
	bt_mem_free(iov[0].ptr);
	return e;
}

static const struct {
	int (*call)(struct scene *scene);
	int steady; /* allocations once the keys are there */
} calls[] = {
    {call_new, 1},	    {call_wrap_sealed, 1},   {call_wrap_clear, 1}, {call_unwrap_sealed, 1},
    {call_unwrap_clear, 1}, {call_get_mic, 1},	     {call_verify_mic, 0}, {call_prf, 1},
    {call_wrap_iov, 3},	    {call_unwrap_stream, 2}, {call_mic_iov, 2},
};

static void
survives_every_failure(void **unused)
{
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct bt_msg_state send, recv;
		struct scene scene;
		int e = -1;
		long live;

		for (int n = 0; e != 0; n++) {
			scene = scene_new();
			bt_msg_state_of(scene.pair.initiator, &send);
			bt_msg_state_of(scene.pair.acceptor, &recv);
			live = mem_live;
			mem_fail_at = mem_allocations + n;
			e = calls[i].call(&scene);
			assert_true(e == 0 || e == BT_ERR_NOMEM);
			assert_true((e == 0) == (mem_allocations <= mem_fail_at));
			mem_fail_at = -1;
			if (e != 0) {
				assert_same_state(scene.pair.initiator, &send);
				assert_same_state(scene.pair.acceptor, &recv);
				/* A key that was derived before the failure stays with its context. */
				assert_true(mem_live >= live && mem_live <= live + 1);
				assert_ok(calls[i].call(&scene));
			}
			scene_free(&scene);
			assert_int_equal(mem_live, 0);
		}
	}
}

static void
needs_randomness_to_encrypt(void **unused)
{
	struct scene scene = scene_new();
	uint8_t letter = 'x';
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .allocate = true},
				   {.type = BT_MSG_IOV_DATA, .ptr = &letter, .len = 1},
				   {.type = BT_MSG_IOV_PADDING, .allocate = true}};
	struct bt_msg_state before;
	struct bt_buf out = {&letter, 1};

	bt_msg_state_of(scene.pair.initiator, &before);
	random_fails = true;
	assert_int_equal(bt_msg_wrap(scene.pair.initiator, true, text, &out), BT_ERR_ENTROPY);
	assert_true(out.ptr == NULL && out.len == 0);
	assert_int_equal(bt_msg_wrap_iov(scene.pair.initiator, true, iov, 3), BT_ERR_ENTROPY);
	assert_true(iov[0].ptr == NULL && !iov[0].was_allocated && letter == 'x');
	assert_same_state(scene.pair.initiator, &before);
	random_fails = false;
	assert_ok(call_wrap_sealed(&scene));
	scene_free(&scene);
	assert_int_equal(mem_live, 0);
}

static void
allocates_only_outputs(void **unused)
{
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct scene scene = scene_new();
		long before;

		assert_ok(calls[i].call(&scene));
		before = mem_allocations;
		assert_ok(calls[i].call(&scene));
		assert_int_equal(mem_allocations - before, calls[i].steady);
		scene_free(&scene);
	}
	assert_int_equal(mem_live, 0);
}

/* Sixteen pieces, framing included, are scattered without any allocation. */
static void
scatters_few_for_nothing(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	uint8_t header[60], bytes[12] = {0};
	struct bt_msg_iov iov[13] = {{.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header}};
	enum bt_msg_order order;
	long before;
	bool conf;

	for (size_t i = 1; i < 13; i++)
		iov[i] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA, .ptr = bytes + i - 1, .len = 1};
	assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 13));
	assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 13, &conf, &order));
	before = mem_allocations;
	assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 13));
	assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 13, &conf, &order));
	assert_int_equal(mem_allocations, before);
	pair_free(&pair);
}

static int
use_des3(void **unused)
{
	acceptor_enctype = BT_CRYPTO_DES3_CBC_SHA1;
	return 0;
}

static int
use_rc4(void **unused)
{
	acceptor_enctype = BT_CRYPTO_ARCFOUR_HMAC;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(survives_every_failure),
	    cmocka_unit_test(needs_randomness_to_encrypt),
	    cmocka_unit_test(allocates_only_outputs),
	    cmocka_unit_test(scatters_few_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests_name("des3", tests, use_des3, NULL) +
	       cmocka_run_group_tests_name("rc4", tests, use_rc4, NULL);
}
