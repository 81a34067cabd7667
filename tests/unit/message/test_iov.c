#include "support.h"

enum { TEXT_LEN = 70 };

/* A message in pieces, and how it is framed. */
struct arrangement {
	size_t cuts[4]; /* lengths of the DATA buffers; they add up to TEXT_LEN */
	size_t num_cuts;
	bool trailer, padding, allocate, conf;
};

struct scattered {
	struct bt_msg_iov iov[10];
	size_t num;
	uint8_t text[TEXT_LEN];
	uint8_t header[120], trailer[80];
	struct bt_msg_iov *header_iov, *trailer_iov;
};

static void
scatter(struct scattered *s, const struct arrangement *a, const uint8_t *text)
{
	size_t at = 0;

	*s = (struct scattered){0};
	memcpy(s->text, text, TEXT_LEN);
	/* The framing buffers stand anywhere in the array: a TRAILER first, a HEADER in the middle. */
	if (a->trailer) {
		s->trailer_iov = &s->iov[s->num++];
		*s->trailer_iov = (struct bt_msg_iov){.type = BT_MSG_IOV_TRAILER, .allocate = a->allocate};
		if (!a->allocate) {
			s->trailer_iov->ptr = s->trailer;
			s->trailer_iov->len = sizeof s->trailer;
		}
	}
	for (size_t i = 0; i < a->num_cuts; i++) {
		if (i == a->num_cuts / 2) {
			s->header_iov = &s->iov[s->num++];
			*s->header_iov = (struct bt_msg_iov){.type = BT_MSG_IOV_HEADER, .allocate = a->allocate};
			if (!a->allocate) {
				s->header_iov->ptr = s->header;
				s->header_iov->len = sizeof s->header;
			}
		}
		s->iov[s->num++] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA, .ptr = s->text + at, .len = a->cuts[i]};
		at += a->cuts[i];
	}
	if (a->padding)
		s->iov[s->num++] = (struct bt_msg_iov){.type = BT_MSG_IOV_PADDING, .ptr = s->text, .len = 5};
	s->iov[s->num++] = (struct bt_msg_iov){.type = BT_MSG_IOV_EMPTY, .ptr = s->text, .len = 5};
}

static void
scattered_done(struct scattered *s)
{
	for (size_t i = 0; i < s->num; i++)
		if (s->iov[i].was_allocated)
			bt_mem_free(s->iov[i].ptr);
}

/* The pieces in the order in which they go over the wire. */
static struct bt_buf
gather(const struct scattered *s)
{
	struct bt_wr wr;
	struct bt_buf token;

	bt_wr_init(&wr);
	bt_wr_bytes(&wr, bt_bytes_of(s->header_iov->ptr, s->header_iov->len));
	for (size_t i = 0; i < s->num; i++)
		if (s->iov[i].type == BT_MSG_IOV_DATA)
			bt_wr_bytes(&wr, bt_bytes_of(s->iov[i].ptr, s->iov[i].len));
	if (s->trailer_iov != NULL)
		bt_wr_bytes(&wr, bt_bytes_of(s->trailer_iov->ptr, s->trailer_iov->len));
	assert_ok(bt_wr_take(&wr, &token));
	return token;
}

static const struct arrangement arrangements[] = {
    {{TEXT_LEN}, 1, .conf = true},
    {{TEXT_LEN}, 1, .trailer = true, .conf = true},
    {{TEXT_LEN}, 1, .trailer = true, .padding = true, .conf = true},
    {{TEXT_LEN}, 1, .allocate = true, .padding = true, .conf = true},
    {{TEXT_LEN}, 1, .allocate = true, .trailer = true, .conf = true},
    {{1, 0, 15, 54}, 4, .conf = true},
    {{1, 0, 15, 54}, 4, .trailer = true, .conf = true},
    {{16, 54}, 2, .allocate = true, .conf = true},
    {{TEXT_LEN}, 1},
    {{TEXT_LEN}, 1, .trailer = true},
    {{33, 30, 7}, 3, .trailer = true, .allocate = true},
    {{33, 30, 7}, 3, .padding = true},
};

enum { NUM_SETUPS = NUM_ENCTYPES * 4 };

