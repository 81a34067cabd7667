#include "message/body.h"
#include "support.h"

/* A body of len bytes 0, 1, 2 ..., rotated right by start. */
static struct bt_msg_body
rotated(uint8_t *store, size_t len, size_t start)
{
	for (size_t i = 0; i < len; i++)
		store[(i + start) % len] = (uint8_t)i;
	return (struct bt_msg_body){store, len, start};
}

static void
reads_as_before_rotation(void **unused)
{
	uint8_t store[23], out[23];

	for (size_t len = 1; len <= sizeof store; len++)
		for (size_t start = 0; start < len; start++) {
			struct bt_msg_body body = rotated(store, len, start);

			for (size_t at = 0; at < len; at++) {
				assert_int_equal(*bt_msg_body_at(&body, at), at);
				for (size_t n = 0; n <= len - at; n++) {
					struct bt_crypto_seg segs[2];
					size_t num = bt_msg_body_cut(&body, at, n, out, segs);

					assert_true(num <= 2);
					assert_true(bt_msg_body_is_whole(&body, at, n) == (num < 2));
					memset(out, 0xff, sizeof out);
					bt_msg_body_copy(&body, at, n, out);
					for (size_t i = 0; i < n; i++)
						assert_int_equal(out[i], at + i);
				}
			}
			bt_msg_body_straighten(&body, store);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(store[i], i);
			assert_int_equal(body.start, 0);
		}
}

static void
takes_rotations_over_the_length(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_msg *m = pair.initiator;
	uint8_t bytes[16 + 10] = {0};
	struct bt_msg_token token = {.rrc = 65535};
	struct bt_msg_body body = bt_msg_body_of(m, &token, bt_bytes_of(bytes, sizeof bytes));

	assert_int_equal(body.start, 5);
	body = bt_msg_body_of(m, &token, bt_bytes_of(bytes, 16));
	assert_int_equal(body.start, 0);
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_as_before_rotation),
	    cmocka_unit_test(takes_rotations_over_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
