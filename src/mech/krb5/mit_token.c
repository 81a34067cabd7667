#include "mech/krb5/mit_token.h"

#include "base/err.h"

/* Numbers that stand around objects, beside the token's own. */
enum {
	PRINCIPAL = 0x970ea701,
	KEYBLOCK = 0x970ea703,
	CHECKSUM = 0x970ea704,
	AUTHDATA = 0x970ea70a,
	AUTHENTICATOR = 0x970ea70e,
	ADDRESS = 0x970ea722,
	CONFIGURATION = 0x970ea724,
	CLOCK = 0x970ea725,
	AUTH_CONTEXT = 0x970ea729,
	OID = 0x970ea737,
	QUEUE = 0x970ea738,
	AUTHDATA_CONTEXT = 0x970ea73c,
	PROFILE = 0xaaca6012,
};

/* Numbers before the parts of an AUTH_CONTEXT that may be missing, in their order. */
enum {
	REMOTE_ADDRESS = 950916,
	REMOTE_PORT,
	LOCAL_ADDRESS,
	LOCAL_PORT,
	SESSION_KEY,
	SEND_SUBKEY,
	RECEIVE_SUBKEY,
};

enum { SEED_LEN = 16, INT_LEN = 4, MICROSECONDS = 1000000, PROTO_RFC1964 = 0, PROTO_RFC4121 = 1 };

bool
bt_krb5_mit_token_is(struct bt_bytes token)
{
	struct bt_rd rd = bt_rd_of(token);

	return bt_rd_be32(&rd) == BT_KRB5_MIT_CONTEXT;
}

/* ---- pieces ---- */

static void
expect(struct bt_rd *rd, uint32_t magic)
{
	if (bt_rd_be32(rd) != magic)
		bt_rd_fail(rd);
}

/* An object, or a part of one, that may be missing: is it there? Then its number is read. */
static bool
find(struct bt_rd *rd, uint32_t magic)
{
	struct bt_rd ahead = *rd;

	if (rd->failed || bt_rd_be32(&ahead) != magic || ahead.failed)
		return false;
	*rd = ahead;
	return true;
}

static bool
read_bool(struct bt_rd *rd)
{
	uint32_t value = bt_rd_be32(rd);

	if (value > 1)
		bt_rd_fail(rd);
	return value == 1;
}

static struct bt_bytes
read_counted(struct bt_rd *rd)
{
	return bt_rd_bytes(rd, bt_rd_be32(rd));
}

/* How many things follow, each of so many bytes at least. */
static uint32_t
read_count(struct bt_rd *rd, size_t len_min)
{
	uint32_t count = bt_rd_be32(rd);

	if (count > rd->left / len_min)
		bt_rd_fail(rd);
	return rd->failed ? 0 : count;
}

/* An object that is a string of bytes and nothing else. It is not empty. */
static struct bt_bytes
read_string(struct bt_rd *rd, uint32_t magic)
{
	struct bt_bytes bytes = {0};

	if (!find(rd, magic))
		return bytes;
	bytes = read_counted(rd);
	expect(rd, magic);
	if (bytes.len == 0)
		bt_rd_fail(rd);
	return bytes;
}

/* An object that is a number of some registry and a string of bytes: a checksum, an address, authorisation data. */
static void
read_typed(struct bt_rd *rd, uint32_t magic, int32_t *type, struct bt_bytes *bytes)
{
	expect(rd, magic);
	*type = (int32_t)bt_rd_be32(rd);
	*bytes = read_counted(rd);
	expect(rd, magic);
}

static struct bt_krb5_mit_key
read_key(struct bt_rd *rd)
{
	struct bt_krb5_mit_key key;

	read_typed(rd, KEYBLOCK, &key.enctype, &key.bytes);
	if (key.enctype == 0 || key.bytes.len == 0)
		bt_rd_fail(rd);
	return key;
}

static struct bt_krb5_mit_key
read_optional_key(struct bt_rd *rd)
{
	struct bt_rd ahead = *rd;

	return find(&ahead, KEYBLOCK) ? read_key(rd) : (struct bt_krb5_mit_key){0};
}

/* ---- the exporter's struct, as it lies in its memory ---- */

static uint64_t
native64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static bool
native_bool(const uint8_t *at, struct bt_rd *rd)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	if (value > 1)
		bt_rd_fail(rd);
	return value == 1;
}

