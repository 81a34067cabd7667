#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/*
 * What a KDC says about a client beside its name: the PAC (MS-PAC) and the authentication indicators (RFC 8129). libkrb5
 * checks both while it reads a request; what it found good is asked for here. A context keeps only how much that was, since
 * all of it is in its authorisation data.
 *
 * A name's attributes are in the form that MIT's library gives them in an exported composite name: the number of parts,
 * then each part's name and contents, numbers and lengths in 32 bits.
 *   mspac                      length, PAC, whether it was found good
 *   authentication-indicators  number of them, then length and text of each
 */

/* Not declared by krb5.h; exported since 1.8. Absent: names have no attributes. */
struct _krb5_authdata_context;
extern krb5_error_code krb5_auth_con_get_authdata_context(krb5_context ctx, krb5_auth_context auth,
							  struct _krb5_authdata_context **out) __attribute__((weak));
extern krb5_error_code krb5_authdata_get_attribute(krb5_context ctx, struct _krb5_authdata_context *authdata,
						   const krb5_data *attribute, krb5_boolean *authenticated,
						   krb5_boolean *complete, krb5_data *value, krb5_data *display_value,
						   int *more) __attribute__((weak));

#define WHOLE_PAC "urn:mspac:"
#define INDICATORS "auth-indicators"
#define PAC_PART "mspac"
#define INDICATORS_PART "authentication-indicators"

enum { NUM_PARTS = 2, NUM_INDICATORS_MAX = 256 };

/* Parts of a PAC that have names. MS-PAC §2.4. */
static const struct {
	uint32_t type;
	const char *name;
} pac_parts[] = {
    {1, "urn:mspac:logon-info"},       {2, "urn:mspac:credentials-info"}, {6, "urn:mspac:server-checksum"},
    {7, "urn:mspac:privsvr-checksum"}, {10, "urn:mspac:client-info"},	  {11, "urn:mspac:delegation-info"},
    {12, "urn:mspac:upn-dns-info"},
};

enum { NUM_PAC_PARTS = sizeof pac_parts / sizeof pac_parts[0] };

/* ---- from a request ---- */

/* The next value of an attribute that libkrb5 found good: libkrb5's memory. False: there is none. */
static bool
next_value(struct bt_krb5 *lib, struct _krb5_authdata_context *authdata, const char *attribute, krb5_data *value, int *more)
{
	krb5_data name = {.magic = KV5M_DATA, .length = (unsigned)strlen(attribute), .data = (char *)(uintptr_t)attribute};
	krb5_data display = {0};
	krb5_boolean authenticated = 0, complete = 0;

	*value = (krb5_data){0};
	if (krb5_authdata_get_attribute(lib->ctx, authdata, &name, &authenticated, &complete, value, &display, more) != 0)
		return false;
	krb5_free_data_contents(lib->ctx, &display);
	if (!authenticated)
		krb5_free_data_contents(lib->ctx, value);
	return authenticated;
}

/* As bt_krb5_authdata_said writes them; returns their number. */
static uint32_t
write_indicators(struct bt_krb5 *lib, struct _krb5_authdata_context *authdata, struct bt_wr *wr)
{
	krb5_data value;
	uint32_t num = 0;

	for (int more = -1; more != 0 && num < NUM_INDICATORS_MAX; num++) {
		if (!next_value(lib, authdata, INDICATORS, &value, &more))
			break;
		bt_wr_be32(wr, value.length);
		bt_wr_bytes(wr, bt_bytes_of(value.data, value.length));
		krb5_free_data_contents(lib->ctx, &value);
	}
	return num;
}

/*
 * What libkrb5 found good must be what is found in authz later on, to the byte: there the client's own word follows the
 * ticket's. Who makes the two differ is refused, and does not get in without what its realm says about it.
 */
