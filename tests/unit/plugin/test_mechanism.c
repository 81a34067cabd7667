/* Loaded mechanisms behind the public calls: what the toy's three libraries (toy.h) do, and what the configuration says. */
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <baton/baton.h>

#include "base/clock.h"
#include "base/mem.h"
#include "failing.h"
#include "support/scratch.h"
#include "toy.h"

enum { NAMES, TABLE, PARTS, EMPTY, NUM_LIBRARIES };

static const char *libraries[NUM_LIBRARIES];
static char dir[] = "/dev/shm/baton-test.XXXXXX", config[64];
static gss_OID_desc toys[] = {
	[NAMES] = {TOY_OID_LEN, (void *)(uintptr_t) TOY_BY_NAMES},
	[TABLE] = {TOY_OID_LEN, (void *)(uintptr_t) TOY_BY_TABLE},
	[PARTS] = {TOY_OID_LEN, (void *)(uintptr_t) TOY_IN_PARTS},
};
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};

/* ---- the clocks: files are looked at again when a second is over ---- */

static int64_t passed_ms;

int64_t
bt_clock_wall_s(void)
{
	return time(NULL);
}

int64_t
bt_clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000 + passed_ms;
}

/* The toys allocate here what they give out. */
void *toy_alloc(size_t len);

__attribute__((visibility("default"))) void *
toy_alloc(size_t len)
{
	return bt_mem_alloc(len);
}

static void *
symbol_of(int toy, const char *name)
{
	void *library = dlopen(libraries[toy], RTLD_NOW | RTLD_NOLOAD), *symbol;

	assert_non_null(library);
	symbol = dlsym(library, name);
	assert_non_null(symbol);
	dlclose(library);
	return symbol;
}

static int
live_of(int toy)
{
	toy_live_fn *function;

	*(void **)&function = symbol_of(toy, "toy_live");
	return function();
}

static void
break_import(int toy, int nth)
{
	toy_break_fn *function;

	*(void **)&function = symbol_of(toy, "toy_break");
	function(nth);
}

/* ---- the configuration ---- */

struct seen {
	char text[4096];
};

static int
note(const struct baton_mech_info *info, void *arg)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	assert_int_equal(info->version, BATON_MECH_INFO_VERSION);
	if (info->state == BATON_MECH_BUILT_IN)
		return 0;
	assert_string_equal(info->file, config);
	assert_true(info->state != BATON_MECH_BROKEN || info->problem != NULL);
	snprintf(seen->text + at, sizeof seen->text - at, "%u %s%s%s\n", info->line,
		 info->state == BATON_MECH_LOADED ? info->name : "",
		 info->state == BATON_MECH_BROKEN ? info->problem : "", info->reason != NULL ? " +" : "");
	return 0;
}

static void
listing(void **state)
{
	struct seen seen = {0};
	OM_uint32 minor;

	assert_int_equal(baton_each_mech(&minor, note, &seen), GSS_S_COMPLETE);
	assert_string_equal(seen.text, "1 names\n"
				       "2 table\n"
				       "4 parts\n"
				       "5 Library has no mechanism\n"
				       "6 Library cannot be loaded +\n"
				       "7 Mechanism is built in\n"
				       "8 Mechanism is configured already, before this line\n"
				       "9 Line has no library\n"
				       "10 Library refuses to be this mechanism\n"
				       "11 spkm\n");
}

static void
indicated(void **state)
{
	gss_OID_set set, attributes;
	OM_uint32 minor;
	int is_member;

	assert_int_equal(gss_indicate_mechs(&minor, &set), GSS_S_COMPLETE);
	for (int i = NAMES; i <= PARTS; i++) {
		gss_test_oid_set_member(&minor, &toys[i], set, &is_member);
		assert_true(is_member);
		assert_int_equal(gss_inquire_attrs_for_mech(&minor, &toys[i], &attributes, NULL), GSS_S_COMPLETE);
		assert_int_equal(attributes->count, 1);
		gss_release_oid_set(&minor, &attributes);
	}
	gss_release_oid_set(&minor, &set);
	/* The toys do not say which names they take. */
	assert_int_equal(gss_inquire_names_for_mech(&minor, &toys[NAMES], &set), GSS_S_UNAVAILABLE);
}