static struct setup
setup_at(size_t i)
{
	size_t n = i % NUM_ENCTYPES, kind = i / NUM_ENCTYPES;

	return (struct setup){
	    .enctype = enctypes[n], .acceptor_enctype = kind & 1 ? enctypes[NUM_ENCTYPES - 1 - n] : 0, .is_dce = kind & 2};
}

static void
check_lengths(const struct pair *pair, const struct arrangement *a, const struct scattered *s, bool is_dce)
{
	size_t ec = a->conf && is_dce ? 16 : 0, all = bt_msg_overhead(pair->initiator, a->conf) + ec;
	size_t header = a->conf ? 32 : 16;

	assert_int_equal(s->header_iov->len, a->trailer ? header : all);
	if (a->trailer)
		assert_int_equal(s->trailer_iov->len, all - header);
	assert_int_equal(bt_load_be16(s->header_iov->ptr + 6), a->trailer ? 0 : all - header - ec);
	assert_int_equal(bt_load_be16(s->header_iov->ptr + 4), a->conf ? ec : all - header);
}

/* What wrap_iov makes is a token like any other: plain unwrap reads it, unwrap_iov reads it, as pieces and as a STREAM. */
static void
makes_plain_tokens(void **unused)
{
	uint8_t text[TEXT_LEN];

	noise(text, sizeof text);
	for (size_t i = 0; i < NUM_SETUPS; i++)
		for (size_t j = 0; j < sizeof arrangements / sizeof arrangements[0]; j++) {
			const struct arrangement *a = &arrangements[j];
			struct pair pair = pair_with(setup_at(i));
			struct scattered s, lengths;
			struct bt_buf token, out;
			enum bt_msg_order order;
			bool conf;

			scatter(&lengths, a, text);
			assert_ok(bt_msg_wrap_iov_length(pair.initiator, a->conf, lengths.iov, lengths.num));
			scatter(&s, a, text);
			assert_ok(bt_msg_wrap_iov(pair.initiator, a->conf, s.iov, s.num));
			for (size_t k = 0; k < s.num; k++) {
				assert_int_equal(s.iov[k].len, lengths.iov[k].len);
				assert_true(s.iov[k].was_allocated ==
					    (a->allocate && (&s.iov[k] == s.header_iov || &s.iov[k] == s.trailer_iov)));
			}
			check_lengths(&pair, a, &s, setup_at(i).is_dce);
			if (a->conf)
				assert_memory_not_equal(s.text, text, TEXT_LEN);
			else
				assert_memory_equal(s.text, text, TEXT_LEN);

			token = gather(&s);
			assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
			assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), bt_bytes_of(text, TEXT_LEN)));
			assert_true(conf == a->conf);
			bt_buf_free(&out);

			for (size_t k = 0; k < 2; k++) {
				struct bt_buf copy = exact(bt_bytes_of_buf(&token));
				struct bt_msg_iov stream[] = {{.type = BT_MSG_IOV_STREAM, .ptr = copy.ptr, .len = copy.len},
							      {.type = BT_MSG_IOV_DATA, .len = 99, .allocate = k == 1}};

				assert_ok(bt_msg_unwrap_iov(pair.acceptor, stream, 2, &conf, &order));
				assert_true(
				    bt_bytes_equal(bt_bytes_of(stream[1].ptr, stream[1].len), bt_bytes_of(text, TEXT_LEN)));
				assert_true(conf == a->conf && order == BT_MSG_DUPLICATE);
				assert_true(stream[1].was_allocated == (k == 1));
				assert_true((stream[1].ptr > copy.ptr && stream[1].ptr < copy.ptr + copy.len) == (k == 0));
				if (k == 1)
					bt_mem_free(stream[1].ptr);
				free(copy.ptr);
			}
			bt_buf_free(&token);

			assert_ok(bt_msg_unwrap_iov(pair.acceptor, s.iov, s.num, &conf, &order));
			assert_memory_equal(s.text, text, TEXT_LEN);
			assert_true(conf == a->conf && order == BT_MSG_DUPLICATE);
			scattered_done(&s);
			pair_free(&pair);
		}
}

