#include <errno.h>
#include <profile.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

#define DEFAULT_CONFIG "/etc/krb5.conf"
enum {
	LOOK_EVERY_MS = 1000, /* at the configuration files */
	KEEP_MS = 60 * 1000,  /* files that others include are noticed this late */
	DEFAULT_CLOCKSKEW_S = 300,
};

/* What the thread's krb5_context was made from. */
struct thread {
	struct bt_krb5 lib;	     /* first: what is lent */
	unsigned depth;		     /* bt_krb5_enter calls not yet left */
	uint64_t environment, files; /* digests */
	int64_t made_at, looked_at;  /* boot milliseconds */
	bool is_kdc;		     /* made with the KDC's configuration */
	char *ccache_name;	     /* the default cache of this thread's calls, or NULL: libkrb5's */
	char *told_name;	     /* the one before, while the program reads it */
};

/* All contexts from now on are for a KDC. Once set, it stays. */
static _Atomic bool is_kdc;

static _Thread_local struct thread *mine;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_error;

static void
forget_context(struct thread *thread)
{
	if (thread->lib.ctx != NULL)
		krb5_free_context(thread->lib.ctx);
	thread->lib = (struct bt_krb5){0};
}

static void
thread_exits(void *ptr)
{
	struct thread *thread = ptr;

	forget_context(thread);
	bt_mem_free(thread->ccache_name);
	bt_mem_free(thread->told_name);
	bt_mem_free(thread);
	mine = NULL;
}

static void
make_key(void)
{
	once_error = pthread_key_create(&at_exit, thread_exits);
}

static uint64_t
digest(uint64_t sum, const void *bytes, size_t len)
{
	/* FNV-1a: tells changes apart, promises nothing against an enemy, who could not set these inputs anyway. */
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
	return sum;
}

static uint64_t
digest_text(uint64_t sum, const char *text)
{
	return text != NULL ? digest(sum, text, strlen(text) + 1) : digest(sum, "\1", 1);
}

/* Variables that libkrb5 reads only when a krb5_context is made. */
static uint64_t
digest_environment(void)
{
	static const char *const names[] = {"KRB5_CONFIG", "KRB5_TRACE"};
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		sum = digest_text(sum, secure_getenv(names[i]));
	return sum;
}

static uint64_t
digest_file(uint64_t sum, const char *path, size_t path_len)
{
	char name[4096];
	struct stat st;

	if (path_len == 0 || path_len >= sizeof name)
		return sum;
	memcpy(name, path, path_len);
	name[path_len] = '\0';
	if (stat(name, &st) != 0)
		return digest(sum, "\1", 1);
	sum = digest(sum, &st.st_dev, sizeof st.st_dev);
	sum = digest(sum, &st.st_ino, sizeof st.st_ino);
	sum = digest(sum, &st.st_size, sizeof st.st_size);
	return digest(sum, &st.st_mtim, sizeof st.st_mtim);
}

static uint64_t
digest_files(void)
{
	const char *path = secure_getenv("KRB5_CONFIG");
	uint64_t sum = 0xcbf29ce484222325;

	if (path == NULL)
		path = DEFAULT_CONFIG;
	for (;;) {
		size_t len = strcspn(path, ":");

		sum = digest_file(sum, path, len);
		if (path[len] == '\0')
			return sum;
		path += len + 1;
	}
}

static bool
is_stale(struct thread *thread, int64_t now)
{
	if (thread->lib.ctx == NULL || now - thread->made_at >= KEEP_MS || thread->environment != digest_environment() ||
	    thread->is_kdc != atomic_load_explicit(&is_kdc, memory_order_relaxed))
		return true;
	if (now - thread->looked_at < LOOK_EVERY_MS)
		return false;
	thread->looked_at = now;
	return thread->files != digest_files();
}

static void
read_settings(struct bt_krb5 *lib)
{
	profile_t profile;
	char *text = NULL;
	krb5_deltat skew;
	int value;

	lib->clockskew_s = DEFAULT_CLOCKSKEW_S;
	if (krb5_get_profile(lib->ctx, &profile) != 0)
		return;
	if (profile_get_string(profile, "libdefaults", "clockskew", NULL, NULL, &text) == 0 && text != NULL &&
	    krb5_string_to_deltat(text, &skew) == 0)
		lib->clockskew_s = skew;
	profile_release_string(text);
	if (profile_get_boolean(profile, "libdefaults", "enforce_ok_as_delegate", NULL, 0, &value) == 0)
		lib->enforces_ok_as_delegate = value != 0;
	profile_release(profile);
}

/* A library as the process is set up to have it. */
static int
open_library(bool for_kdc, struct bt_krb5 *out)
{
	krb5_error_code code = krb5_init_context_profile(NULL, for_kdc ? KRB5_INIT_CONTEXT_KDC : 0, &out->ctx);

	if (code != 0) {
		out->ctx = NULL;
		return bt_krb5_fail(NULL, code);
	}
	read_settings(out);
	return 0;
}