/* RFC 5801 §3.4 has the name of this one. */
static void
sasl_name(void **state)
{
	gss_OID_desc spkm = {7, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x01\x01"};
	gss_buffer_desc name, in_short, in_words;
	OM_uint32 minor;
	gss_OID found;

	assert_int_equal(gss_inquire_saslname_for_mech(&minor, &spkm, &name, &in_short, &in_words), GSS_S_COMPLETE);
	assert_string_equal(name.value, "GS2-DT4PIK22T6A");
	assert_int_equal(in_short.length, 0);
	assert_int_equal(in_words.length, 0);
	assert_int_equal(gss_inquire_mech_for_saslname(&minor, &name, &found), GSS_S_COMPLETE);
	assert_true(gss_oid_equal(found, &spkm));
	gss_release_buffer(&minor, &name);
	gss_release_buffer(&minor, &in_short);
	gss_release_buffer(&minor, &in_words);
}

/* What comes into the files while the process runs is seen, a second later; what is loaded stays. */
static void
changes(void **state)
{
	OM_uint32 minor;
	gss_OID_set set;
	int is_member;
	FILE *file = fopen(config, "w");

	fprintf(file, "# nothing any more\n");
	fclose(file);
	passed_ms += 1000;
	assert_int_equal(gss_indicate_mechs(&minor, &set), GSS_S_COMPLETE);
	gss_test_oid_set_member(&minor, &toys[TABLE], set, &is_member);
	assert_true(is_member);
	gss_release_oid_set(&minor, &set);
}

/* ---- names and credentials ---- */

static gss_name_t
import_name(const char *text, gss_OID mech)
{
	gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
	gss_name_t name, mn;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &buffer, GSS_C_NT_USER_NAME, &name), GSS_S_COMPLETE);
	if (mech == NULL)
		return name;
	assert_int_equal(gss_canonicalize_name(&minor, name, mech, &mn), GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
	return mn;
}

static void
names(void **state)
{
	for (int toy = NAMES; toy <= PARTS; toy++) {
		gss_name_t one = import_name(TOY_TWIN, &toys[toy]), other = import_name(TOY_OTHER_TWIN, NULL),
			   third = import_name("third", &toys[toy]), copy;
		gss_buffer_desc text, exported;
		OM_uint32 minor;
		gss_OID type;
		int equal;

		assert_int_equal(gss_compare_name(&minor, one, other, &equal), GSS_S_COMPLETE);
		assert_true(equal);
		assert_int_equal(gss_compare_name(&minor, one, third, &equal), GSS_S_COMPLETE);
		assert_false(equal);
		assert_int_equal(gss_display_name(&minor, one, &text, &type), GSS_S_COMPLETE);
		assert_string_equal(text.value, TOY_TWIN);
		assert_ptr_equal(type, GSS_C_NT_USER_NAME);
		gss_release_buffer(&minor, &text);
		assert_int_equal(gss_export_name(&minor, third, &exported), GSS_S_COMPLETE);
		assert_int_equal(gss_import_name(&minor, &exported, GSS_C_NT_EXPORT_NAME, &copy), GSS_S_COMPLETE);
		assert_int_equal(gss_compare_name(&minor, copy, third, &equal), GSS_S_COMPLETE);
		assert_true(equal);
		gss_release_buffer(&minor, &exported);
		gss_release_name(&minor, &one);
		gss_release_name(&minor, &other);
		gss_release_name(&minor, &third);
		gss_release_name(&minor, &copy);
		assert_int_equal(live_of(toy), 0);
	}
}