/* The lengths that peers and programs count on. */
static void
has_the_known_lengths(void **unused)
{
	static const size_t plain[] = {60, 60, 64, 72, 64, 64}, dce[] = {76, 76, 80, 88, 80, 80};

	for (size_t i = 0; i < NUM_ENCTYPES * 2; i++) {
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i / 2], .is_dce = i % 2});
		/* The message need not be there yet. */
		struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER}, {.type = BT_MSG_IOV_DATA, .len = 100}};

		assert_ok(bt_msg_wrap_iov_length(pair.initiator, true, iov, 2));
		assert_int_equal(iov[0].len, i % 2 ? dce[i / 2] : plain[i / 2]);
		pair_free(&pair);
	}
}

/* What a DCE style token is filled up with is not whatever stood in memory. */
static void
fills_with_ones(void **unused)
{
	struct setup setup = {.is_dce = true};
	struct bt_msg_state state = state_with(setup, true);
	struct pair pair = pair_with(setup);
	uint8_t header[32], trailer[44] = "filler", text[20] = {0}, ones[16];
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
				   {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text},
				   {.type = BT_MSG_IOV_TRAILER, .ptr = trailer, .len = sizeof trailer}};
	struct bt_crypto_seg segs[] = {{header + 16, header + 16, 16}, {text, text, sizeof text}, {trailer, trailer, 32}};
	struct bt_crypto_seal_key *key;

	memset(ones, 0xff, sizeof ones);
	assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 3));
	assert_ok(bt_crypto_seal_key_new(bt_crypto_enctype_of(18), state.subkey.bytes, 24, false, &key));
	assert_ok(bt_crypto_decrypt(key, segs, 3, trailer + 32));
	assert_memory_equal(trailer, ones, 16);
	assert_memory_equal(trailer + 16, header, 16);
	bt_crypto_seal_key_free(key);
	pair_free(&pair);
}

/* Plain tokens of any rotation are read as a STREAM, in place: after it the STREAM holds the text in one piece. */
static void
streams_any_rotation(void **unused)
{
	struct bt_buf text = noise_buf(50);

	for (size_t i = 0; i < NUM_ENCTYPES * 2; i++) {
		struct setup setup = {.enctype = enctypes[i / 2]};
		struct pair pair = pair_with(setup);
		struct forgery f = {.state = state_with(setup, true), .sealed = i % 2 == 0, .ec = i % 2 == 0 ? 5 : 0};

		for (uint16_t rrc = 0; rrc <= 16 + 50 + 5 + 16 + 24 + 20; rrc++, f.seq++) {
			struct bt_buf token;
			enum bt_msg_order order;
			bool conf;

			f.rrc = rrc;
			token = forge(&f, bt_bytes_of_buf(&text));
			for (size_t k = 0; k < 2; k++) {
				struct bt_buf copy = exact(bt_bytes_of_buf(&token));
				struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_DATA, .allocate = k == 1},
							   {.type = BT_MSG_IOV_STREAM, .ptr = copy.ptr, .len = copy.len}};

				assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 2, &conf, &order));
				assert_true(bt_bytes_equal(bt_bytes_of(iov[0].ptr, iov[0].len), bt_bytes_of_buf(&text)));
				assert_int_equal(order, k == 0 ? BT_MSG_IN_ORDER : BT_MSG_DUPLICATE);
				if (k == 1)
					bt_mem_free(iov[0].ptr);
				/* What was only signed is a token still, whether or not it was turned round. */
				iov[0] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA};
				if (!f.sealed)
					assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 2, &conf, &order));
				free(copy.ptr);
			}
			free(token.ptr);
		}
		pair_free(&pair);
	}
	free(text.ptr);
}