/* The one thing in a token that is in the byte order of the host: it comes from a library on this host, or is refused. */
static void
read_window(struct bt_rd *rd, struct bt_krb5_mit_window *out)
{
	enum { REPLAY = 0, SEQUENCE = 4, MASK = 8, FIRST = 16, NEXT = 24, SEEN = 32, LEN = 40 };
	struct bt_bytes bytes;
	uint64_t mask;

	if (!find(rd, QUEUE))
		return;
	bytes = bt_rd_bytes(rd, LEN);
	if (bytes.len != LEN)
		return;
	out->is_there = true;
	out->detects_replay = native_bool(bytes.ptr + REPLAY, rd);
	out->detects_sequence = native_bool(bytes.ptr + SEQUENCE, rd);
	mask = native64(bytes.ptr + MASK);
	out->is_wide = mask == UINT64_MAX;
	out->first = native64(bytes.ptr + FIRST);
	out->next = native64(bytes.ptr + NEXT);
	out->seen = native64(bytes.ptr + SEEN);
	if ((mask != UINT64_MAX && mask != UINT32_MAX) || out->first > mask || out->next > mask)
		bt_rd_fail(rd);
	expect(rd, QUEUE);
}

/* ---- what is read for its form only, but for a few members ---- */

/* A corrected clock: what was added to the host's, unless the flags say that it stands still. */
static void
read_clock(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	enum { IS_VALID = 1, STANDS_STILL = 2 };
	int32_t seconds;
	uint32_t flags;

	expect(rd, CLOCK);
	seconds = (int32_t)bt_rd_be32(rd);
	(void)bt_rd_be32(rd); /* microseconds, beside times in seconds */
	flags = bt_rd_be32(rd);
	expect(rd, CLOCK);
	out->clock_ahead_s = (flags & (IS_VALID | STANDS_STILL)) == IS_VALID ? seconds : 0;
}

/* The exporter's krb5_context: its configuration, which is not ours, and the clock by which its tickets' times are meant. */
static void
read_configuration(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	enum { NUM_SETTINGS = 5 };

	expect(rd, CONFIGURATION);
	(void)read_counted(rd); /* default realm */
	(void)bt_rd_bytes(rd, (size_t)read_count(rd, INT_LEN) * INT_LEN); /* enctypes */
	(void)bt_rd_bytes(rd, NUM_SETTINGS * INT_LEN);
	read_clock(rd, out);
	if (find(rd, PROFILE)) {
		for (uint32_t count = read_count(rd, INT_LEN); count != 0 && !rd->failed; count--)
			(void)read_counted(rd); /* file */
		expect(rd, PROFILE);
	}
	expect(rd, CONFIGURATION);
}

static void
read_authdata(struct bt_rd *rd, struct bt_bytes *out, size_t *num)
{
	enum { LEN_MIN = 4 * INT_LEN };
	const uint8_t *start;
	uint32_t count = read_count(rd, LEN_MIN);

	start = rd->ptr;
	*num = count;
	for (; count != 0 && !rd->failed; count--) {
		struct bt_bytes contents;
		int32_t type;

		bt_krb5_mit_token_authdata(rd, &type, &contents);
	}
	*out = rd->failed ? (struct bt_bytes){0} : bt_bytes_of(start, (size_t)(rd->ptr - start));
}

void
bt_krb5_mit_token_authdata(struct bt_rd *authdata, int32_t *type, struct bt_bytes *contents)
{
	read_typed(authdata, AUTHDATA, type, contents);
}

static void
read_authenticator(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	struct bt_bytes unused;
	struct bt_rd ahead;
	size_t num;
	int32_t type;

	if (!find(rd, AUTHENTICATOR))
		return;
	out->has_authenticator = true;
	out->ctime = bt_rd_be32(rd);
	out->cusec = bt_rd_be32(rd);
	(void)bt_rd_be32(rd); /* sequence number */
	(void)read_string(rd, PRINCIPAL);
	ahead = *rd;
	if (find(&ahead, CHECKSUM))
		read_typed(rd, CHECKSUM, &type, &unused);
	(void)read_optional_key(rd);
	read_authdata(rd, &unused, &num);
	expect(rd, AUTHENTICATOR);
	if (out->cusec >= MICROSECONDS)
		bt_rd_fail(rd);
}

/* The exporter's krb5_auth_context: how the session was set up. */
static void
read_auth_context(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	enum { NUM_SETTINGS = 5 };
	struct bt_bytes unused;
	int32_t type;

	expect(rd, AUTH_CONTEXT);
	(void)bt_rd_bytes(rd, NUM_SETTINGS * INT_LEN);
	(void)read_counted(rd); /* cipher state */
	for (uint32_t part = REMOTE_ADDRESS; part <= LOCAL_PORT; part++)
		if (find(rd, part))
			read_typed(rd, ADDRESS, &type, &unused);
	if (find(rd, SESSION_KEY))
		out->session = read_key(rd);
	for (uint32_t part = SEND_SUBKEY; part <= RECEIVE_SUBKEY; part++)
		if (find(rd, part))
			(void)read_key(rd);
	read_authenticator(rd, out);
	expect(rd, AUTH_CONTEXT);
}

/* ---- what the KDC says about the initiator, as the exporter found it ---- */

static void
read_pac(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	out->pac = read_counted(rd);
	out->pac_is_good = read_bool(rd);
	if (out->pac.len == 0 && out->pac_is_good)
		bt_rd_fail(rd);
}