static void
assert_minor(OM_uint32 minor, int number)
{
	gss_buffer_desc text;
	OM_uint32 ignored, context = 0;
	char wanted[16];

	assert_int_equal(gss_display_status(&ignored, minor, GSS_C_MECH_CODE, NULL, &context, &text), GSS_S_COMPLETE);
	snprintf(wanted, sizeof wanted, "toy: %04d", number);
	assert_string_equal(text.value, wanted);
	gss_release_buffer(&ignored, &text);
}

static gss_cred_id_t
acquire(int toy)
{
	gss_OID_set_desc wanted = {1, &toys[toy]};
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &wanted, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_COMPLETE);
	return cred;
}

static void
credentials(void **state)
{
	gss_key_value_element_desc element = {"ccache", "x"};
	gss_key_value_set_desc store = {1, &element};
	gss_OID_set_desc wanted = {1, &toys[NAMES]};
	gss_name_t nobody = import_name(TOY_NO_CRED, NULL), name;
	gss_cred_id_t cred = acquire(NAMES);
	OM_uint32 minor, lifetime;
	gss_cred_usage_t usage;

	assert_int_equal(gss_inquire_cred(&minor, cred, &name, &lifetime, &usage, NULL), GSS_S_COMPLETE);
	assert_true(lifetime > 990 && lifetime <= 1000);
	assert_int_equal(usage, GSS_C_BOTH);
	gss_release_name(&minor, &name);
	gss_release_cred(&minor, &cred);
	assert_int_equal(gss_acquire_cred(&minor, nobody, 0, &wanted, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_NO_CRED);
	assert_minor(minor, TOY_NOBODY);
	/* It has no function that takes a store. */
	assert_int_equal(gss_acquire_cred_from(&minor, NULL, 0, &wanted, GSS_C_BOTH, &store, &cred, NULL, NULL),
			 GSS_S_UNAVAILABLE);
	gss_release_name(&minor, &nobody);
	assert_int_equal(live_of(NAMES), 0);
}

/* ---- contexts ---- */

struct pair {
	gss_ctx_id_t initiator, acceptor;
	gss_name_t src;
	OM_uint32 major, minor; /* of what failed */
};

static bool
move(struct pair *pair, gss_ctx_id_t *context)
{
	gss_buffer_desc token;
	gss_ctx_id_t again;
	OM_uint32 minor;

	if ((pair->major = gss_export_sec_context(&pair->minor, context, &token)) != GSS_S_COMPLETE)
		return false;
	assert_null(*context);
	while ((pair->major = gss_import_sec_context(&pair->minor, &token, context)) == GSS_S_FAILURE && failing_happened())
		failing_at(0); /* a token of which an import has failed is as good as before */
	if (pair->major == GSS_S_COMPLETE)
		assert_int_equal(gss_import_sec_context(&minor, &token, &again), GSS_S_NO_CONTEXT);
	gss_release_buffer(&minor, &token);
	return pair->major == GSS_S_COMPLETE;
}

static void
drop(struct pair *pair)
{
	OM_uint32 minor;

	gss_release_name(&minor, &pair->src);
	if (pair->initiator != NULL)
		gss_delete_sec_context(&minor, &pair->initiator, NULL);
	if (pair->acceptor != NULL)
		gss_delete_sec_context(&minor, &pair->acceptor, NULL);
}

/* All legs; moves: each side goes to another process, so to speak, after each leg that leaves it waiting. */
static bool
establish_with(struct pair *pair, gss_OID mech, gss_cred_id_t cred, gss_cred_id_t acceptor_cred, bool moves)
{
	gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	gss_name_t target = NULL;
	gss_buffer_desc text = {8, (void *)(uintptr_t) "acceptor"};
	OM_uint32 minor, a = GSS_S_CONTINUE_NEEDED, i = GSS_S_CONTINUE_NEEDED;

	*pair = (struct pair){0};
	pair->major = gss_import_name(&pair->minor, &text, GSS_C_NT_USER_NAME, &target);
	while (!GSS_ERROR(pair->major) && (i != GSS_S_COMPLETE || a != GSS_S_COMPLETE)) {
		pair->major = i = gss_init_sec_context(&pair->minor, cred, &pair->initiator, target, mech, 0, 0, NULL, &in,
						       NULL, &out, NULL, NULL);
		gss_release_buffer(&minor, &in);
		if (GSS_ERROR(i) || (moves && i != GSS_S_COMPLETE && !move(pair, &pair->initiator)) || out.length == 0)
			break;
		pair->major = a = gss_accept_sec_context(&pair->minor, &pair->acceptor, acceptor_cred, &out, NULL, &pair->src,
							 NULL, &in, NULL, NULL, NULL);
		gss_release_buffer(&minor, &out);
		if (GSS_ERROR(a) || (moves && a != GSS_S_COMPLETE && !move(pair, &pair->acceptor)) ||
		    (in.length == 0 && a == GSS_S_COMPLETE && i == GSS_S_COMPLETE))
			break;
	}
	gss_release_buffer(&minor, &in);
	gss_release_buffer(&minor, &out);
	gss_release_name(&minor, &target);
	return !GSS_ERROR(pair->major);
}

static bool
establish(struct pair *pair, gss_OID mech, gss_cred_id_t cred, bool moves)
{
	return establish_with(pair, mech, cred, cred, moves);
}

/* One message there, and a MIC back. False: failed, as pair says. */
static bool
talk(struct pair *pair)
{
	gss_buffer_desc text = {5, (void *)(uintptr_t) "hello"}, token, back, mic;
	OM_uint32 minor;
	int conf = 0;

	if ((pair->major = gss_wrap(&pair->minor, pair->initiator, 1, 0, &text, &conf, &token)) != GSS_S_COMPLETE)
		return false;
	assert_true(conf);
	assert_int_equal(token.length, 6);
	pair->major = gss_unwrap(&pair->minor, pair->acceptor, &token, &back, &conf, NULL);
	gss_release_buffer(&minor, &token);
	if (GSS_ERROR(pair->major))
		return false;
	assert_memory_equal(back.value, "hello", 5);
	gss_release_buffer(&minor, &back);
	if ((pair->major = gss_get_mic(&pair->minor, pair->acceptor, 0, &text, &mic)) != GSS_S_COMPLETE)
		return false;
	pair->major = gss_verify_mic(&pair->minor, pair->initiator, &text, &mic, NULL);
	gss_release_buffer(&minor, &mic);
	return !GSS_ERROR(pair->major);
}

static void
messages(void **state)
{
	for (int toy = NAMES; toy <= PARTS; toy++) {
		gss_buffer_desc text = {5, (void *)(uintptr_t) "hello"}, token, back, bad = {1, (void *)(uintptr_t) "x"};
		gss_cred_id_t cred = acquire(toy);
		OM_uint32 minor, limit;
		struct pair pair;

		assert_true(establish(&pair, &toys[toy], cred, false));
		assert_true(talk(&pair));
		assert_int_equal(pair.major, GSS_S_COMPLETE);
		/* Twice the same is said beside. */
		assert_int_equal(gss_wrap(&minor, pair.initiator, 1, 0, &text, NULL, &token), GSS_S_COMPLETE);
		assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &back);
		assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_DUPLICATE_TOKEN);
		gss_release_buffer(&minor, &back);
		gss_release_buffer(&minor, &token);
		assert_int_equal(gss_unwrap(&minor, pair.acceptor, &bad, &back, NULL, NULL), GSS_S_DEFECTIVE_TOKEN);
		assert_minor(minor, TOY_BAD_TOKEN);
		assert_int_equal(gss_verify_mic(&minor, pair.acceptor, &text, &bad, NULL), GSS_S_BAD_MIC);
		assert_int_equal(gss_wrap_size_limit(&minor, pair.initiator, 1, 0, 100, &limit), GSS_S_COMPLETE);
		assert_int_equal(limit, 99);
		assert_int_equal(gss_pseudo_random(&minor, pair.initiator, 0, &text, 5, &back), GSS_S_UNAVAILABLE);
		drop(&pair);
		gss_release_cred(&minor, &cred);
		assert_int_equal(live_of(toy), 0);
	}
}