int
bt_krb5_attributes_vouched(struct bt_krb5 *lib, krb5_auth_context auth, struct bt_bytes authz, uint32_t *out)
{
	struct _krb5_authdata_context *authdata = NULL;
	struct bt_wr good, found;
	struct bt_krb5_said said;
	krb5_data pac;
	uint32_t num;
	bool has_pac;
	int more = -1, e = 0;

	*out = 0;
	if (krb5_auth_con_get_authdata_context == NULL || krb5_authdata_get_attribute == NULL ||
	    krb5_auth_con_get_authdata_context(lib->ctx, auth, &authdata) != 0 || authdata == NULL)
		return 0;
	bt_wr_init(&good);
	bt_wr_init(&found);
	has_pac = next_value(lib, authdata, WHOLE_PAC, &pac, &more);
	num = write_indicators(lib, authdata, &good);
	if (has_pac || num != 0)
		e = bt_krb5_authdata_said(authz, num, &found, &said);
	if (good.failed || found.failed)
		e = BT_ERR_NOMEM;
	else if (e == 0 && ((has_pac && !bt_bytes_equal(said.pac, bt_bytes_of(pac.data, pac.length))) ||
			    !bt_bytes_equal(bt_wr_written(&good), bt_wr_written(&found))))
		e = BT_ERR_MALFORMED;
	if (e == 0)
		*out = num * BT_KRB5_VOUCHED_INDICATOR | (has_pac ? BT_KRB5_VOUCHED_PAC : 0);
	bt_mem_wipe(pac.data, pac.length);
	krb5_free_data_contents(lib->ctx, &pac);
	bt_wr_done(&good);
	bt_wr_done(&found);
	return e;
}

/* ---- of a context ---- */

static void
put_part(struct bt_wr *wr, const char *name)
{
	bt_wr_be32(wr, (uint32_t)strlen(name));
	bt_wr_bytes(wr, bt_bytes_of_str(name));
}

static int
write_attributes(const struct bt_ctx *ctx, struct bt_wr *wr)
{
	bool has_pac = (ctx->vouched & BT_KRB5_VOUCHED_PAC) != 0;
	uint32_t num = ctx->vouched / BT_KRB5_VOUCHED_INDICATOR;
	struct bt_wr indicators;
	struct bt_krb5_said said;
	int e;

	bt_wr_init(&indicators);
	e = bt_krb5_authdata_said(bt_bytes_of_buf(&ctx->authz), num, &indicators, &said);
	if (e == 0 && ((has_pac && said.pac.len == 0) || said.num_indicators != num))
		e = BT_ERR_MALFORMED;
	if (!has_pac)
		said.pac = (struct bt_bytes){0};
	bt_wr_be32(wr, NUM_PARTS);
	put_part(wr, PAC_PART);
	bt_wr_be32(wr, (uint32_t)said.pac.len);
	bt_wr_bytes(wr, said.pac);
	bt_wr_be32(wr, has_pac);
	put_part(wr, INDICATORS_PART);
	bt_wr_be32(wr, num);
	bt_wr_bytes(wr, bt_wr_written(&indicators));
	if (wr->failed || indicators.failed)
		e = BT_ERR_NOMEM;
	bt_wr_done(&indicators);
	return e;
}

int
bt_krb5_name_of_initiator(const struct bt_ctx *ctx, struct bt_mn **out)
{
	struct bt_wr wr;
	int e;

	*out = NULL;
	bt_wr_init(&wr);
	e = write_attributes(ctx, &wr);
	if (e == 0 && (*out = bt_mn_with_attributes(ctx->initiator, bt_wr_written(&wr), true)) == NULL)
		e = BT_ERR_NOMEM;
	bt_wr_done(&wr);
	return e;
}

/* ---- of a name ---- */

/* Views into a name's attributes. */
struct attributes {
	struct bt_bytes pac; /* empty: none, or not found good by who wrote it down */
	uint32_t num_indicators;
	struct bt_rd indicators;
};

static void
read_indicators(struct bt_rd *rd, struct attributes *out)
{
	out->num_indicators = bt_rd_be32(rd);
	out->indicators = *rd;
	for (uint32_t i = 0; i < out->num_indicators && !rd->failed; i++)
		bt_rd_bytes(rd, bt_rd_be32(rd));
}

