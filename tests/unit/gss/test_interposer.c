/*
 * An interposer (interposer/module.c) in front of SAnon: it is called, it gets at what is behind it, and programs see
 * nothing of either; its contexts are handed on as if it were not there. Each test is a process of its own, as what is
 * loaded stays loaded.
 */
#include <baton/baton.h>
#include <dirent.h>
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing.h"
#include "support/scratch.h"

#define SELF "\x2b\x06\x01\x04\x01\x01"
#define SANON "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"

#define SPNEGO "\x2b\x06\x01\x05\x05\x02"

enum { MINOR_TOKEN_UNSEALED = 1927964672 + 59, MINOR_INTERPOSED = 1927964672 + 60 };

static gss_OID_desc sanon = {sizeof SANON - 1, (void *)SANON};
static gss_OID_desc behind = {sizeof SELF SANON - 1, (void *)SELF SANON};
static gss_OID_desc spnego = {sizeof SPNEGO - 1, (void *)SPNEGO};
static gss_OID_set_desc only_sanon = {1, &sanon};
static OM_uint32 minor;

/* ---- a process for each ---- */

static void
in_a_child(void (*run)(size_t), size_t n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		run(n);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("child %zu ended with %d", n, status);
}

/* In a child: cmocka's own assertions are the parent's. */
static void
must_at(int is_so, int line)
{
	if (!is_so) {
		fprintf(stderr, "line %d: not so; minor status %u\n", line, minor);
		_exit(1);
	}
}
#define must(is_so) must_at((is_so) != 0, __LINE__)

static int *
counter(const char *name)
{
	void *module = dlopen(MODULE, RTLD_NOW | RTLD_NOLOAD);
	int *at;

	must(module != NULL && (at = dlsym(module, name)) != NULL);
	return at;
}

/* ---- a context ---- */

struct two {
	gss_name_t target;
	gss_cred_id_t cred;
	gss_ctx_id_t i, a;
	gss_buffer_desc there, back;
	OM_uint32 major;
};

static void
finish(struct two *t)
{
	gss_release_name(&minor, &t->target);
	gss_release_cred(&minor, &t->cred);
	gss_delete_sec_context(&minor, &t->i, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &t->a, GSS_C_NO_BUFFER);
	gss_release_buffer(&minor, &t->there);
	gss_release_buffer(&minor, &t->back);
}

/* One message; the major status. */
static OM_uint32
say(gss_ctx_id_t from, gss_ctx_id_t to, const char *text)
{
	gss_buffer_desc in = {strlen(text), (void *)(uintptr_t)text}, token, out;
	OM_uint32 major = gss_wrap(&minor, from, 1, GSS_C_QOP_DEFAULT, &in, NULL, &token), unused;

	if (GSS_ERROR(major))
		return major;
	major = gss_unwrap(&minor, to, &token, &out, NULL, NULL);
	gss_release_buffer(&unused, &token);
	if (GSS_ERROR(major))
		return major;
	must(out.length == in.length && memcmp(out.value, text, in.length) == 0);
	gss_release_buffer(&unused, &out);
	return major;
}

/* All that a program does; it stops where something fails. */
static OM_uint32
play(struct two *t)
{
	gss_buffer_desc name = {12, (void *)(uintptr_t)"host@nowhere"};
	gss_OID mech = GSS_C_NO_OID;

	*t = (struct two){0};
	if (GSS_ERROR(t->major = gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &t->target)) ||
	    GSS_ERROR(t->major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &t->cred, NULL, NULL)) ||
	    GSS_ERROR(t->major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &t->i, t->target, &sanon, GSS_C_ANON_FLAG, 0,
						      GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, &mech, &t->there, NULL, NULL)))
		return t->major;
	must(gss_oid_equal(mech, &sanon));
	if (GSS_ERROR(t->major = gss_accept_sec_context(&minor, &t->a, t->cred, &t->there, GSS_C_NO_CHANNEL_BINDINGS, NULL, &mech,
							&t->back, NULL, NULL, NULL)))
		return t->major;
	must(gss_oid_equal(mech, &sanon));
	gss_release_buffer(&(OM_uint32){0}, &t->there);
	if (GSS_ERROR(t->major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &t->i, t->target, &sanon, GSS_C_ANON_FLAG, 0,
						      GSS_C_NO_CHANNEL_BINDINGS, &t->back, NULL, &t->there, NULL, NULL)))
		return t->major;
	if (GSS_ERROR(t->major = say(t->i, t->a, "there")))
		return t->major;
	return t->major = say(t->a, t->i, "and back");
}