static void
facts(void **state)
{
	OM_uint32 minor, lifetime, flags;
	gss_cred_id_t cred = acquire(TABLE);
	gss_name_t src, target;
	gss_buffer_desc text;
	struct pair pair;
	gss_OID mech;
	int local, open;

	assert_true(establish(&pair, &toys[TABLE], cred, false));
	assert_int_equal(gss_inquire_context(&minor, pair.acceptor, &src, &target, &lifetime, &mech, &flags, &local, &open),
			 GSS_S_COMPLETE);
	assert_int_equal(lifetime, 999);
	assert_true((flags & GSS_C_TRANS_FLAG) != 0 && !local && open);
	assert_true(gss_oid_equal(mech, &toys[TABLE]));
	gss_display_name(&minor, target, &text, NULL);
	assert_string_equal(text.value, "acceptor");
	gss_release_buffer(&minor, &text);
	gss_display_name(&minor, pair.src, &text, NULL);
	assert_string_equal(text.value, "initiator");
	gss_release_buffer(&minor, &text);
	assert_int_equal(gss_context_time(&minor, pair.acceptor, &lifetime), GSS_S_COMPLETE);
	assert_int_equal(lifetime, 998);
	gss_release_name(&minor, &src);
	gss_release_name(&minor, &target);
	drop(&pair);
	gss_release_cred(&minor, &cred);
	assert_int_equal(live_of(TABLE), 0);
}

