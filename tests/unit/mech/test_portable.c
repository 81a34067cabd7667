/* Exported credentials as text: MIT's spelling byte for byte, and nothing that is not it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "failing.h"
#include "mech/krb5/portable.h"

#define TICKET               \
	"[\"bob@R\",\"host/" \
	"a@R\",[17,\"AAECAw==\"],1,-2,3,0,true,-7,[[2,\"fwAAAQ==\"]],\"YYI=\",\"\",[[1,\"MAA=\"],[128,\"\"]]]"
#define PLAIN_TICKET "[\"bob@R\",\"krbtgt/R@R\",[18,\"AAEC\"],1,2,3,4,false,5,null,\"YQ==\",\"YYJh\",null]"

/* As MIT's library writes them. */
static const char *const good[] = {
    "[\"K5C1\",[2,[\"host/a@R\",\"host\",\"a\"],null,false,false,\"FILE:/k\",\"file2:/r\",null,null,false,0,0,null,null]]",
    "[\"K5C1\",[1,null,null,true,false,null,null,null,\"FILE:/k\",false,0,0,null,null]]",
    "[\"K5C1\",[0,[\"a@R\",null,null],null,false,false,\"FILE:/k\",null,\"FILE:/c\",null,true,1795341164,0,[18,17],null]]",
    "[\"K5C1\",[1,[\"bob@R\",null,null],\"host/a@R\",false,false,null,null,[\"bob@R\"," TICKET "," PLAIN_TICKET
    "],null,false,1795341164,1795323164,null,\"a\\\"b\\\\c/\\n\\u0001\\u001F\"]]",
    "[\"K5C1\",[1,[\"bob@R\",null,null],null,false,false,null,null,[\"bob@R\"],null,false,0,0,[],null]]",
    /* For IAKERB: tickets are yet to be got. */
    "[\"K5C1\",[1,[\"bob@R\",null,null],null,false,true,null,null,\"FILE:/c\",null,false,0,0,null,\"wonderland\"]]",
};

static struct bt_buf
spell(const struct bt_krb5_portable *portable)
{
	struct bt_buf out;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_krb5_portable_write(portable, &wr);
	assert_int_equal(bt_wr_take(&wr, &out), 0);
	return out;
}

static void
same_again(void **state)
{
	static struct bt_krb5_portable portable;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct bt_buf out;

		assert_int_equal(bt_krb5_portable_read(bt_bytes_of_str(good[i]), &portable), 0);
		out = spell(&portable);
		assert_int_equal(out.len, strlen(good[i]));
		assert_memory_equal(out.ptr, good[i], out.len);
		bt_buf_free(&out);
		bt_krb5_portable_done(&portable);
	}
	assert_int_equal(failing_live(), 0);
}

static void
what_it_says(void **state)
{
	static struct bt_krb5_portable portable;
	const struct bt_krb5_portable_ticket *ticket;

	assert_int_equal(bt_krb5_portable_read(bt_bytes_of_str(good[3]), &portable), 0);
	assert_int_equal(portable.usage, 1);
	assert_string_equal(portable.principal, "bob@R");
	assert_null(portable.service);
	assert_string_equal(portable.impersonator, "host/a@R");
	assert_string_equal(portable.password, "a\"b\\c/\n\001\037");
	assert_true(portable.has_contents);
	assert_int_equal(portable.num_tickets, 2);
	ticket = &portable.tickets[0];
	assert_string_equal(ticket->server, "host/a@R");
	assert_int_equal(ticket->key.len, 4);
	assert_memory_equal(ticket->key.ptr, "\0\1\2\3", 4);
	assert_int_equal(ticket->times[1], -2);
	assert_true(ticket->is_skey);
	assert_int_equal(ticket->addresses.num, 1);
	assert_memory_equal(ticket->addresses.items[0].bytes.ptr, "\x7f\0\0\1", 4);
	assert_int_equal(ticket->second_ticket.len, 0);
	assert_int_equal(ticket->authdata.num, 2);
	assert_int_equal(ticket->authdata.items[1].type, 128);
	assert_false(portable.tickets[1].addresses.is_there);
	assert_false(portable.is_iakerb);
	bt_krb5_portable_done(&portable);
}

