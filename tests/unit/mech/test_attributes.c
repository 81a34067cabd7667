/*
 * What a realm says about a name: from a request of the realm's, from bytes that a program made, and from anything else.
 * The realm's KDC gives every ticket a PAC.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* ---- of the realm ---- */

static void
an_acceptor_knows_more(void **state)
{
	struct pair pair = {0};
	struct bt_attribute found;
	void *pac;
	int more = -1;

	pair_open(&pair);
	assert_true(pair.acceptor->initiator->is_vouched_for);
	assert_true(count(pair.acceptor->initiator) >= 4);
	assert_int_equal(get(pair.acceptor->initiator, "urn:mspac:client-info", &more, &found), 0);
	assert_true(found.is_authenticated && found.is_complete);
	assert_int_equal(more, 0);
	/* MS-PAC §2.7: a time, a length, and the name in UTF-16. */
	assert_int_equal(found.value.len, 10 + 2 * strlen("alice"));
	assert_memory_equal(found.value.ptr + 10, "a\0l\0i\0c\0e", 10);
	bt_buf_free(&found.value);
	/* There is one value, and asking for a second one is asking for nothing. */
	more = 1;
	assert_int_equal(get(pair.acceptor->initiator, "urn:mspac:client-info", &more, &found), ENOENT);

	assert_int_equal(bt_mech_krb5.name_map(pair.acceptor->initiator, TEXT("mspac"), &pac), 0);
	assert_int_equal(bt_mech_krb5.name_unmap(TEXT("other"), pac), ENOENT);
	assert_int_equal(bt_mech_krb5.name_unmap(TEXT("mspac"), pac), 0);
	assert_int_equal(bt_mech_krb5.name_map(pair.acceptor->initiator, TEXT("other"), &pac), ENOENT);
	assert_null(pac);

	/* The other names are only names. */
	assert_int_equal(count(pair.acceptor->acceptor), 0);
	assert_int_equal(count(pair.initiator->initiator), 0);
	pair_done(&pair);
}

static void
no_pac_no_attributes(void **state)
{
	struct pair pair = {.service = "plain@server.baton.test"};

	pair_open(&pair);
	assert_int_equal(pair.acceptor->initiator->attributes.len, 0);
	assert_int_equal(count(pair.acceptor->initiator), 0);
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

	pair_open(&pair);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:10"), 0);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:0000000000000000000000000000010"), 0);
	assert_int_equal(get_first(pair.acceptor->initiator, "Urn:MsPac:Client-INFO"), 0);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:0"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:-10"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:10x"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:4294967295"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:4294967306"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac:18446744073709551626"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, "urn:mspac"), ENOENT);
	assert_int_equal(get_first(pair.acceptor->initiator, ""), ENOENT);
	pair_done(&pair);
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
	    cmocka_unit_test(accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
