#include "message/window.h"
#include "support.h"

/*
 * The rules, told the slow way: remember every number that came. A number is new if it is not behind the newest; else it is looked
 * up among the 64 last ones.
 */
struct model {
	bool replay, sequence;
	uint64_t expected;
	uint64_t came[4096];
	size_t num_came;
};

static bool
has_come(const struct model *model, uint64_t seq)
{
	for (size_t i = 0; i < model->num_came; i++)
		if (model->came[i] == seq)
			return true;
	return false;
}

static enum bt_msg_order
model_enter(struct model *model, uint64_t seq)
{
	bool is_behind = model->expected - seq - 1 < UINT64_C(1) << 63;
	bool is_old = is_behind && model->expected - seq > 64;
	bool is_again = !is_old && has_come(model, seq);

	if (!model->replay && !model->sequence)
		return BT_MSG_IN_ORDER;
	model->came[model->num_came++] = seq;
	if (!is_behind) {
		bool is_next = seq == model->expected;

		model->expected = seq + 1;
		return is_next || !model->sequence ? BT_MSG_IN_ORDER : BT_MSG_GAP;
	}
	if (is_again && model->replay)
		return BT_MSG_DUPLICATE;
	if (model->sequence)
		return BT_MSG_UNSEQ;
	return is_old ? BT_MSG_OLD : BT_MSG_IN_ORDER;
}

static struct bt_msg_window
window_of(bool replay, bool sequence, uint64_t first)
{
	struct bt_msg_state state = {.detects_replay = replay, .detects_sequence = sequence, .recv_first = first};
	struct bt_msg_window w;

	bt_msg_window_init(&w, &state);
	return w;
}

/* Mostly near the newest number, on both sides of it; at times far away. */
static uint64_t
next_number(uint64_t expected)
{
	uint64_t r = noise_u64();

	switch (r % 16) {
	case 0:
		return expected + (r >> 8) % 200;
	case 1:
		return expected - (r >> 8) % 200;
	case 2:
		return expected + 62 + (r >> 8) % 4;
	case 3:
		return expected - 62 - (r >> 8) % 5;
	case 4:
		return r >> 40 == 0 ? noise_u64() : expected;
	case 5:
	case 6:
	case 7:
		return expected - 1 - (r >> 8) % 10;
	case 8:
	case 9:
		return expected + (r >> 8) % 4;
	default:
		return expected;
	}
}

static void
agrees_with_the_slow_way(void **unused)
{
	static const uint64_t firsts[] = {
	    0, 1, 0x7fffffff, 0xfffffff0, UINT64_MAX, UINT64_MAX - 500, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 100};
	static struct model model;

	for (int round = 0; round < 800; round++) {
		bool replay = round & 1, sequence = round & 2;
		uint64_t first = firsts[(round >> 2) % 8];
		struct bt_msg_window w = window_of(replay, sequence, first);
		size_t steps = round < 64 ? 4000 : 300;

		model = (struct model){.replay = replay, .sequence = sequence, .expected = first};
		for (size_t i = 0; i < steps; i++) {
			uint64_t seq = next_number(model.expected);

			assert_int_equal(bt_msg_window_enter(&w, seq), model_enter(&model, seq));
		}
		if (replay || sequence)
			assert_true(w.first + w.next == model.expected);
		bt_msg_window_done(&w);
	}
}

#define OK BT_MSG_IN_ORDER
#define DUP BT_MSG_DUPLICATE
#define OLD BT_MSG_OLD
#define UNSEQ BT_MSG_UNSEQ
#define GAP BT_MSG_GAP