/* Only signed bytes may stand anywhere among the encrypted ones, and count where they stand. */
static void
signs_without_sending(void **unused)
{
	for (size_t i = 0; i < 2 * NUM_SETUPS; i++) {
		struct pair pair = pair_with(setup_at(i % NUM_SETUPS));
		uint8_t header[100], before[5], text[40], after[30], sent[40];
		struct bt_msg_iov iov[] = {
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = before, .len = sizeof before},
		    {.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
		    {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text},
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = after, .len = sizeof after},
		};
		struct bt_msg_state state;
		enum bt_msg_order order;
		bool conf, sealed = i < NUM_SETUPS;
		uint8_t token[200];
		size_t len;

		noise(before, sizeof before);
		noise(text, sizeof text);
		noise(after, sizeof after);
		memcpy(sent, text, sizeof text);
		assert_ok(bt_msg_wrap_iov(pair.initiator, sealed, iov, 4));
		memcpy(token, header, iov[1].len);
		memcpy(token + iov[1].len, text, sizeof text);
		len = iov[1].len + sizeof text;
		bt_msg_state_of(pair.acceptor, &state);
		/* As a STREAM, with the signed bytes changed, in another order, and left out; then right. */
		for (int k = 0; k < 4; k++) {
			uint8_t copy[200];
			struct bt_msg_iov stream[] = {
			    iov[0], {.type = BT_MSG_IOV_STREAM, .ptr = copy, .len = len}, {.type = BT_MSG_IOV_DATA}, iov[3]};

			memcpy(copy, token, len);
			if (k == 1)
				stream[3] = (struct bt_msg_iov){.type = BT_MSG_IOV_EMPTY};
			if (k == 2) {
				stream[0] = iov[3];
				stream[3] = iov[0];
			}
			before[0] ^= k == 0;
			if (k < 3) {
				assert_int_equal(bt_msg_unwrap_iov(pair.acceptor, stream, 4, &conf, &order), BT_ERR_BAD_MIC);
				assert_null(stream[2].ptr);
				assert_same_state(pair.acceptor, &state);
			} else {
				assert_ok(bt_msg_unwrap_iov(pair.acceptor, stream, 4, &conf, &order));
				assert_true(
				    bt_bytes_equal(bt_bytes_of(stream[2].ptr, stream[2].len), bt_bytes_of(sent, sizeof sent)));
			}
			before[0] ^= k == 0;
		}
		assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 4, &conf, &order));
		assert_memory_equal(text, sent, sizeof sent);
		assert_true(conf == sealed);
		pair_free(&pair);
	}
}

static void
needs_data_to_encrypt(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	uint8_t header[60], signed_only[8] = {1};
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
				   {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = signed_only, .len = 8},
				   {.type = BT_MSG_IOV_DATA}};
	enum bt_msg_order order;
	bool conf = true;

	assert_false(bt_msg_iov_is_sealed(true, iov, 2));
	assert_true(bt_msg_iov_is_sealed(true, iov, 3));
	assert_false(bt_msg_iov_is_sealed(false, iov, 3));
	assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 2));
	assert_int_equal(iov[0].len, 28);
	assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 2, &conf, &order));
	assert_false(conf);
	/* An empty DATA is DATA. */
	iov[0].len = sizeof header;
	assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 3));
	assert_int_equal(iov[0].len, 60);
	assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 3, &conf, &order));
	assert_true(conf);
	pair_free(&pair);
}