/* They may have come from a program in an exported name. Parts of unknown names have no length to pass over them by. */
static int
read_attributes(const struct bt_mn *mn, struct attributes *out)
{
	struct bt_rd rd = bt_rd_of(mn->attributes);
	uint32_t num_parts;

	*out = (struct attributes){0};
	if (mn->attributes.len == 0)
		return 0;
	num_parts = bt_rd_be32(&rd);
	for (uint32_t i = 0; i < num_parts && !rd.failed; i++) {
		struct bt_bytes name = bt_rd_bytes(&rd, bt_rd_be32(&rd)), pac;

		if (bt_bytes_equal(name, bt_bytes_of_str(PAC_PART))) {
			pac = bt_rd_bytes(&rd, bt_rd_be32(&rd));
			out->pac = bt_rd_be32(&rd) != 0 ? pac : (struct bt_bytes){0};
		} else if (bt_bytes_equal(name, bt_bytes_of_str(INDICATORS_PART))) {
			read_indicators(&rd, out);
		} else {
			bt_rd_fail(&rd);
		}
	}
	if (bt_rd_end(&rd) == 0)
		return 0;
	*out = (struct attributes){0};
	return ENOENT;
}

static int
parse_pac(struct bt_krb5 *lib, struct bt_bytes bytes, krb5_pac *out)
{
	if (bytes.len == 0)
		return ENOENT;
	return bt_krb5_fail(lib, krb5_pac_parse(lib->ctx, bytes.ptr, bytes.len, out));
}

/* ---- what there is ---- */

static int
list_part(uint32_t type, struct bt_answers *out)
{
	char text[sizeof WHOLE_PAC + 10];

	for (size_t i = 0; i < NUM_PAC_PARTS; i++)
		if (pac_parts[i].type == type)
			return bt_answers_add_copy(out, bt_bytes_of_str(pac_parts[i].name));
	snprintf(text, sizeof text, WHOLE_PAC "%" PRIu32, type);
	return bt_answers_add_copy(out, bt_bytes_of_str(text));
}

static int
list_pac(struct bt_krb5 *lib, struct bt_bytes bytes, struct bt_answers *out)
{
	krb5_ui_4 *types = NULL;
	size_t num = 0;
	krb5_pac pac;
	int e = parse_pac(lib, bytes, &pac);

	if (e != 0)
		return e;
	if ((e = bt_answers_add_copy(out, bt_bytes_of_str(WHOLE_PAC))) == 0)
		e = bt_krb5_fail(lib, krb5_pac_get_types(lib->ctx, pac, &num, &types));
	for (size_t i = 0; i < num && e == 0; i++)
		e = list_part(types[i], out);
	free(types);
	krb5_pac_free(lib->ctx, pac);
	return e;
}

int
bt_krb5_name_attributes(const struct bt_mn *mn, struct bt_answers *out)
{
	struct attributes attributes;
	struct bt_krb5 *lib;
	int e = 0;

	*out = (struct bt_answers){0};
	if (read_attributes(mn, &attributes) != 0)
		return 0;
	if (attributes.pac.len != 0 && (e = bt_krb5_enter(&lib)) == 0) {
		e = list_pac(lib, attributes.pac, out);
		bt_krb5_leave(lib);
	}
	if (e == 0 && attributes.num_indicators != 0)
		e = bt_answers_add_copy(out, bt_bytes_of_str(INDICATORS));
	if (e != 0)
		bt_answers_free(out);
	return e;
}

/* ---- one value ---- */