/* White space between values is JSON; so are other escapes. */
static void
other_spellings(void **state)
{
	static const char *const texts[] = {
	    " [ \"K5C1\" ,\t[1,null,null,true,false,null,null,null,\"FILE:\\/k\",false,0,-0,null,null]\n]\r\n",
	    "[\"K5C1\",[1,null,null,true,false,null,null,null,\"\\u0046ILE:/k\",false,0,0,null,null]]",
	};
	static struct bt_krb5_portable portable;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct bt_buf out;

		assert_int_equal(bt_krb5_portable_read(bt_bytes_of_str(texts[i]), &portable), 0);
		out = spell(&portable);
		assert_memory_equal(out.ptr, good[1], out.len);
		bt_buf_free(&out);
		bt_krb5_portable_done(&portable);
	}
}

static void
refused(void **state)
{
#define CRED(usage, name, flags, keytab, ccache, times, enctypes, password)                                                   \
	"[\"K5C1\",[" usage "," name ",null," flags "," keytab ",null," ccache ",null,false," times "," enctypes "," password \
	"]]"
	static const char *const bad[] = {
	    "",
	    "{}",
	    "[]",
	    "[\"K5C1\"]",
	    "[\"K5C2\",[1,null,null,true,false,null,null,null,null,false,0,0,null,null]]",
	    CRED("3", "null", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("-1", "null", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("01", "null", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("1.0", "null", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("1", "\"a\"", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("1", "[null,null]", "true,false", "null", "null", "0,0", "null", "null"),
	    CRED("1", "null", "1,false", "null", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "\"a\\u0000b\"", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "\"a\\u0100b\"", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "\"a\\xb\"", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "\"a\nb\"", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "\"a", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "nul", "null", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[]", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[null]", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",]", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",[]]", "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",[null,null,[1,\"A\"],0,0,0,0,true,0,null,\"\",\"\",null]]", "0,0",
		 "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",[null,null,[1,\"AB==\"],0,0,0,0,true,0,null,\"\",\"\",null]]",
		 "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",[null,null,[1,\"A===\"],0,0,0,0,true,0,null,\"\",\"\",null]]",
		 "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "[\"a\",[null,null,[1,\"AA==AAAA\"],0,0,0,0,true,0,null,\"\",\"\",null]]",
		 "0,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "null", "4294967296,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "null", "99999999999999999999,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "null", "-,0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "null", "0", "null", "null"),
	    CRED("1", "null", "true,false", "null", "null", "0,0", "[18,]", "null"),
	    CRED("1", "null", "true,false", "null", "null", "0,0", "[\"18\"]", "null"),
	    CRED("1", "null", "true,false", "null", "null", "0,0", "null", "null,null"),
	    CRED("1", "null", "true,false", "null", "null", "0,0", "null", "null") "]",
	    CRED("1", "null", "true,false", "null", "null", "0,0", "null", "null") "x",
	};
	static struct bt_krb5_portable portable;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int e = bt_krb5_portable_read(bt_bytes_of_str(bad[i]), &portable);

		if (e != BT_ERR_DEFECTIVE_TOKEN)
			fail_msg("%d: %s", e, bad[i]);
	}
	/* So are all that end early. */
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		for (size_t len = 0; len < strlen(good[i]); len++)
			assert_int_equal(bt_krb5_portable_read(bt_bytes_of(good[i], len), &portable), BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(failing_live(), 0);
}

static void
no_memory(void **state)
{
	static struct bt_krb5_portable portable;
	bool happened = true;

	for (size_t n = 1; happened; n++) {
		int e;

		assert_true(n < 1000);
		failing_at(n);
		e = bt_krb5_portable_read(bt_bytes_of_str(good[3]), &portable);
		happened = failing_happened();
		failing_at(0);
		assert_int_equal(e, happened ? BT_ERR_NOMEM : 0);
		if (e == 0)
			bt_krb5_portable_done(&portable);
		assert_int_equal(failing_live(), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_again), cmocka_unit_test(what_it_says), cmocka_unit_test(other_spellings),
	    cmocka_unit_test(refused),	  cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
