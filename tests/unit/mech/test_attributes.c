/*
 * What a realm says about a name: from a request of the realm's, from bytes that a program made, and from anything else.
 * The realm's KDC gives every ticket a PAC.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/der.h"

#define TEXT(literal) bt_bytes_of(literal, sizeof(literal) - 1)

static struct bt_mn *
name_with(struct bt_bytes attributes, bool is_vouched_for)
{
	struct bt_mn *name = import_name("alice", "", 0), *with = bt_mn_with_attributes(name, attributes, is_vouched_for);

	assert_non_null(with);
	bt_mn_free(name);
	return with;
}

static int
get(const struct bt_mn *mn, const char *attribute, int *more, struct bt_attribute *out)
{
	return bt_mech_krb5.name_attribute(mn, bt_bytes_of_str(attribute), more, out);
}

static int
get_first(const struct bt_mn *mn, const char *attribute)
{
	struct bt_attribute found;
	int more = -1, e = get(mn, attribute, &more, &found);

	if (e != 0)
		assert_true(more == 0 && found.value.ptr == NULL && !found.is_authenticated);
	bt_buf_free(&found.value);
	return e;
}

static size_t
count(const struct bt_mn *mn)
{
	struct bt_answers names;
	size_t num;

	assert_int_equal(bt_mech_krb5.name_attributes(mn, &names), 0);
	num = names.num_items;
	/* What is listed can be had. */
	for (size_t i = 0; i < num; i++) {
		struct bt_attribute found;
		int more = -1;

		assert_int_equal(bt_mech_krb5.name_attribute(mn, bt_bytes_of_buf(&names.items[i]), &more, &found), 0);
		bt_buf_free(&found.value);
	}
	bt_answers_free(&names);
	return num;
}

/* As a program gets it. */
static struct bt_mn *
initiator_of(const struct bt_ctx *ctx)
{
	struct bt_mn *mn;

	assert_int_equal(bt_ctx_initiator(ctx, &mn), 0);
	assert_non_null(mn);
	return mn;
}

/* ---- of the realm ---- */

static void
an_acceptor_knows_more(void **state)
{
	struct pair pair = {0};
	struct bt_attribute found;
	struct bt_mn *alice;
	void *pac;
	int more = -1;

	pair_open(&pair);
	/* The PAC is in the context once. */
	assert_int_equal(pair.acceptor->initiator->attributes.len, 0);
	assert_int_equal(pair.acceptor->vouched, 1);
	alice = initiator_of(pair.acceptor);
	assert_true(alice->is_vouched_for);
	assert_true(count(alice) >= 4);
	assert_int_equal(get(alice, "urn:mspac:client-info", &more, &found), 0);
	assert_true(found.is_authenticated && found.is_complete);
	assert_int_equal(more, 0);
	/* MS-PAC §2.7: a time, a length, and the name in UTF-16. */
	assert_int_equal(found.value.len, 10 + 2 * strlen("alice"));
	assert_memory_equal(found.value.ptr + 10, "a\0l\0i\0c\0e", 10);
	bt_buf_free(&found.value);
	/* There is one value, and asking for a second one is asking for nothing. */
	more = 1;
	assert_int_equal(get(alice, "urn:mspac:client-info", &more, &found), ENOENT);

	assert_int_equal(bt_mech_krb5.name_map(alice, TEXT("mspac"), &pac), 0);
	assert_int_equal(bt_mech_krb5.name_unmap(NULL, TEXT("other"), pac), ENOENT);
	assert_int_equal(bt_mech_krb5.name_unmap(NULL, TEXT("mspac"), pac), 0);
	assert_int_equal(bt_mech_krb5.name_map(alice, TEXT("other"), &pac), ENOENT);
	assert_null(pac);

	bt_mn_free(alice);
	/* The other names are only names. */
	assert_int_equal(count(pair.acceptor->acceptor), 0);
	assert_int_equal(count(pair.initiator->initiator), 0);
	pair_done(&pair);
}

static void
no_pac_no_attributes(void **state)
{
	struct pair pair = {.service = "plain@server.baton.test"};
	struct bt_mn *alice;

	pair_open(&pair);
	alice = initiator_of(pair.acceptor);
	assert_int_equal(pair.acceptor->vouched, 0);
	assert_int_equal(alice->attributes.len, 0);
	assert_false(alice->is_vouched_for);
	assert_int_equal(count(alice), 0);
	bt_mn_free(alice);
	pair_done(&pair);
}

/* ---- of anybody ---- */