static void
refuses_every_change(void **unused)
{
	for (size_t i = 0; i < NUM_SETUPS * 4; i++) {
		struct pair pair = pair_with(setup_at(i % NUM_SETUPS));
		struct arrangement a = {{20, 50}, 2, .trailer = i / NUM_SETUPS & 1, .conf = i / NUM_SETUPS & 2};
		struct bt_msg_state before;
		struct scattered s, bad;
		uint8_t text[TEXT_LEN];
		enum bt_msg_order order;
		bool conf;

		noise(text, sizeof text);
		scatter(&s, &a, text);
		assert_ok(bt_msg_wrap_iov(pair.initiator, a.conf, s.iov, s.num));
		bt_msg_state_of(pair.acceptor, &before);
		for (size_t k = 0; k < s.num; k++)
			for (size_t bit = 0; s.iov[k].type != BT_MSG_IOV_EMPTY && bit < s.iov[k].len * 8; bit++) {
				bad = s;
				for (size_t l = 0; l < s.num; l++)
					bad.iov[l].ptr = (uint8_t *)&bad + (s.iov[l].ptr - (uint8_t *)&s);
				bad.iov[k].ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_true(bt_msg_unwrap_iov(pair.acceptor, bad.iov, bad.num, &conf, &order) != 0);
				assert_false(conf);
				assert_same_state(pair.acceptor, &before);
				/* Nothing of a text that failed is left to be read. */
				if (a.conf)
					assert_memory_not_equal(bad.text, text, TEXT_LEN);
			}
		for (size_t k = 0; k < s.num; k++) {
			if (s.iov[k].type == BT_MSG_IOV_EMPTY)
				continue;
			bad = s;
			for (size_t l = 0; l < s.num; l++)
				bad.iov[l].ptr = (uint8_t *)&bad + (s.iov[l].ptr - (uint8_t *)&s);
			bad.iov[k].len--;
			assert_true(bt_msg_unwrap_iov(pair.acceptor, bad.iov, bad.num, &conf, &order) != 0);
			if (s.iov[k].type != BT_MSG_IOV_DATA) {
				bad.iov[k].len += 2;
				assert_true(bt_msg_unwrap_iov(pair.acceptor, bad.iov, bad.num, &conf, &order) != 0);
			}
			assert_same_state(pair.acceptor, &before);
		}
		assert_ok(bt_msg_unwrap_iov(pair.acceptor, s.iov, s.num, &conf, &order));
		assert_memory_equal(s.text, text, TEXT_LEN);
		assert_int_equal(order, BT_MSG_IN_ORDER);
		pair_free(&pair);
	}
}

#define EMPTY BT_MSG_IOV_EMPTY
#define DATA BT_MSG_IOV_DATA
#define HEADER BT_MSG_IOV_HEADER
#define TRAILER BT_MSG_IOV_TRAILER
#define PADDING BT_MSG_IOV_PADDING
#define STREAM BT_MSG_IOV_STREAM
#define MIC_TOKEN BT_MSG_IOV_MIC_TOKEN

static void
refuses_other_arrangements(void **unused)
{
	static const struct {
		enum bt_msg_iov_type types[4];
		bool wrap, unwrap; /* is it illegal there? */
	} bad[] = {
	    {{DATA}, true, true},
	    {{EMPTY}, true, true},
	    {{HEADER, HEADER, DATA}, true, true},
	    {{HEADER, TRAILER, TRAILER, DATA}, true, true},
	    {{HEADER, PADDING, PADDING, DATA}, true, true},
	    {{HEADER, DATA, STREAM}, true, true},
	    {{STREAM, DATA}, true, false},
	    {{HEADER, DATA, MIC_TOKEN}, true, true},
	    {{STREAM}, true, true},
	    {{STREAM, DATA, DATA}, true, true},
	    {{STREAM, STREAM, DATA}, true, true},
	    {{STREAM, DATA, TRAILER}, true, true},
	    {{STREAM, DATA, MIC_TOKEN}, true, true},
	};
	struct pair pair = pair_with((struct setup){0});
	struct bt_msg_state sender = state_with((struct setup){0}, true), receiver = state_with((struct setup){0}, false);
	uint8_t bytes[4][100] = {{0}};
	enum bt_msg_order order;
	bool conf;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct bt_msg_iov iov[4];

		for (size_t j = 0; j < 4; j++)
			iov[j] = (struct bt_msg_iov){.type = bad[i].types[j], .ptr = bytes[j], .len = 100};
		if (bad[i].wrap) {
			assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 4), BT_ERR_BAD_IOV);
			assert_int_equal(bt_msg_wrap_iov(pair.initiator, false, iov, 4), BT_ERR_BAD_IOV);
			assert_int_equal(bt_msg_wrap_iov_length(pair.initiator, true, iov, 4), BT_ERR_BAD_IOV);
		}
		if (bad[i].unwrap)
			assert_int_equal(bt_msg_unwrap_iov(pair.acceptor, iov, 4, &conf, &order), BT_ERR_BAD_IOV);
	}
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, NULL, 0), BT_ERR_BAD_IOV);
	assert_same_state(pair.initiator, &sender);
	assert_same_state(pair.acceptor, &receiver);
	pair_free(&pair);
}

