/*
 * What the library frees holds no key: after every call of a context's life, the context's key is looked for in all memory that was freed.
 * And a process that has given a context away has its key nowhere: in no memory that it can write to, and in no register.
 */
#include "support/hand.h"
#include "support/heap.h"
#include "support/self.h"

#include <baton/baton.h>
#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* To the other end of a socket, after it was once taken back. */
static gss_ctx_id_t
hand_over(gss_ctx_id_t ctx, const struct key *key)
{
	baton_handover_t handover;
	OM_uint32 minor;
	int pair[2], state;

	heap_keep_freed(true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(baton_send_sec_context(&minor, pair[0], &ctx, NULL, NULL, &handover), GSS_S_COMPLETE);
	assert_int_equal(baton_take_back_sec_context(&minor, &handover, &ctx), GSS_S_COMPLETE);
	assert_int_equal(baton_send_sec_context(&minor, pair[0], &ctx, NULL, NULL, &handover), GSS_S_COMPLETE);
	assert_int_equal(baton_recv_sec_context(&minor, pair[1], &ctx, NULL), GSS_S_NO_CONTEXT);
	assert_int_equal(baton_recv_sec_context(&minor, pair[1], &ctx, NULL), GSS_S_COMPLETE);
	assert_int_equal(baton_handover_status(&minor, handover, &state), GSS_S_COMPLETE);
	assert_int_equal(state, BATON_HANDOVER_RECEIVED);
	assert_int_equal(baton_release_handover(&minor, &handover), GSS_S_COMPLETE);
	close(pair[0]);
	close(pair[1]);
	assert_none(key, "hand-over");
	return ctx;
}

static void
no_key_is_freed(void **state)
{
	static const char *const services[] = { "host", "plain", "enc17", "enc19", "enc20", "enc25", "enc26", "enc16", "enc23" };
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
			i = hand_over(i, &key);
			a = hand_over(a, &key);
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

/* ---- the whole process ---- */

enum { MASK = 0x5a, CHUNK_LEN = 1 << 20, REGISTERS_LEN = 512 };

/* The test's own copy of a key must not be found, so it is kept under a mask. */
static void
mask(struct key *key)
{
	for (size_t n = 0; n < KEY_MAX; n++)
		key->bytes[n] ^= MASK;
}

static bool
is_in(const uint8_t *bytes, size_t len, const struct key *masked)
{
	const uint8_t first = masked->bytes[0] ^ MASK;

	for (const uint8_t *at = bytes; len >= PIECE_LEN && (at = memchr(at, first, len - PIECE_LEN + 1)) != NULL;) {
		size_t n = 0;

		while (n < PIECE_LEN && at[n] == (uint8_t)(masked->bytes[n] ^ MASK))
			n++;
		if (n == PIECE_LEN)
			return true;
		len -= (size_t)(++at - bytes);
		bytes = at;
	}
	return false;
}

/* Where in this process the key is: how many pieces of memory hold it. */
static int
count_copies(const struct key *masked)
{
	static uint8_t chunk[CHUNK_LEN];
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY), num = 0;
	unsigned long start, end;
	char line[512], rights[8];

	assert_true(maps != NULL && memory >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 || rights[0] != 'r' || rights[1] != 'w')
			continue;
		while (start < end) {
			size_t len = end - start < sizeof(chunk) ? end - start : sizeof(chunk);
			ssize_t got;

			/* Up to the chunk, which would find itself, and on after it. */
			if (start >= (unsigned long)chunk && start < (unsigned long)chunk + sizeof(chunk)) {
				start = (unsigned long)chunk + sizeof(chunk);
				continue;
			}
			if (start < (unsigned long)chunk && start + len > (unsigned long)chunk)
				len = (unsigned long)chunk - start;
			got = pread(memory, chunk, len, (off_t)start);
			if (got <= 0)
				break;
			num += is_in(chunk, (size_t)got, masked);
			start += (size_t)got > PIECE_LEN && start + (size_t)got < end ? (size_t)got - PIECE_LEN : (size_t)got;
		}
	}
	memset(chunk, 0, sizeof(chunk));
	close(memory);
	fclose(maps);
	return num;
}