#define MSPAC "\0\0\0\5mspac"
#define NO_PAC MSPAC "\0\0\0\0\0\0\0\0"
#define INDICATORS   \
	"\0\0\0\x19" \
	"authentication-indicators"

static void
values_come_one_by_one(void **state)
{
	static const char *const expected[] = {"one", "", "three"};
	struct bt_mn *mn = name_with(TEXT("\0\0\0\2" NO_PAC INDICATORS "\0\0\0\3\0\0\0\3one\0\0\0\0\0\0\0\5three"), false);
	struct bt_attribute found;
	int more = -1;

	assert_int_equal(count(mn), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(mn, "auth-indicators", &more, &found), 0);
		assert_true(bt_bytes_equal(bt_bytes_of_buf(&found.value), bt_bytes_of_str(expected[i])));
		assert_int_equal(more, i < 2 ? i + 1 : 0);
		assert_false(found.is_authenticated);
		bt_buf_free(&found.value);
	}
	more = 3;
	assert_int_equal(get(mn, "auth-indicators", &more, &found), ENOENT);
	more = INT32_MAX;
	assert_int_equal(get(mn, "auth-indicators", &more, &found), ENOENT);
	assert_int_equal(get_first(mn, "AUTH-INDICATORS"), ENOENT);
	bt_mn_free(mn);
	mn = name_with(TEXT("\0\0\0\1" INDICATORS "\0\0\0\1\0\0\0\1x"), true);
	more = -1;
	assert_int_equal(get(mn, "auth-indicators", &more, &found), 0);
	assert_true(found.is_authenticated);
	bt_buf_free(&found.value);
	bt_mn_free(mn);
}

static void
check_nothing(struct bt_bytes attributes)
{
	struct bt_mn *mn = name_with(attributes, false);

	assert_int_equal(count(mn), 0);
	assert_int_equal(get_first(mn, "auth-indicators"), ENOENT);
	assert_int_equal(get_first(mn, "urn:mspac:"), ENOENT);
	bt_mn_free(mn);
}

static void
what_cannot_be_read_is_not_there(void **state)
{
	static const uint8_t good[] = "\0\0\0\2" NO_PAC INDICATORS "\0\0\0\1\0\0\0\1x";
	size_t len = sizeof good - 1;
	uint8_t longer[sizeof good];

	for (size_t cut = 0; cut < len; cut++)
		check_nothing(bt_bytes_of(good, cut));
	memcpy(longer, good, sizeof good);
	check_nothing(bt_bytes_of(longer, sizeof good));
	/* More parts than there are, more indicators, and a part that nobody knows. */
	check_nothing(TEXT("\xff\xff\xff\xff" NO_PAC));
	check_nothing(TEXT("\0\0\0\1" INDICATORS "\xff\xff\xff\xff\0\0\0\1x"));
	check_nothing(TEXT("\0\0\0\1" INDICATORS "\0\0\0\1\xff\xff\xff\xffx"));
	check_nothing(TEXT("\0\0\0\1\0\0\0\5greet\0\0\0\0"));
	/* A PAC that who wrote it down did not find good. */
	check_nothing(TEXT("\0\0\0\1" MSPAC "\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0\0"));
}

/* The bytes can be read and the PAC in them cannot: an error, and nothing worse. */
static void
a_pac_that_is_none(void **state)
{
	struct bt_mn *mn = name_with(TEXT("\0\0\0\1" MSPAC "\0\0\0\4\xff\xff\xff\xff\0\0\0\1"), false);
	struct bt_answers names;
	void *pac;

	assert_int_not_equal(bt_mech_krb5.name_attributes(mn, &names), 0);
	assert_null(names.items);
	assert_int_not_equal(get_first(mn, "urn:mspac:client-info"), 0);
	assert_int_equal(get_first(mn, "urn:mspac:"), 0);
	assert_int_not_equal(bt_mech_krb5.name_map(mn, TEXT("mspac"), &pac), 0);
	assert_null(pac);
	bt_mn_free(mn);
}