/* ---- tests ---- */

static void
it_is_called(size_t n)
{
	gss_OID_set set;
	struct two t;
	gss_OID mech;
	int is_there;

	must(play(&t) == GSS_S_COMPLETE);
	must(*counter("interposer_calls") >= 5 && *counter("interposer_wraps") == 4);
	must(gss_inquire_context(&minor, t.a, NULL, NULL, NULL, &mech, NULL, NULL, NULL) == GSS_S_COMPLETE);
	must(gss_oid_equal(mech, &sanon));
	finish(&t);
	/* What is behind it has no name that programs see. */
	must(gss_indicate_mechs(&minor, &set) == GSS_S_COMPLETE);
	must(gss_test_oid_set_member(&minor, &behind, set, &is_there) == GSS_S_COMPLETE && !is_there);
	gss_release_oid_set(&minor, &set);
	/* Its facts are the mechanism's. */
	must(gss_inquire_names_for_mech(&minor, &sanon, &set) == GSS_S_COMPLETE && set->count > 3);
	gss_release_oid_set(&minor, &set);
}

static void
it_is_idle(size_t n)
{
	struct two t;

	setenv("INTERPOSER_IS_IDLE", "1", 1);
	must(play(&t) == GSS_S_COMPLETE);
	must(*counter("interposer_calls") == 0 && *counter("interposer_wraps") == 0);
	finish(&t);
}

static void
it_moves(size_t n)
{
	gss_buffer_desc token, dressed;
	gss_ctx_id_t again = GSS_C_NO_CONTEXT;
	struct two t;
	int calls;

	must(play(&t) == GSS_S_COMPLETE);
	must(gss_export_sec_context(&minor, &t.a, &token) == GSS_S_COMPLETE && t.a == GSS_C_NO_CONTEXT);
	must(token.length > 64 && memcmp((char *)token.value + 4, SANON, sizeof SANON - 1) == 0);
	/* As the interposer would name it, and it is the same token: one of the two can be imported. */
	dressed.length = token.length + sizeof SELF - 1;
	dressed.value = malloc(dressed.length);
	memcpy(dressed.value, "\0\0\0\x10", 4);
	memcpy((char *)dressed.value + 4, SELF, sizeof SELF - 1);
	memcpy((char *)dressed.value + 4 + sizeof SELF - 1, (char *)token.value + 4, token.length - 4);
	calls = *counter("interposer_wraps");
	must(gss_import_sec_context(&minor, n == 0 ? &token : &dressed, &t.a) == GSS_S_COMPLETE);
	must(gss_import_sec_context(&minor, &token, &again) == GSS_S_NO_CONTEXT);
	must(gss_import_sec_context(&minor, &dressed, &again) == GSS_S_NO_CONTEXT);
	must(say(t.i, t.a, "to where it is now") == GSS_S_COMPLETE && say(t.a, t.i, "from there") == GSS_S_COMPLETE);
	/* The one that was handed on is without an interposer, the other is with it. */
	must(*counter("interposer_wraps") == calls + 2);
	free(dressed.value);
	gss_release_buffer(&minor, &token);
	finish(&t);
}

