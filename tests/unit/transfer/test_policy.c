/* Who may import. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "fake_claim.h"
#include "support.h"
#include "transfer/policy.h"

static struct bt_seal_header
header_of(uid_t uid)
{
	struct bt_seal_header header = {.claim = {.place = BT_CLAIM_PLACE_SHM}};

	fake_claims_reset();
	memcpy(header.claim.store_id, "fake store, #001", BT_CLAIM_STORE_ID_LEN);
	header.uid = uid;
	return header;
}

static void
an_exporter_writes_its_effective_user(void **state)
{
	struct bt_claim_store *store;
	struct bt_seal_header header;

	fake_claims_reset();
	test_has_uid = true;
	test_uid = 4711;
	assert_int_equal(bt_transfer_place(&bt_transfer_policy_usual, &header, &store), 0);
	assert_int_equal(header.audience.bits, 0);
	assert_int_equal(header.uid, 4711);
	test_has_uid = false;
}

static void
the_same_user_may(void **state)
{
	struct bt_seal_header header = header_of(geteuid());
	struct bt_claim_store *store;

	assert_int_equal(bt_transfer_admit(&header, &store), 0);
}

static void
another_user_may_not(void **state)
{
	struct bt_seal_header header = header_of(geteuid() + 1);
	struct bt_claim_store *store;

	/* Whether it has a store of its own, no store, or one that does not open. */
	header.claim.store_id[0] ^= 1;
	assert_int_equal(bt_transfer_admit(&header, &store), BT_ERR_TOKEN_USER);
	fake_claims.open_error = BT_ERR_TOKEN_STORE;
	assert_int_equal(bt_transfer_admit(&header, &store), BT_ERR_TOKEN_USER);
	fake_claims.open_error = BT_ERR_STORE_MODE;
	assert_int_equal(bt_transfer_admit(&header, &store), BT_ERR_TOKEN_USER);
}

static void
a_changed_user_is_told_from_another(void **state)
{
	struct bt_seal_header header = header_of(geteuid() ^ 0x80000000);
	struct bt_claim_store *store;

	assert_int_equal(bt_transfer_admit(&header, &store), BT_ERR_TOKEN_ALTERED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_exporter_writes_its_effective_user),
	    cmocka_unit_test(the_same_user_may),
	    cmocka_unit_test(another_user_may_not),
	    cmocka_unit_test(a_changed_user_is_told_from_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