/* What gss_unwrap of MIT's library answers, case by case. */
static void
answers_by_what_is_detected(void **unused)
{
	static const struct {
		bool replay, sequence;
		enum bt_msg_order first, again, gap, late, late_again, far, too_old;
	} rows[] = {
	    {false, false, OK, OK, OK, OK, OK, OK, OK},
	    {true, false, OK, DUP, OK, OK, DUP, OK, OLD},
	    {false, true, OK, UNSEQ, GAP, UNSEQ, UNSEQ, GAP, UNSEQ},
	    {true, true, OK, DUP, GAP, UNSEQ, DUP, GAP, UNSEQ},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bt_msg_window w = window_of(rows[i].replay, rows[i].sequence, 7);

		assert_int_equal(bt_msg_window_enter(&w, 7), rows[i].first);
		assert_int_equal(bt_msg_window_enter(&w, 7), rows[i].again);
		assert_int_equal(bt_msg_window_enter(&w, 9), rows[i].gap);
		assert_int_equal(bt_msg_window_enter(&w, 8), rows[i].late);
		assert_int_equal(bt_msg_window_enter(&w, 8), rows[i].late_again);
		assert_int_equal(bt_msg_window_enter(&w, 9 + 64), rows[i].far);
		assert_int_equal(bt_msg_window_enter(&w, 9), rows[i].too_old);
		bt_msg_window_done(&w);
	}
}

static void
remembers_exactly_64(void **unused)
{
	struct bt_msg_window w = window_of(true, false, 0);

	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(bt_msg_window_enter(&w, i), BT_MSG_IN_ORDER);
	for (uint64_t i = 36; i < 100; i++)
		assert_int_equal(bt_msg_window_enter(&w, i), BT_MSG_DUPLICATE);
	assert_int_equal(bt_msg_window_enter(&w, 35), BT_MSG_OLD);
	/* Leaps of one less than the map, and of more. */
	assert_int_equal(bt_msg_window_enter(&w, 99 + 63), BT_MSG_IN_ORDER);
	assert_int_equal(bt_msg_window_enter(&w, 99), BT_MSG_DUPLICATE);
	assert_int_equal(bt_msg_window_enter(&w, 100), BT_MSG_IN_ORDER);
	assert_int_equal(bt_msg_window_enter(&w, 162 + 64), BT_MSG_IN_ORDER);
	assert_int_equal(bt_msg_window_enter(&w, 162 + 1), BT_MSG_IN_ORDER);
	assert_int_equal(bt_msg_window_enter(&w, 162), BT_MSG_OLD);
	bt_msg_window_done(&w);
}

/* Of two numbers half the circle apart, either could be the older: the line is drawn between 2^63-1 and 2^63 ahead. */
static void
tells_ahead_from_behind(void **unused)
{
	struct bt_msg_window w = window_of(true, true, 5);

	assert_int_equal(bt_msg_window_enter(&w, 5 + (UINT64_C(1) << 63)), BT_MSG_UNSEQ);
	assert_int_equal(bt_msg_window_enter(&w, 5 + (UINT64_C(1) << 63) - 1), BT_MSG_GAP);
	assert_true(w.next == UINT64_C(1) << 63);
	bt_msg_window_done(&w);
}

static void
goes_on_elsewhere(void **unused)
{
	struct bt_msg_state state = {.detects_replay = true, .detects_sequence = true, .recv_first = UINT64_MAX - 2};
	struct bt_msg_window here, there;

	bt_msg_window_init(&here, &state);
	for (uint64_t i = 0; i < 6; i += 2)
		bt_msg_window_enter(&here, state.recv_first + i);
	bt_msg_window_state_of(&here, &state);
	assert_int_equal(state.recv_next, 5);
	assert_int_equal(state.recv_seen, 0x15);
	bt_msg_window_init(&there, &state);
	assert_int_equal(bt_msg_window_enter(&there, 1), BT_MSG_DUPLICATE);
	assert_int_equal(bt_msg_window_enter(&there, 0), BT_MSG_UNSEQ);
	assert_int_equal(bt_msg_window_enter(&there, 2), BT_MSG_IN_ORDER);
	bt_msg_window_done(&here);
	bt_msg_window_done(&there);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_slow_way), cmocka_unit_test(answers_by_what_is_detected),
	    cmocka_unit_test(remembers_exactly_64),	cmocka_unit_test(tells_ahead_from_behind),
	    cmocka_unit_test(goes_on_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
