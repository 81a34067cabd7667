/*
 * What the library frees holds no key: after every call of a context's life, the context's key is looked for in all memory that was freed.
 */
#include "support/hand.h"
#include "support/heap.h"
#include "support/self.h"

#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PIECE_LEN = 12, KEY_MAX = 64 };

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

struct key {
	uint8_t bytes[KEY_MAX];
	size_t len;
};

/* Outside of what is watched: what the caller asks for belongs to the caller. */
static struct key
key_of(gss_ctx_id_t ctx)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	struct key key = { 0 };
	OM_uint32 minor;

	heap_keep_freed(false);
	assert_int_equal(gss_inquire_sec_context_by_oid(&minor, ctx, (gss_OID)GSS_C_INQ_SSPI_SESSION_KEY, &set), GSS_S_COMPLETE);
	key.len = set->elements[0].length;
	assert_true(key.len >= PIECE_LEN && key.len <= KEY_MAX);
	memcpy(key.bytes, set->elements[0].value, key.len);
	gss_release_buffer_set(&minor, &set);
	return key;
}

static void
assert_none(const struct key *key, const char *when)
{
	heap_keep_freed(false);
	for (size_t n = 0; n + PIECE_LEN <= key->len; n++)
		if (heap_was_freed(key->bytes + n, PIECE_LEN))
			fail_msg("%s: bytes %zu to %zu of the key were freed without being wiped", when, n, n + PIECE_LEN);
}

static gss_ctx_id_t
move(gss_ctx_id_t ctx, const struct key *key)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;

	heap_keep_freed(true);
	assert_int_equal(gss_export_sec_context(&minor, &ctx, &token), GSS_S_COMPLETE);
	assert_none(key, "export");
	heap_keep_freed(true);
	/* One that is refused on the way, and one that works, and one that comes too late. */
	((uint8_t *)token.value)[token.length - 1] ^= 1;
	assert_int_not_equal(gss_import_sec_context(&minor, &token, &ctx), GSS_S_COMPLETE);
	((uint8_t *)token.value)[token.length - 1] ^= 1;
	assert_int_equal(gss_import_sec_context(&minor, &token, &ctx), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	assert_none(key, "import");
	return ctx;
}

static void
no_key_is_freed(void **state)
{
	static const char *const services[] = { "host", "plain", "enc17", "enc19", "enc20", "enc25", "enc26" };
	gss_ctx_id_t i, a;
	OM_uint32 minor;

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++)
		for (int mutual = 0; mutual < 2; mutual++) {
			struct key key;

			heap_keep_freed(true);
			assert_true(self_establish(services[n], mutual ? usual | GSS_C_DELEG_FLAG : usual & ~(OM_uint32)GSS_C_MUTUAL_FLAG, &i, &a));
			key = key_of(a);
			assert_none(&key, "establishing");
			heap_keep_freed(true);
			assert_true(self_send(i, a, "a message") && self_send(a, i, "and another"));
			assert_none(&key, "messages");
			i = move(i, &key);
			a = move(a, &key);
			heap_keep_freed(true);
			assert_true(self_send(i, a, "a message") && self_send(a, i, "and another"));
			gss_delete_sec_context(&minor, &i, GSS_C_NO_BUFFER);
			gss_delete_sec_context(&minor, &a, GSS_C_NO_BUFFER);
			assert_none(&key, "deleting");
		}
}

/* The search finds what is there: a library that forgot to wipe would not pass for one that wipes. */
static void
the_search_works(void **state)
{
	static const char text[] = "to be found in what was freed";
	gss_buffer_desc in = { sizeof(text), (void *)text };
	gss_name_t name;
	OM_uint32 minor;

	(void)state;
	heap_keep_freed(true);
	assert_int_equal(gss_import_name(&minor, &in, GSS_C_NT_USER_NAME, &name), GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
	heap_keep_freed(false);
	assert_true(heap_was_freed(text, sizeof(text) - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_works),
		cmocka_unit_test(no_key_is_freed),
	};

	if (!heap_find_library()) {
		fprintf(stderr, "libbaton.so is not loaded\n");
		return 1;
	}
	return cmocka_run_group_tests_name("residue", tests, claims_begin, claims_end);
}