static void
numbers_of_parts(void **state)
{
	struct pair pair = {0};
	struct bt_mn *alice;

	pair_open(&pair);
	alice = initiator_of(pair.acceptor);
	assert_int_equal(get_first(alice, "urn:mspac:10"), 0);
	assert_int_equal(get_first(alice, "urn:mspac:0000000000000000000000000000010"), 0);
	assert_int_equal(get_first(alice, "Urn:MsPac:Client-INFO"), 0);
	assert_int_equal(get_first(alice, "urn:mspac:0"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac:-10"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac:10x"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac:4294967295"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac:4294967306"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac:18446744073709551626"), ENOENT);
	assert_int_equal(get_first(alice, "urn:mspac"), ENOENT);
	assert_int_equal(get_first(alice, ""), ENOENT);
	bt_mn_free(alice);
	pair_done(&pair);
}

/* ---- as it stands in authorisation data ---- */

enum { IF_RELEVANT = 1, CAMMAC = 96, INDICATOR = 97, PAC = 128 };

static size_t
open_element(struct bt_wr *wr, int type, size_t *contents)
{
	size_t element = bt_der_open(wr, BT_DER_SEQUENCE), field = bt_der_open(wr, BT_DER_CONTEXT(0));

	bt_der_put_int(wr, type);
	bt_der_close(wr, field);
	contents[0] = bt_der_open(wr, BT_DER_CONTEXT(1));
	contents[1] = bt_der_open(wr, BT_DER_OCTET_STRING);
	return element;
}

static void
close_element(struct bt_wr *wr, size_t element, const size_t *contents)
{
	bt_der_close(wr, contents[1]);
	bt_der_close(wr, contents[0]);
	bt_der_close(wr, element);
}

static void
put_element(struct bt_wr *wr, int type, struct bt_bytes bytes)
{
	size_t contents[2], element = open_element(wr, type, contents);

	bt_wr_bytes(wr, bytes);
	close_element(wr, element, contents);
}

/* One element in as many containers. */
static void
put_relevant(struct bt_wr *wr, int depth, int type, struct bt_bytes bytes)
{
	size_t contents[2], element, list;

	if (depth == 0) {
		put_element(wr, type, bytes);
		return;
	}
	element = open_element(wr, IF_RELEVANT, contents);
	list = bt_der_open(wr, BT_DER_SEQUENCE);
	put_relevant(wr, depth - 1, type, bytes);
	bt_der_close(wr, list);
	close_element(wr, element, contents);
}

#define UTF8(len, text) "\x0c" len text

/* A PAC that does not count, indicators, and a verifier that is not looked at. */
static void
put_cammac(struct bt_wr *wr, struct bt_bytes indicators)
{
	size_t contents[2], element = open_element(wr, CAMMAC, contents), cammac = bt_der_open(wr, BT_DER_SEQUENCE);
	size_t field = bt_der_open(wr, BT_DER_CONTEXT(0)), list = bt_der_open(wr, BT_DER_SEQUENCE);

	put_element(wr, PAC, TEXT("not this"));
	put_relevant(wr, 1, INDICATOR, indicators);
	bt_der_close(wr, list);
	bt_der_close(wr, field);
	bt_der_put(wr, BT_DER_CONTEXT(2), TEXT("\x30\0"));
	bt_der_close(wr, cammac);
	close_element(wr, element, contents);
}

static int
read_said(struct bt_bytes authz, uint32_t vouched, struct bt_buf *attributes)
{
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_mn *mn;
	int e;

	*attributes = (struct bt_buf){0};
	assert_non_null(ctx);
	ctx->initiator = import_name("alice", "", 0);
	ctx->vouched = vouched;
	assert_int_equal(bt_buf_dup(authz, &ctx->authz), 0);
	e = bt_ctx_initiator(ctx, &mn);
	if (e == 0) {
		assert_string_equal(mn->text, ctx->initiator->text);
		assert_int_equal(mn->is_vouched_for, vouched != 0);
		assert_int_equal(bt_buf_dup(mn->attributes, attributes), 0);
	} else {
		assert_null(mn);
	}
	bt_mn_free(mn);
	bt_ctx_free(ctx);
	return e;
}

static void
check_said(struct bt_bytes authz, uint32_t vouched, struct bt_bytes expected)
{
	struct bt_buf attributes;

	assert_int_equal(read_said(authz, vouched, &attributes), 0);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&attributes), expected));
	bt_buf_free(&attributes);
}

static void
write_authz(struct bt_wr *wr)
{
	size_t list;

	bt_wr_init(wr);
	list = bt_der_open(wr, BT_DER_SEQUENCE);
	put_element(wr, INDICATOR, TEXT("\x30\x05" UTF8("\3", "not")));
	put_relevant(wr, 2, PAC, TEXT("first"));
	put_cammac(wr, TEXT("\x30\x07" UTF8("\3", "one") UTF8("\0", "")));
	put_relevant(wr, 1, PAC, TEXT("second"));
	put_cammac(wr, TEXT("\x30\x07" UTF8("\5", "three")));
	bt_der_close(wr, list);
	assert_false(wr->failed);
}