static void
read_indicators(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	uint32_t count = read_count(rd, INT_LEN);
	const uint8_t *start = rd->ptr;

	out->num_indicators = count;
	for (; count != 0 && !rd->failed; count--)
		(void)read_counted(rd);
	if (!rd->failed)
		out->indicators = bt_bytes_of(start, (size_t)(rd->ptr - start));
}

/* Modules say how long what they write is to nobody but themselves, so that an unknown one cannot be passed over. */
static void
read_modules(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	enum { LEN_MIN = 2 * INT_LEN };
	bool has_pac = false, has_indicators = false;

	if (!find(rd, AUTHDATA_CONTEXT))
		return;
	for (uint32_t count = read_count(rd, LEN_MIN); count != 0 && !rd->failed; count--) {
		struct bt_bytes name = read_counted(rd);

		if (bt_bytes_equal(name, bt_bytes_of_str("mspac")) && !has_pac) {
			read_pac(rd, out);
			has_pac = true;
		} else if (bt_bytes_equal(name, bt_bytes_of_str("authentication-indicators")) && !has_indicators) {
			read_indicators(rd, out);
			has_indicators = true;
		} else {
			bt_rd_fail(rd);
		}
	}
	expect(rd, AUTHDATA_CONTEXT);
}

/* ---- the whole ---- */

/* Which checksum and cipher the tokens of RFC 1964 have. Here the keys tell; the numbers must be ones that belong together. */
static void
read_algorithms(struct bt_rd *rd)
{
	static const int32_t known[][3] = {{-1, 0, -1}, {0x11, 8, 0x10}, {4, 20, 2}};
	int32_t sign = (int32_t)bt_rd_be32(rd), sum_len = (int32_t)bt_rd_be32(rd), seal = (int32_t)bt_rd_be32(rd);

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (sign == known[i][0] && sum_len == known[i][1] && seal == known[i][2])
			return;
	bt_rd_fail(rd);
}

static void
read_head(struct bt_rd *rd, struct bt_krb5_mit_token *out, bool *has_acceptor_subkey)
{
	expect(rd, BT_KRB5_MIT_CONTEXT);
	out->is_initiator = read_bool(rd);
	out->is_open = read_bool(rd);
	*has_acceptor_subkey = read_bool(rd);
	expect(rd, 0); /* a seed that no release has used */
	out->flags = bt_rd_be32(rd);
	for (int i = 0; i < SEED_LEN / INT_LEN; i++)
		expect(rd, 0);
	read_algorithms(rd);
	out->authtime = bt_rd_be32(rd);
	(void)bt_rd_be32(rd); /* start of the ticket */
	out->endtime = bt_rd_be32(rd);
	(void)bt_rd_be32(rd); /* end of its renewals */
	out->ticket_flags = bt_rd_be32(rd);
	out->send_next = bt_rd_be64(rd);
	out->recv_first = bt_rd_be64(rd);
}

static void
read_all(struct bt_rd *rd, struct bt_krb5_mit_token *out)
{
	bool has_acceptor_subkey;
	uint32_t proto;

	read_head(rd, out, &has_acceptor_subkey);
	out->oid = read_string(rd, OID);
	out->here = read_string(rd, PRINCIPAL);
	out->there = read_string(rd, PRINCIPAL);
	out->subkey = read_optional_key(rd);
	out->cipher_key = read_optional_key(rd);
	out->number_key = read_optional_key(rd);
	read_window(rd, &out->window);
	read_configuration(rd, out);
	read_auth_context(rd, out);
	proto = bt_rd_be32(rd);
	(void)bt_rd_be32(rd); /* checksum type, which follows from the key */
	out->acceptor_subkey = read_optional_key(rd);
	(void)bt_rd_be32(rd);  /* its checksum type */
	(void)read_bool(rd); /* whose the replay cache was */
	read_authdata(rd, &out->authdata, &out->num_authdata);
	read_modules(rd, out);
	expect(rd, BT_KRB5_MIT_CONTEXT);
	out->is_rfc4121 = proto == PROTO_RFC4121;
	if ((proto != PROTO_RFC1964 && proto != PROTO_RFC4121) || has_acceptor_subkey != (out->acceptor_subkey.bytes.len != 0))
		bt_rd_fail(rd);
}

int
bt_krb5_mit_token_read(struct bt_bytes token, struct bt_krb5_mit_token *out)
{
	struct bt_rd rd = bt_rd_of(token);
	int e;

	*out = (struct bt_krb5_mit_token){0};
	read_all(&rd, out);
	/* A value that is refused and an end that is missing both stop the cursor. */
	e = rd.failed ? BT_ERR_MALFORMED : bt_rd_end(&rd);
	if (e != 0)
		*out = (struct bt_krb5_mit_token){0};
	return e;
}