/* Between legs, and over a socket. */
static void
it_moves_otherwise(size_t n)
{
	gss_OID_desc session_key = {11, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"};
	gss_buffer_desc name = {12, (void *)(uintptr_t)"host@nowhere"}, token;
	struct baton_cargo cargo = {.version = BATON_CARGO_VERSION, .fd = -1};
	gss_buffer_set_t keys = GSS_C_NO_BUFFER_SET;
	struct two t = {0};
	int ends[2];

	must(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &t.target) == GSS_S_COMPLETE);
	must(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &t.i, t.target, &sanon, GSS_C_ANON_FLAG, 0, GSS_C_NO_CHANNEL_BINDINGS,
				  GSS_C_NO_BUFFER, NULL, &t.there, NULL, NULL) == GSS_S_CONTINUE_NEEDED);
	must(gss_export_sec_context(&minor, &t.i, &token) == GSS_S_COMPLETE && t.i == GSS_C_NO_CONTEXT);
	must(gss_import_sec_context(&minor, &token, &t.i) == GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	finish(&t);

	must(play(&t) == GSS_S_COMPLETE && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	must(baton_send_sec_context(&minor, ends[0], &t.a, NULL, NULL, NULL) == GSS_S_COMPLETE);
	must(baton_recv_sec_context(&minor, ends[1], &t.a, &cargo) == GSS_S_COMPLETE);
	must(say(t.i, t.a, "to where it is now") == GSS_S_COMPLETE && say(t.a, t.i, "from there") == GSS_S_COMPLETE);
	must(gss_inquire_sec_context_by_oid(&minor, t.a, &session_key, &keys) == GSS_S_COMPLETE && keys->count == 2);
	gss_release_buffer_set(&minor, &keys);
	finish(&t);
}

/* ---- negotiations ---- */

static void
move(gss_ctx_id_t *context)
{
	gss_buffer_desc token;
	gss_ctx_id_t again;

	must(gss_export_sec_context(&minor, context, &token) == GSS_S_COMPLETE && *context == GSS_C_NO_CONTEXT);
	must(gss_import_sec_context(&minor, &token, context) == GSS_S_COMPLETE);
	must(gss_import_sec_context(&minor, &token, &again) == GSS_S_NO_CONTEXT);
	gss_release_buffer(&minor, &token);
}

static OM_uint32
accept_leg(struct two *t, gss_buffer_t in)
{
	OM_uint32 unused;

	gss_release_buffer(&unused, &t->back);
	return gss_accept_sec_context(&minor, &t->a, t->cred, in, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &t->back, NULL, NULL, NULL);
}

static OM_uint32
init_leg(struct two *t, gss_OID mech)
{
	OM_uint32 major, unused;
	gss_cred_id_t cred;

	must(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_INITIATE, &cred, NULL, NULL) == GSS_S_COMPLETE);
	gss_release_buffer(&unused, &t->there);
	major = gss_init_sec_context(&minor, cred, &t->i, t->target, mech, GSS_C_ANON_FLAG, 0, GSS_C_NO_CHANNEL_BINDINGS, &t->back,
				     NULL, &t->there, NULL, NULL);
	gss_release_cred(&unused, &cred);
	return major;
}

static void
begin_negotiation(struct two *t)
{
	gss_buffer_desc name = {12, (void *)(uintptr_t)"host@nowhere"};
	gss_OID_desc both[] = {sanon, spnego};

	*t = (struct two){0};
	must(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &t->target) == GSS_S_COMPLETE);
	/* One that negotiates is had only with Kerberos, which has a key; so that it comes out at SAnon, that is there too. */
	must(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &(gss_OID_set_desc){2, both}, GSS_C_ACCEPT, &t->cred, NULL, NULL) ==
	     GSS_S_COMPLETE);
}

/* With a negotiation, and without one. */
static void
its_initiator_moves(size_t n)
{
	bool has_nothing = n & 1;
	gss_OID mech = n & 2 ? &sanon : &spnego;
	OM_uint32 context = 0;
	gss_buffer_desc token, text;
	struct two t;

	begin_negotiation(&t);
	must(init_leg(&t, mech) == GSS_S_CONTINUE_NEEDED);
	if (has_nothing) {
		setenv("INTERPOSER_HAS_NOTHING", "1", 1);
		must(gss_export_sec_context(&minor, &t.i, &token) == GSS_S_UNAVAILABLE && token.length == 0);
		must(minor == MINOR_INTERPOSED && t.i != GSS_C_NO_CONTEXT);
		must(gss_display_status(&minor, minor, GSS_C_MECH_CODE, &sanon, &context, &text) == GSS_S_COMPLETE);
		must(memmem(text.value, text.length, "interposer", 10) != NULL);
		gss_release_buffer(&minor, &text);
	} else {
		move(&t.i);
	}
	must(accept_leg(&t, &t.there) == GSS_S_COMPLETE);
	must(init_leg(&t, mech) == GSS_S_COMPLETE);
	must(say(t.i, t.a, "there") == GSS_S_COMPLETE && say(t.a, t.i, "and back") == GSS_S_COMPLETE);
	finish(&t);
}