/* Each side moves after each leg, and the open contexts go on counting where they were. */
static void
transfer(void **state)
{
	for (int toy = NAMES; toy <= PARTS; toy++) {
		gss_cred_id_t cred = acquire(toy);
		struct pair pair;
		OM_uint32 minor;

		assert_true(establish(&pair, &toys[toy], cred, true));
		for (int i = 0; i < 3; i++) {
			assert_true(talk(&pair));
			assert_int_equal(pair.major, GSS_S_COMPLETE); /* in order */
			assert_true(move(&pair, &pair.initiator));
			assert_true(move(&pair, &pair.acceptor));
		}
		drop(&pair);
		gss_release_cred(&minor, &cred);
		assert_int_equal(live_of(toy), 0);
	}
}

/*
 * The library has given its context out, and then the export fails: the library takes it back when it is next used, and one
 * that cannot then may be able to later.
 */
static void
failed_export(void **state)
{
	gss_cred_id_t cred = acquire(NAMES);
	gss_buffer_desc token, text = {5, (void *)(uintptr_t) "hello"};
	bool was_asleep = false;
	struct pair pair;
	OM_uint32 minor;

	assert_true(establish(&pair, &toys[NAMES], cred, false));
	for (size_t n = 1; n < 1000; n++) {
		bool happened;

		failing_at(n);
		pair.major = gss_export_sec_context(&minor, &pair.initiator, &token);
		happened = failing_happened();
		failing_at(0);
		if (!happened)
			break;
		assert_int_equal(pair.major, GSS_S_FAILURE);
		assert_non_null(pair.initiator);
		assert_int_equal(token.length, 0);
		break_import(NAMES, 1);
		if (gss_wrap(&minor, pair.initiator, 1, 0, &text, NULL, &token) != GSS_S_COMPLETE) {
			assert_minor(minor, TOY_BROKEN);
			was_asleep = true;
		}
		gss_release_buffer(&minor, &token);
		break_import(NAMES, 0);
		assert_true(talk(&pair));
	}
	assert_int_equal(pair.major, GSS_S_COMPLETE);
	assert_true(was_asleep);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.initiator), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	assert_true(talk(&pair));
	assert_int_equal(pair.major, GSS_S_COMPLETE);
	drop(&pair);
	gss_release_cred(&minor, &cred);
	assert_int_equal(live_of(NAMES), 0);
}