static int
make_context(struct thread *thread, int64_t now)
{

	forget_context(thread);
	/* Taken before the files are read: a change in between is seen as one. */
	thread->environment = digest_environment();
	thread->files = digest_files();
	thread->made_at = thread->looked_at = now;
	thread->is_kdc = atomic_load_explicit(&is_kdc, memory_order_relaxed);
	return open_library(thread->is_kdc, &thread->lib);
}

int
bt_krb5_own(struct bt_krb5 *out)
{
	int e;

	*out = (struct bt_krb5){0};
	if ((e = open_library(atomic_load_explicit(&is_kdc, memory_order_relaxed), out)) == 0)
		krb5_cc_set_default_name(out->ctx, bt_krb5_ccache_name());
	return e;
}

void
bt_krb5_disown(struct bt_krb5 *lib)
{
	krb5_free_context(lib->ctx);
	*lib = (struct bt_krb5){0};
}

/* This thread's entry, made at its first call. */
static int
find_thread(void)
{
	struct thread *thread;
	int e;

	if (mine != NULL)
		return 0;
	pthread_once(&once, make_key);
	if (once_error != 0)
		return once_error;
	thread = bt_mem_alloc(sizeof *thread);
	if (thread == NULL)
		return BT_ERR_NOMEM;
	if ((e = pthread_setspecific(at_exit, thread)) != 0) {
		bt_mem_free(thread);
		return e;
	}
	mine = thread;
	return 0;
}

int
bt_krb5_enter(struct bt_krb5 **out)
{
	int64_t now;
	int e;

	*out = NULL;
	if ((e = find_thread()) != 0)
		return e;
	/* A plugin of libkrb5's may call back into this library: the context in use must stay. */
	if (mine->depth == 0) {
		now = bt_clock_boot_ms();
		if (is_stale(mine, now)) {
			if ((e = make_context(mine, now)) != 0)
				return e;
		} else {
			/* An old sentence must not be taken for one about the next failure. */
			krb5_clear_error_message(mine->lib.ctx);
		}
		/* NULL: KRB5CCNAME is read afresh. */
		krb5_cc_set_default_name(mine->lib.ctx, mine->ccache_name);
	}
	mine->depth++;
	*out = &mine->lib;
	return 0;
}

void
bt_krb5_leave(struct bt_krb5 *lib)
{
	krb5_timestamp seconds = 0;
	krb5_int32 microseconds = 0;

	if (lib == NULL || --mine->depth != 0)
		return;
	/* A clock correction comes from one cache or KDC and must not shift the time of the thread's other calls. */
	if (krb5_get_time_offsets(lib->ctx, &seconds, &microseconds) == 0 && (seconds != 0 || microseconds != 0))
		forget_context(mine);
}

void
bt_krb5_use_kdc(void)
{
	atomic_store_explicit(&is_kdc, true, memory_order_relaxed);
}

const char *
bt_krb5_ccache_name(void)
{
	return mine != NULL ? mine->ccache_name : NULL;
}

/* What the default cache is called until now. */
static int
copy_ccache_name(char **out)
{
	struct bt_krb5 *lib;
	const char *name;
	int e = bt_krb5_enter(&lib);

	*out = NULL;
	if (e != 0)
		return e;
	name = krb5_cc_default_name(lib->ctx);
	if (name == NULL || (*out = bt_mem_strdup(name, strlen(name))) == NULL)
		e = BT_ERR_NOMEM;
	bt_krb5_leave(lib);
	return e;
}

int
bt_krb5_ccache_rename(const char *name, const char **old)
{
	char *copy = NULL, *told = NULL;
	int e;

	if ((e = find_thread()) != 0 || (old != NULL && (e = copy_ccache_name(&told)) != 0))
		return e;
	if (name != NULL && (copy = bt_mem_strdup(name, strlen(name))) == NULL) {
		bt_mem_free(told);
		return BT_ERR_NOMEM;
	}
	bt_mem_free(mine->ccache_name);
	mine->ccache_name = copy;
	if (old != NULL) {
		bt_mem_free(mine->told_name);
		*old = mine->told_name = told;
	}
	return 0;
}

int
bt_krb5_fail(struct bt_krb5 *lib, krb5_error_code code)
{
	krb5_context ctx = lib != NULL ? lib->ctx : NULL;
	const char *text;

	if (code == 0)
		return 0;
	if (code == ENOMEM)
		return BT_ERR_NOMEM;
	text = krb5_get_error_message(ctx, code);
	bt_err_note(code, "%s", text);
	krb5_free_error_message(ctx, text);
	return code;
}

int64_t
bt_krb5_wall_of(struct bt_krb5 *lib, krb5_timestamp at)
{
	krb5_timestamp seconds = 0;
	krb5_int32 microseconds = 0;

	if (krb5_get_time_offsets(lib->ctx, &seconds, &microseconds) != 0)
		seconds = 0;
	return bt_krb5_seconds(at) - seconds;
}

int
bt_krb5_key_copy(const krb5_keyblock *block, struct bt_msg_key *out)
{
	*out = (struct bt_msg_key){0};
	if (block->length > sizeof out->bytes)
		return BT_ERR_ENCTYPE;
	out->enctype = block->enctype;
	out->len = (uint8_t)block->length;
	memcpy(out->bytes, block->contents, block->length);
	return 0;
}