/* The contents of the nth part of a NegTokenResp, all of whose lengths are short. */
static gss_buffer_desc
part_of(gss_buffer_t resp, uint8_t n)
{
	const uint8_t *at = resp->value, *end = at + resp->length;

	must(resp->length > 4 && resp->length < 0x80 && at[0] == 0xa1 && at[2] == 0x30);
	for (at += 4; at + 4 <= end && at[0] != (0xa0 | n); at += 2 + at[1])
		;
	must(at + 4 <= end && at + 2 + at[1] <= end);
	return (gss_buffer_desc){at[3], (void *)(uintptr_t)(at + 4)};
}

static size_t
wrap_part(uint8_t *out, uint8_t n, gss_buffer_t contents)
{
	uint8_t len = (uint8_t)contents->length;
	const uint8_t head[] = {0xa1, (uint8_t)(len + 6), 0x30, (uint8_t)(len + 4), (uint8_t)(0xa0 | n), (uint8_t)(len + 2), 4, len};

	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, contents->value, len);
	return sizeof head + len;
}

/* An acceptor that has to choose what the peer did not begin with, which takes MICs. It may move before each of its legs. */
static void
its_acceptor_moves(size_t before)
{
	static const char list[] = "\x30\x11\x06\x03\x2a\x03\x04\x06\x0a" SANON;
	static const char first[] = "\x60\x21\x06\x06" SPNEGO "\xa0\x17\x30\x15\xa0\x13" "\x30\x11\x06\x03\x2a\x03\x04\x06\x0a" SANON;
	gss_buffer_desc in = {sizeof first - 1, (void *)(uintptr_t)first}, text = {sizeof list - 1, (void *)(uintptr_t)list}, mic;
	uint8_t resp[256];
	struct two t;

	begin_negotiation(&t);
	must(accept_leg(&t, &in) == GSS_S_CONTINUE_NEEDED);
	if (before & 1)
		move(&t.a);
	gss_release_buffer(&minor, &t.back);
	must(init_leg(&t, &sanon) == GSS_S_CONTINUE_NEEDED);
	in = (gss_buffer_desc){wrap_part(resp, 2, &t.there), resp};
	must(accept_leg(&t, &in) == GSS_S_CONTINUE_NEEDED);
	if (before & 2)
		move(&t.a);
	mic = part_of(&t.back, 3);
	in = part_of(&t.back, 2);
	gss_release_buffer(&minor, &t.there);
	must(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &t.i, t.target, &sanon, GSS_C_ANON_FLAG, 0, GSS_C_NO_CHANNEL_BINDINGS,
				  &in, NULL, &t.there, NULL, NULL) == GSS_S_COMPLETE);
	must(gss_verify_mic(&minor, t.i, &text, &mic, NULL) == GSS_S_COMPLETE);
	must(gss_get_mic(&minor, t.i, GSS_C_QOP_DEFAULT, &text, &mic) == GSS_S_COMPLETE);
	in = (gss_buffer_desc){wrap_part(resp, 3, &mic), resp};
	must(accept_leg(&t, &in) == GSS_S_COMPLETE);
	gss_release_buffer(&minor, &mic);
	must(say(t.i, t.a, "there") == GSS_S_COMPLETE && say(t.a, t.i, "and back") == GSS_S_COMPLETE);
	finish(&t);
}