/* What a library refuses to import does not use the token up. */
static void
failed_import(void **state)
{
	gss_cred_id_t cred = acquire(NAMES);
	gss_buffer_desc token;
	struct pair pair;
	OM_uint32 minor;

	assert_true(establish(&pair, &toys[NAMES], cred, false));
	assert_int_equal(gss_export_sec_context(&minor, &pair.initiator, &token), GSS_S_COMPLETE);
	break_import(NAMES, 1);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.initiator), GSS_S_DEFECTIVE_TOKEN);
	assert_minor(minor, TOY_BROKEN);
	assert_null(pair.initiator);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.initiator), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	assert_true(talk(&pair));
	drop(&pair);
	gss_release_cred(&minor, &cred);
	assert_int_equal(live_of(NAMES), 0);
}

static void
negotiated(void **state)
{
	for (int moves = 0; moves <= 1; moves++) {
		gss_OID_set_desc wanted = {1, &spnego}, toy = {1, &toys[TABLE]};
		gss_cred_id_t cred;
		struct pair pair;
		OM_uint32 minor;
		gss_OID mech;

		assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &wanted, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_COMPLETE);
		assert_int_equal(gss_set_neg_mechs(&minor, cred, &toy), GSS_S_COMPLETE);
		assert_true(establish(&pair, &spnego, cred, moves));
		gss_inquire_context(&minor, pair.acceptor, NULL, NULL, NULL, &mech, NULL, NULL, NULL);
		assert_true(gss_oid_equal(mech, &toys[TABLE]));
		assert_true(talk(&pair));
		assert_true(move(&pair, &pair.acceptor));
		assert_true(talk(&pair));
		drop(&pair);
		gss_release_cred(&minor, &cred);
		assert_int_equal(live_of(TABLE), 0);
	}
}

/*
 * The acceptor has not the initiator's first choice, so each side signs the list, with what its library has for that. RFC
 * 4178 §5.
 */
static void
negotiated_second(void **state)
{
	gss_OID_desc both[] = {toys[TABLE], toys[PARTS]};
	gss_OID_set_desc wanted = {1, &spnego}, offered = {2, both}, accepted = {1, &toys[PARTS]};
	gss_cred_id_t initiator, acceptor;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &wanted, GSS_C_INITIATE, &initiator, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &wanted, GSS_C_ACCEPT, &acceptor, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_set_neg_mechs(&minor, initiator, &offered), GSS_S_COMPLETE);
	assert_int_equal(gss_set_neg_mechs(&minor, acceptor, &accepted), GSS_S_COMPLETE);
	for (int moves = 0; moves <= 1; moves++) {
		struct pair pair;

		assert_true(establish_with(&pair, &spnego, initiator, acceptor, moves));
		/* Messages come after the MIC of the list, which counts too. */
		assert_true(talk(&pair));
		assert_int_equal(pair.major, GSS_S_COMPLETE);
		drop(&pair);
	}
	gss_release_cred(&minor, &initiator);
	gss_release_cred(&minor, &acceptor);
	assert_int_equal(live_of(PARTS), 0);
	assert_int_equal(live_of(TABLE), 0);
}

/* ---- without memory ---- */

/* All that is done with a context, the nth allocation failing; true: there was one, and something failed by it. */
static bool
without_memory(int toy, size_t n)
{
	gss_OID_set_desc wanted = {1, &toys[toy]};
	gss_cred_id_t cred = NULL;
	struct pair pair = {0};
	OM_uint32 minor;
	bool happened, good;

	failing_at(n);
	good = gss_acquire_cred(&minor, NULL, 0, &wanted, GSS_C_BOTH, &cred, NULL, NULL) == GSS_S_COMPLETE &&
	       establish(&pair, &toys[toy], cred, true) && talk(&pair) && move(&pair, &pair.initiator) && talk(&pair);
	happened = failing_happened();
	failing_at(0);
	if (!happened)
		assert_true(good);
	/* An open context has lost nothing. */
	if (pair.initiator != NULL && pair.acceptor != NULL && pair.src != NULL)
		assert_true(talk(&pair) || pair.major == GSS_S_NO_CONTEXT);
	drop(&pair);
	gss_release_cred(&minor, &cred);
	return happened;
}