/* The number of a PAC's part by its name, in whatever case, or in digits. 0: it has none. */
static uint32_t
part_of(struct bt_bytes name)
{
	uint64_t number = 0;

	for (size_t i = 0; i < NUM_PAC_PARTS; i++)
		if (strlen(pac_parts[i].name) == name.len &&
		    strncasecmp(pac_parts[i].name, (const char *)name.ptr, name.len) == 0)
			return pac_parts[i].type;
	for (size_t i = strlen(WHOLE_PAC); i < name.len; i++) {
		if (name.ptr[i] < '0' || name.ptr[i] > '9' || number > UINT32_MAX)
			return 0;
		number = number * 10 + (uint64_t)(name.ptr[i] - '0');
	}
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static int
get_part(struct bt_krb5 *lib, struct bt_bytes bytes, uint32_t type, struct bt_buf *out)
{
	krb5_data part;
	krb5_pac pac;
	int e = type != 0 ? parse_pac(lib, bytes, &pac) : ENOENT;

	if (e != 0)
		return e;
	e = bt_krb5_fail(lib, krb5_pac_get_buffer(lib->ctx, pac, type, &part));
	if (e == 0) {
		e = bt_buf_dup(bt_bytes_of(part.data, part.length), out);
		bt_mem_wipe(part.data, part.length);
		krb5_free_data_contents(lib->ctx, &part);
	}
	krb5_pac_free(lib->ctx, pac);
	return e;
}

static int
get_from_pac(struct bt_bytes pac, struct bt_bytes attribute, struct bt_buf *out)
{
	struct bt_krb5 *lib;
	int e;

	if (pac.len == 0)
		return ENOENT;
	if (attribute.len == strlen(WHOLE_PAC))
		return bt_buf_dup(pac, out);
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	e = get_part(lib, pac, part_of(attribute), out);
	bt_krb5_leave(lib);
	return e;
}

static int
get_indicator(struct attributes *attributes, int *more, struct bt_buf *out)
{
	uint32_t wanted = *more < 0 ? 0 : (uint32_t)*more;
	struct bt_bytes text = {0};

	if (wanted >= attributes->num_indicators)
		return ENOENT;
	for (uint32_t i = 0; i <= wanted; i++)
		text = bt_rd_bytes(&attributes->indicators, bt_rd_be32(&attributes->indicators));
	*more = wanted + 1 < attributes->num_indicators ? (int)wanted + 1 : 0;
	return bt_buf_dup(text, out);
}

int
bt_krb5_name_attribute(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out)
{
	struct attributes attributes;
	int e = read_attributes(mn, &attributes);

	*out = (struct bt_attribute){0};
	if (e == 0 && bt_bytes_equal(attribute, bt_bytes_of_str(INDICATORS))) {
		e = get_indicator(&attributes, more, &out->value);
	} else if (e == 0 && *more == -1 && attribute.len >= strlen(WHOLE_PAC) &&
		   strncasecmp((const char *)attribute.ptr, WHOLE_PAC, strlen(WHOLE_PAC)) == 0) {
		e = get_from_pac(attributes.pac, attribute, &out->value);
		*more = 0;
	} else {
		e = ENOENT;
	}
	if (e != 0) {
		*more = 0;
		return e;
	}
	out->is_authenticated = mn->is_vouched_for;
	out->is_complete = true;
	return 0;
}

/* ---- as libkrb5's object ---- */

int
bt_krb5_name_map(const struct bt_mn *mn, struct bt_bytes type, void **out)
{
	struct attributes attributes;
	krb5_pac pac = NULL;
	struct bt_krb5 *lib;
	int e;

	*out = NULL;
	if (!bt_bytes_equal(type, bt_bytes_of_str(PAC_PART)) || read_attributes(mn, &attributes) != 0)
		return ENOENT;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = parse_pac(lib, attributes.pac, &pac)) == 0)
		*out = pac;
	bt_krb5_leave(lib);
	return e;
}

int
bt_krb5_name_unmap(const struct bt_mn *mn, struct bt_bytes type, void *object)
{
	struct bt_krb5 *lib;
	int e;

	if (!bt_bytes_equal(type, bt_bytes_of_str(PAC_PART)))
		return ENOENT;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	krb5_pac_free(lib->ctx, object);
	bt_krb5_leave(lib);
	return 0;
}
