/* The list of errors, and notes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static void
every_error_has_a_number_and_a_text_of_its_own(void **state)
{
	assert_true(bt_err_count() > 50);
	for (size_t i = 0; i < bt_err_count(); i++) {
		int err = bt_err_at(i);
		const char *text = bt_err_text(err);

		/* 0 is success, and small positive numbers are errno's. */
		assert_true(err < 0 || err > 4096);
		assert_non_null(text);
		assert_true(strlen(text) > 0);
		assert_true(text[strlen(text) - 1] != '.');
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(bt_err_at(j), err);
			assert_string_not_equal(bt_err_text(bt_err_at(j)), text);
		}
	}
}

/* Programs log these: they do not move. The first two tables are those of MIT's library. */
static void
numbers_stay(void **state)
{
	assert_int_equal(BT_ERR_NONE, 0);
	assert_int_equal(BT_ERR_BAD_SERVICE_NAME, (int)0x861b6d00);
	assert_int_equal(BT_ERR_CCACHE_NOMATCH, 0x025ea100);
	assert_int_equal(BT_ERR_CTX_INCOMPLETE, 0x025ea107);
	assert_int_equal(BT_ERR_NOMEM, 0x72ea6800);
	assert_int_equal(BT_ERR_BAD_MIC, 0x72ea6807);
	assert_int_equal(BT_ERR_TOKEN_USED, 0x72ea680f);
}

static void
other_numbers_are_not_ours(void **state)
{
	const int others[] = {0, EINVAL, -1765328384, -1, INT32_MAX, INT32_MIN};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_null(bt_err_text(others[i]));
		assert_null(bt_err_hint(others[i]));
		assert_null(bt_err_noted(others[i]));
	}
}

static void
hints_stand_where_there_is_something_to_do(void **state)
{
	assert_string_equal(bt_err_hint(BT_ERR_TGT_MISSING), "run kinit");
	assert_null(bt_err_hint(BT_ERR_NOMEM));
}

static void
newest_note_of_an_error_is_kept(void **state)
{
	assert_int_equal(bt_err_note(BT_ERR_BAD_MIC, "%s", "older"), BT_ERR_BAD_MIC);
	bt_err_note(BT_ERR_BAD_MIC, "message %d of %d", 3, 7);
	bt_err_note(ENOENT, "%s", "/etc/krb5.keytab");
	assert_string_equal(bt_err_noted(BT_ERR_BAD_MIC), "message 3 of 7");
	assert_string_equal(bt_err_noted(ENOENT), "/etc/krb5.keytab");
	assert_null(bt_err_noted(BT_ERR_NOMEM));
	assert_null(bt_err_noted(0));
}

static void
old_notes_go(void **state)
{
	bt_err_note(BT_ERR_BAD_MIC, "old");
	for (int i = 0; i < 10; i++)
		bt_err_note(ENOENT, "%d", i);
	assert_null(bt_err_noted(BT_ERR_BAD_MIC));
	assert_string_equal(bt_err_noted(ENOENT), "9");
}

static void
long_notes_are_cut(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	bt_err_note(BT_ERR_BAD_MIC, "%s", text);
	assert_true(strlen(bt_err_noted(BT_ERR_BAD_MIC)) > 100);
	assert_true(strlen(bt_err_noted(BT_ERR_BAD_MIC)) < 1000);
}

static void *
note_elsewhere(void *arg)
{
	*(const char **)arg = bt_err_noted(BT_ERR_BAD_USAGE);
	bt_err_note(BT_ERR_BAD_USAGE, "there");
	return NULL;
}

static void
threads_have_their_own_notes(void **state)
{
	const char *seen = "";
	pthread_t thread;

	bt_err_note(BT_ERR_BAD_USAGE, "here");
	assert_int_equal(pthread_create(&thread, NULL, note_elsewhere, &seen), 0);
	pthread_join(thread, NULL);
	assert_null(seen);
	assert_string_equal(bt_err_noted(BT_ERR_BAD_USAGE), "here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_number_and_a_text_of_its_own),
	    cmocka_unit_test(numbers_stay),
	    cmocka_unit_test(other_numbers_are_not_ours),
	    cmocka_unit_test(hints_stand_where_there_is_something_to_do),
	    cmocka_unit_test(newest_note_of_an_error_is_kept),
	    cmocka_unit_test(old_notes_go),
	    cmocka_unit_test(long_notes_are_cut),
	    cmocka_unit_test(threads_have_their_own_notes),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