static void
refuses_unfit_buffers(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_msg_state sender = state_with((struct setup){0}, true), receiver = state_with((struct setup){0}, false);
	uint8_t bytes[3][100] = {{0}};
	struct bt_msg_iov fit[] = {{.type = HEADER, .ptr = bytes[0], .len = 32},
				   {.type = TRAILER, .ptr = bytes[1], .len = 28},
				   {.type = DATA, .ptr = bytes[2], .len = 40}},
			  iov[3];
	enum bt_msg_order order;
	bool conf;

	for (size_t i = 0; i < 2; i++) {
		memcpy(iov, fit, sizeof iov);
		iov[i].len--;
		assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_WRONG_SIZE);
		assert_int_equal(iov[1 - i].len, fit[1 - i].len);
		memcpy(iov, fit, sizeof iov);
		iov[i].ptr = NULL;
		assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_WRONG_SIZE);
		assert_int_equal(bt_msg_unwrap_iov(pair.acceptor, iov, 3, &conf, &order), BT_ERR_BAD_IOV);
	}
	/* A TRAILER that is too short, beside a HEADER that was allocated before. */
	memcpy(iov, fit, sizeof iov);
	iov[0].allocate = true;
	iov[1].len = 27;
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_WRONG_SIZE);
	assert_true(iov[0].ptr == NULL && !iov[0].was_allocated);
	/* DATA with bytes but no address, and far too many of them. */
	memcpy(iov, fit, sizeof iov);
	iov[2].ptr = NULL;
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_BAD_IOV);
	assert_int_equal(bt_msg_unwrap_iov(pair.acceptor, iov, 3, &conf, &order), BT_ERR_BAD_IOV);
	iov[2].allocate = true;
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_BAD_IOV);
	memcpy(iov, fit, sizeof iov);
	iov[2].len = BT_MSG_MAX + 1;
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_TOO_LARGE);
	iov[2].len = BT_MSG_MAX;
	iov[1] = (struct bt_msg_iov){.type = BT_MSG_IOV_SIGN_ONLY, .ptr = bytes[1], .len = 1};
	assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 3), BT_ERR_TOO_LARGE);
	/* Padding that came: these enctypes have none. */
	memcpy(iov, fit, sizeof iov);
	iov[1].type = PADDING;
	assert_int_equal(bt_msg_unwrap_iov(pair.acceptor, iov, 3, &conf, &order), BT_ERR_BAD_IOV);
	assert_same_state(pair.initiator, &sender);
	assert_same_state(pair.acceptor, &receiver);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(((uint8_t *)bytes)[i], 0);
	pair_free(&pair);
}

static void
refuses_bad_streams(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_msg_state before = state_with((struct setup){0}, false);
	struct bt_buf token;
	enum bt_msg_order order;
	bool conf;

	for (size_t i = 0; i < 2; i++) {
		assert_ok(bt_msg_wrap(pair.initiator, i == 0, bt_bytes_of_str("a whole token"), &token));
		for (size_t len = 0; len <= token.len; len++)
			for (size_t bit = 0; bit < 3; bit++) {
				struct bt_buf copy = exact(bt_bytes_of(token.ptr, len));
				struct bt_msg_iov iov[] = {{.type = STREAM, .ptr = copy.ptr, .len = len},
							   {.type = DATA, .allocate = bit == 1}};

				if (len == token.len)
					copy.ptr[40] ^= 1;
				assert_true(bt_msg_unwrap_iov(pair.acceptor, iov, 2, &conf, &order) != 0);
				assert_null(iov[1].ptr);
				assert_same_state(pair.acceptor, &before);
				free(copy.ptr);
			}
		bt_buf_free(&token);
	}
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_plain_tokens),    cmocka_unit_test(has_the_known_lengths),
	    cmocka_unit_test(fills_with_ones),	     cmocka_unit_test(streams_any_rotation),
	    cmocka_unit_test(signs_without_sending), cmocka_unit_test(needs_data_to_encrypt),
	    cmocka_unit_test(refuses_every_change),  cmocka_unit_test(refuses_other_arrangements),
	    cmocka_unit_test(refuses_unfit_buffers), cmocka_unit_test(refuses_bad_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