/* A context made by a process that is no more: its token, and its key under the mask. */
static void
receive_context(const char *service, gss_buffer_t token, struct key *masked)
{
	gss_ctx_id_t i, a;
	OM_uint32 minor;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		bool ok = self_establish(service, usual, &i, &a);
		struct key key = ok ? key_of(a) : (struct key){ 0 };

		mask(&key);
		ok = ok && gss_export_sec_context(&minor, &a, token) == GSS_S_COMPLETE &&
		     write(ends[1], &key, sizeof(key)) == (ssize_t)sizeof(key) &&
		     write(ends[1], &token->length, sizeof(token->length)) == (ssize_t)sizeof(token->length) &&
		     write(ends[1], token->value, token->length) == (ssize_t)token->length;
		_exit(!ok);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], masked, sizeof(*masked)), sizeof(*masked));
	assert_int_equal(read(ends[0], &token->length, sizeof(token->length)), sizeof(token->length));
	token->value = malloc(token->length);
	assert_int_equal(read(ends[0], token->value, token->length), token->length);
	close(ends[0]);
	close(ends[1]);
}

/* The registers that memory is copied through, as they are when a call has returned. */
#if defined(__x86_64__) && __has_attribute(zero_call_used_regs)
#define SAVE_REGISTERS(to) __asm__ volatile("fxsave64 %0" : "=m"(*(uint8_t(*)[REGISTERS_LEN])(to)))
#else
#define SAVE_REGISTERS(to) memset(to, 0, REGISTERS_LEN)
#endif

/* An importer that never established anything uses the context and gives it away, or deletes it. */
static void
no_key_stays(void **state)
{
	static const char *const services[] = { "host", "plain", "enc17", "enc18", "enc19", "enc20", "enc25", "enc26" };
	static _Alignas(16) uint8_t imported[REGISTERS_LEN], given[REGISTERS_LEN], deleted[REGISTERS_LEN];
	gss_buffer_desc token, text = { 5, (void *)(uintptr_t)"hello" }, out;
	OM_uint32 minor;

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++) {
		gss_ctx_id_t ctx;
		struct key key;

		receive_context(services[n], &token, &key);
		assert_int_equal(gss_import_sec_context(&minor, &token, &ctx), GSS_S_COMPLETE);
		SAVE_REGISTERS(imported);
		free(token.value);
		assert_false(is_in(imported, sizeof(imported), &key));
		/* The search works. */
		assert_int_not_equal(count_copies(&key), 0);
		for (int conf = 0; conf < 2; conf++) {
			assert_int_equal(gss_wrap(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &text, NULL, &out), GSS_S_COMPLETE);
			gss_release_buffer(&minor, &out);
		}
		assert_int_equal(gss_get_mic(&minor, ctx, GSS_C_QOP_DEFAULT, &text, &out), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &out);
		assert_int_equal(gss_pseudo_random(&minor, ctx, GSS_C_PRF_KEY_FULL, &text, 64, &out), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &out);
		assert_int_equal(gss_export_sec_context(&minor, &ctx, &token), GSS_S_COMPLETE);
		SAVE_REGISTERS(given);
		assert_false(is_in(given, sizeof(given), &key));
		assert_int_equal(count_copies(&key), 0);
		assert_int_equal(gss_import_sec_context(&minor, &token, &ctx), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &token);
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		SAVE_REGISTERS(deleted);
		assert_false(is_in(deleted, sizeof(deleted), &key));
		assert_int_equal(count_copies(&key), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_works),
		cmocka_unit_test(no_key_stays),
		cmocka_unit_test(no_key_is_freed),
	};

	if (!heap_find_library()) {
		fprintf(stderr, "libbaton.so is not loaded\n");
		return 1;
	}
	return cmocka_run_group_tests_name("residue", tests, claims_begin, claims_end);
}