#define FIRST_PAC "\0\0\0\2" MSPAC "\0\0\0\5first\0\0\0\1" INDICATORS

/* The first ones only, of what is in the right place. */
static void
only_what_was_found_good(void **state)
{
	struct bt_buf attributes;
	struct bt_wr wr;

	write_authz(&wr);
	check_said(bt_wr_written(&wr), 0, (struct bt_bytes){0});
	check_said(bt_wr_written(&wr), 1, TEXT(FIRST_PAC "\0\0\0\0"));
	check_said(bt_wr_written(&wr), 2, TEXT("\0\0\0\2" NO_PAC INDICATORS "\0\0\0\1\0\0\0\3one"));
	check_said(bt_wr_written(&wr), 5, TEXT(FIRST_PAC "\0\0\0\2\0\0\0\3one\0\0\0\0"));
	check_said(bt_wr_written(&wr), 7, TEXT(FIRST_PAC "\0\0\0\3\0\0\0\3one\0\0\0\0\0\0\0\5three"));
	/* More than there is. */
	assert_int_equal(read_said(bt_wr_written(&wr), 9, &attributes), BT_ERR_MALFORMED);
	assert_int_equal(read_said(bt_wr_written(&wr), UINT32_MAX, &attributes), BT_ERR_MALFORMED);
	bt_wr_done(&wr);
	assert_int_equal(read_said(TEXT("\x30\0"), 1, &attributes), BT_ERR_MALFORMED);
	assert_int_equal(read_said((struct bt_bytes){0}, 1, &attributes), BT_ERR_MALFORMED);
}

static void
cut_and_changed_authorisation_data(void **state)
{
	struct bt_buf attributes;
	struct bt_wr wr;

	write_authz(&wr);
	for (size_t cut = 0; cut < wr.len; cut++)
		assert_int_equal(read_said(bt_bytes_of(wr.ptr, cut), 7, &attributes), BT_ERR_MALFORMED);
	for (size_t bit = 0; bit < wr.len * 8; bit++) {
		wr.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* Also a text may have changed, or the type of a thing that is not read. */
		(void)read_said(bt_wr_written(&wr), 7, &attributes);
		bt_buf_free(&attributes);
		wr.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	bt_wr_u8(&wr, 0);
	assert_int_equal(read_said(bt_wr_written(&wr), 7, &attributes), BT_ERR_MALFORMED);
	bt_wr_done(&wr);
}

static void
deep_containers_are_passed_over(void **state)
{
	for (int depth = 0; depth <= 40; depth++) {
		struct bt_buf attributes;
		struct bt_wr wr;
		size_t list;

		bt_wr_init(&wr);
		list = bt_der_open(&wr, BT_DER_SEQUENCE);
		put_relevant(&wr, depth, PAC, TEXT("first"));
		bt_der_close(&wr, list);
		assert_int_equal(read_said(bt_wr_written(&wr), 1, &attributes), depth <= 8 ? 0 : BT_ERR_MALFORMED);
		bt_buf_free(&attributes);
		bt_wr_done(&wr);
	}
}

/* ---- accounts ---- */

static void
accounts(void **state)
{
	struct bt_mn *alice = import_name("alice", "", 0), *stranger = import_name("alice@OTHER.TEST", "", 0);
	struct bt_buf account;
	bool may_use = true;

	assert_int_equal(bt_mech_krb5.name_account(alice, &account), 0);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&account), TEXT("alice")));
	bt_buf_free(&account);
	assert_int_not_equal(bt_mech_krb5.name_account(stranger, &account), 0);
	assert_null(account.ptr);
	assert_int_equal(bt_mech_krb5.name_may_use(stranger, "root", &may_use), 0);
	assert_false(may_use);
	bt_mn_free(alice);
	bt_mn_free(stranger);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_acceptor_knows_more),
	    cmocka_unit_test(no_pac_no_attributes),
	    cmocka_unit_test(values_come_one_by_one),
	    cmocka_unit_test(what_cannot_be_read_is_not_there),
	    cmocka_unit_test(a_pac_that_is_none),
	    cmocka_unit_test(numbers_of_parts),
	    cmocka_unit_test(only_what_was_found_good),
	    cmocka_unit_test(cut_and_changed_authorisation_data),
	    cmocka_unit_test(deep_containers_are_passed_over),
	    cmocka_unit_test(accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