/* A token of MIT's library for Kerberos behind the interposer: its code may import it, and other code may not. */
static void
who_may(size_t n)
{
#define KERBEROS "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
	OM_uint32 (*imports)(gss_buffer_t, gss_ctx_id_t *);
	static const char head[] = "\0\0\0\x0f" SELF KERBEROS;
	uint8_t token[4096];
	gss_buffer_desc buffer = {0, token};
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major;
	struct two t;
	FILE *file;

	must(play(&t) == GSS_S_COMPLETE);
	finish(&t);
	must((file = fopen(SEED, "r")) != NULL);
	memcpy(token, head, sizeof head - 1);
	buffer.length = sizeof head - 1 + fread(token + sizeof head - 1, 1, 2000, file);
	fclose(file);
	must(gss_import_sec_context(&minor, &buffer, &ctx) == GSS_S_DEFECTIVE_TOKEN && minor == MINOR_TOKEN_UNSEALED);
	imports = (OM_uint32(*)(gss_buffer_t, gss_ctx_id_t *))(uintptr_t)counter("interposer_imports");
	/* The seed's ticket has ended; until its form and where it comes from were looked at, nobody asks. */
	major = imports(&buffer, &ctx);
	must(major == GSS_S_NO_CONTEXT || major == GSS_S_COMPLETE);
	gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	token[buffer.length - 1] ^= 1;
	must(imports(&buffer, &ctx) == GSS_S_DEFECTIVE_TOKEN);
	/* An OID that no interposer has is none. */
	token[4] ^= 1;
	must(GSS_ERROR(gss_import_sec_context(&minor, &buffer, &ctx)) != 0 && ctx == GSS_C_NO_CONTEXT);
}

static void
called(void **state)
{
	in_a_child(it_is_called, 0);
}

static void
idle(void **state)
{
	in_a_child(it_is_idle, 0);
}

static void
moves(void **state)
{
	in_a_child(it_moves, 0);
	in_a_child(it_moves, 1);
	in_a_child(it_moves_otherwise, 0);
}

static void
negotiations_move(void **state)
{
	for (size_t n = 0; n < 4; n++)
		in_a_child(its_initiator_moves, n);
	for (size_t before = 0; before < 4; before++)
		in_a_child(its_acceptor_moves, before);
}

static void
only_its_own_code(void **state)
{
	in_a_child(who_may, 0);
}

/* The nth allocation fails, from the loading on: what fails is free of leaks, and the next try is not affected. */
static void
one_fails(size_t n)
{
	struct two t;
	size_t live;

	failing_at(n);
	play(&t);
	failing_at(0);
	finish(&t);
	must(play(&t) == GSS_S_COMPLETE);
	must(*counter("interposer_wraps") >= 4);
	finish(&t);
	must(play(&t) == GSS_S_COMPLETE);
	finish(&t);
	live = failing_live();
	failing_at(n);
	play(&t);
	failing_at(0);
	finish(&t);
	must(failing_live() == live);
}

static void
without_memory(void **state)
{
	for (size_t n = 1; n < 150; n++)
		in_a_child(one_fails, n);
}

static char dir[] = "/dev/shm/baton-tests.XXXXXX";

/* A key of x@R, of 16 zero bytes. */
static int
write_keytab(void)
{
	static const char keytab[] = "\x05\x02\0\0\0\x25" "\0\x01\0\x01R\0\x01x\0\0\0\x01\0\0\0\0\x01\0\x11\0\x10" "0123456789abcdef";
	char path[sizeof dir + 16];
	FILE *file;

	snprintf(path, sizeof path, "%s/keytab", dir);
	if (setenv("KRB5_KTNAME", path, 1) != 0 || (file = fopen(path, "w")) == NULL)
		return -1;
	fwrite(keytab, 1, sizeof keytab - 1, file);
	return fclose(file);
}

static int
begin(void **state)
{
	char path[sizeof dir + 16];
	FILE *file;

	if (scratch_dir(dir) == NULL || setenv("BATON_CLAIM_DIR", dir, 1) != 0 || write_keytab() != 0)
		return -1;
	snprintf(path, sizeof path, "%s/mech.conf", dir);
	if ((file = fopen(path, "w")) == NULL)
		return -1;
	fprintf(file, "test 1.3.6.1.4.1.1 %s <interposer>\n", MODULE);
	return fclose(file) != 0 || setenv("GSS_MECH_CONFIG", path, 1) != 0;
}

static int
end(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d != NULL)
		closedir(d);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(called),	     cmocka_unit_test(idle),	       cmocka_unit_test(moves),
		cmocka_unit_test(negotiations_move), cmocka_unit_test(only_its_own_code), cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