static void
no_memory(void **state)
{
	for (int toy = NAMES; toy <= PARTS; toy++) {
		without_memory(toy, 0);
		for (size_t n = 1, live = failing_live(); without_memory(toy, n); n++) {
			assert_true(n < 1000);
			assert_int_equal(failing_live(), live);
			assert_int_equal(live_of(toy), 0);
		}
	}
}

/* While mechanisms are looked for, in processes that have none yet: what could not be loaded is loaded the next time. */
static void
no_memory_to_load(void **state)
{
	bool happened = true;

	for (size_t n = 1; happened; n++) {
		pid_t child = fork();
		int status;

		assert_true(n < 1000);
		if (child == 0) {
			gss_OID_set set = NULL;
			OM_uint32 minor;
			int found = 0, is_member = 0;

			failing_at(n);
			gss_indicate_mechs(&minor, &set);
			happened = failing_happened();
			failing_at(0);
			gss_release_oid_set(&minor, &set);
			passed_ms += 1000;
			if (gss_indicate_mechs(&minor, &set) == GSS_S_COMPLETE)
				for (int i = NAMES; i <= PARTS; i++) {
					gss_test_oid_set_member(&minor, &toys[i], set, &is_member);
					found += is_member;
				}
			_exit(found != 3 ? 2 : happened ? 1 : 0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_not_equal(WEXITSTATUS(status), 2);
		happened = WEXITSTATUS(status) == 1;
	}
}

static int
begin(void **state)
{
	FILE *file;

	if (scratch_dir(dir) == NULL)
		return -1;
	snprintf(config, sizeof config, "%s/mech.conf", dir);
	if ((file = fopen(config, "w")) == NULL)
		return -1;
	fprintf(file,
		"names 1.3.6.1.4.1.5322.26.99.1 %s\n"
		"table 1.3.6.1.4.1.5322.26.99.2 %s module [options]\n"
		"# a comment\n"
		"parts 1.3.6.1.4.1.5322.26.99.3 %s\n"
		"empty 1.3.6.1.4.1.5322.26.99.4 %s\n"
		"missing 1.3.6.1.4.1.5322.26.99.5 /nonexistent/library.so\n"
		"krb5 1.2.840.113554.1.2.2 %s\n"
		"again 1.3.6.1.4.1.5322.26.99.1 %s\n"
		"broken 1.3.6.1.4.1.5322.26.99.6\n"
		"other 1.3.6.1.4.1.5322.26.99.7 %s\n"
		"spkm 1.3.6.1.5.5.1.1 %s\n",
		libraries[NAMES], libraries[TABLE], libraries[PARTS], libraries[EMPTY], libraries[NAMES], libraries[TABLE],
		libraries[TABLE], libraries[NAMES]);
	fclose(file);
	setenv("GSS_MECH_CONFIG", config, 1);
	setenv("BATON_CLAIM_DIR", dir, 1);
	return chmod(dir, 0700);
}

static int
end(void **state)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory_to_load), cmocka_unit_test(listing),	     cmocka_unit_test(indicated),
		cmocka_unit_test(sasl_name),
		cmocka_unit_test(names),	     cmocka_unit_test(credentials),  cmocka_unit_test(messages),
		cmocka_unit_test(facts),	     cmocka_unit_test(transfer),     cmocka_unit_test(failed_export),
		cmocka_unit_test(failed_import),     cmocka_unit_test(negotiated),   cmocka_unit_test(negotiated_second),
		cmocka_unit_test(no_memory),	     cmocka_unit_test(changes),
	};

	for (int i = 0; i < NUM_LIBRARIES && i + 1 < argc; i++)
		libraries[i] = realpath(argv[i + 1], NULL);
	return argc != NUM_LIBRARIES + 1 ? 2 : cmocka_run_group_tests(tests, begin, end);
}
