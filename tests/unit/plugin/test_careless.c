/* Libraries that do not keep to the rules, and programs that fork while a thread of theirs is among the mechanisms. */
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "careless.h"
#include "support/scratch.h"

static char dir[] = "/dev/shm/baton-test.XXXXXX", config[64];
static const char *library;
static gss_OID_desc mech = {4, (void *)(uintptr_t) "\x2a\x03\x04\x05"}; /* 1.2.3.4.5 */

/* ---- the clocks: the files are looked at again by whoever asks ---- */

static _Atomic int64_t passed_ms;

int64_t
bt_clock_wall_s(void)
{
	return time(NULL);
}

int64_t
bt_clock_boot_ms(void)
{
	return atomic_fetch_add(&passed_ms, 1000);
}

/* ---- exports ---- */

static void *
symbol_of(const char *name)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD), *symbol;

	assert_non_null(handle);
	assert_non_null(symbol = dlsym(handle, name));
	dlclose(handle);
	return symbol;
}

static gss_ctx_id_t
establish(void)
{
	gss_buffer_desc text = {8, (void *)(uintptr_t) "somebody"}, token;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_name_t name;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NO_OID, &name), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, name, &mech, 0, 0, NULL, NULL, NULL, &token, NULL,
					      NULL),
			 GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	gss_release_name(&minor, &name);
	return context;
}

/* What has moved is not here any more, whatever the library has left of it. */
static void
kept_context(void **state)
{
	gss_ctx_id_t context = establish();
	gss_buffer_desc token;
	OM_uint32 minor;
	int *live = symbol_of("careless_live");

	assert_int_equal(*live, 1);
	*(enum careless_export *)symbol_of("careless_export") = CARELESS_KEEPS;
	assert_int_equal(gss_export_sec_context(&minor, &context, &token), GSS_S_COMPLETE);
	assert_null(context);
	assert_int_equal(*live, 0);
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_COMPLETE);
	assert_int_equal(*live, 1);
	gss_release_buffer(&minor, &token);
	gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
	assert_int_equal(*live, 0);
}

/* A token that no import would take is none: the context stays. */
static void
empty_export(void **state)
{
	gss_ctx_id_t context = establish();
	gss_buffer_desc token;
	OM_uint32 minor;
	int *live = symbol_of("careless_live");

	*(enum careless_export *)symbol_of("careless_export") = CARELESS_GIVES_NOTHING;
	assert_int_equal(gss_export_sec_context(&minor, &context, &token), GSS_S_UNAVAILABLE);
	assert_non_null(context);
	assert_null(token.value);
	assert_int_equal(*live, 1);
	*(enum careless_export *)symbol_of("careless_export") = CARELESS_KEEPS;
	assert_int_equal(gss_export_sec_context(&minor, &context, &token), GSS_S_COMPLETE);
	assert_int_equal(*live, 0);
	gss_release_buffer(&minor, &token);
}

/* ---- forks ---- */

static atomic_bool is_over;

static bool
ask(void)
{
	gss_OID_set set = GSS_C_NO_OID_SET;
	int is_member = 0;
	OM_uint32 minor;

	if (gss_indicate_mechs(&minor, &set) == GSS_S_COMPLETE)
		gss_test_oid_set_member(&minor, &mech, set, &is_member);
	gss_release_oid_set(&minor, &set);
	return is_member != 0;
}

static void *
keep_asking(void *arg)
{
	bool good = true;

	while (!atomic_load(&is_over))
		good &= ask();
	return good ? NULL : arg;
}

/* The sanitizer's allocator has locks that stay locked in the child of a threaded process. */
#ifdef __SANITIZE_ADDRESS__
enum { NUM_CHILDREN = 0 };
#else
enum { NUM_CHILDREN = 300 };
#endif

static void
forks(void **state)
{
	enum { NUM_THREADS = 3 };
	pthread_t threads[NUM_THREADS];
	int status = 0, num_good = 0;
	int failing = 0;
	void *failed;

	for (int i = 0; i < NUM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &failing), 0);
	for (int i = 0; i < NUM_CHILDREN && status == 0; i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(30); /* of a child that waits for ever */
			_exit(ask() ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		num_good += status == 0;
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < NUM_THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(status, 0);
	assert_int_equal(num_good, NUM_CHILDREN);
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
	fprintf(file, "careless 1.2.3.4.5 %s\n", library);
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
		cmocka_unit_test(kept_context),
		cmocka_unit_test(empty_export),
		cmocka_unit_test(forks),
	};

	library = argc == 2 ? realpath(argv[1], NULL) : NULL;
	return library == NULL ? 2 : cmocka_run_group_tests(tests, begin, end);
}
