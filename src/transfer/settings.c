#include "transfer/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "transfer/event.h"
#include "transfer/limits.h"

/* What was said, kept for ever: threads may look at it at any time, and there are few different things to say. */
struct saying {
	struct saying *next;
	struct bt_settings settings;
	/* Of those from the file: the root directory that it was found under. */
	dev_t root_dev;
	ino_t root_ino;
};

static _Atomic(struct saying *) sayings;
static const struct saying nothing;

/* The latest of the file's and of the program's, or NULL. */
static _Atomic(const struct saying *) from_file, from_program;

/* By what a file is known again. Of none, all zero. */
struct print {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

/* A thread's own view. */
static _Thread_local struct {
	bool is_good;
	int64_t looked_at_s;
	const struct saying *program; /* the defaults that were merged in */
	struct print print;
	const struct saying *file;
	struct bt_settings merged;
} mine;

static bool
is_same_rule(const struct bt_audience_rule *a, const struct bt_audience_rule *b)
{
	return a->bits == b->bits && a->says_own == b->says_own && a->pid == b->pid && a->uid == b->uid;
}

static bool
is_same(const struct saying *a, const struct saying *b)
{
	const struct bt_settings *x = &a->settings, *y = &b->settings;

	return x->given == y->given && x->unsealed == y->unsealed && x->has_authdata == y->has_authdata &&
	       x->has_syslog == y->has_syslog && x->ttl_s == y->ttl_s && is_same_rule(&x->audience, &y->audience) &&
	       a->root_dev == b->root_dev && a->root_ino == b->root_ino;
}

/* The kept one that says the same. Errors: NOMEM. */
static int
keep(const struct saying *said, const struct saying **out)
{
	struct saying *fresh, *there = atomic_load(&sayings);

	for (*out = there; *out != NULL; *out = (*out)->next)
		if (is_same(*out, said))
			return 0;
	if ((fresh = bt_mem_dup(said, sizeof *said)) == NULL)
		return BT_ERR_NOMEM;
	/* Two threads at once may keep the same twice, which does no harm. */
	fresh->next = there;
	while (!atomic_compare_exchange_weak(&sayings, &fresh->next, fresh))
		;
	*out = fresh;
	return 0;
}

/* ---- the file ---- */

static int
fail(int err)
{
	int saved = errno;

	bt_err_note(err, "%s: %m", bt_transfer_settings_path);
	errno = saved;
	return err;
}

static bool
is_same_print(const struct print *a, const struct print *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec && a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* A file that is not there is none; one that cannot be looked at may be. */
static int
take_print(struct print *out)
{
	struct stat st;

	*out = (struct print){0};
	if (stat(bt_transfer_settings_path, &st) != 0)
		return errno == ENOENT ? 0 : fail(errno);
	if (!S_ISREG(st.st_mode))
		return bt_err_note(BT_ERR_SETTINGS, "%s is not a regular file", bt_transfer_settings_path);
	*out = (struct print){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	return 0;
}

static int
read_whole(int fd, struct bt_buf *out)
{
	uint8_t *text = bt_mem_alloc_raw(BT_TRANSFER_CONF_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (text == NULL)
		return BT_ERR_NOMEM;
	while (len <= BT_TRANSFER_CONF_MAX && (n = read(fd, text + len, BT_TRANSFER_CONF_MAX + 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bt_mem_free(text);
			return fail(errno);
		}
		len += (size_t)n;
	}
	if (len > BT_TRANSFER_CONF_MAX) {
		bt_mem_free(text);
		return bt_err_note(BT_ERR_SETTINGS, "%s has more than %d bytes", bt_transfer_settings_path, BT_TRANSFER_CONF_MAX);
	}
	*out = (struct bt_buf){text, len};
	return 0;
}

/* Its own name, as it was started; a program that was replaced meanwhile is shown with a remark behind it. */
static const char *
executable(char path[static PATH_MAX])
{
	static const char remark[] = " (deleted)";
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	size_t remark_len = sizeof remark - 1;

	if (len <= 0)
		return NULL;
	path[len] = '\0';
	if ((size_t)len > remark_len && strcmp(path + len - remark_len, remark) == 0)
		path[(size_t)len - remark_len] = '\0';
	return path;
}

static int
read_file(struct bt_settings *out)
{
	int fd = open(bt_transfer_settings_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), e;
	char path[PATH_MAX];
	struct bt_settings_program program = {executable(path), program_invocation_short_name};
	struct bt_buf text = {0};

	if (fd < 0)
		return fail(errno);
	e = read_whole(fd, &text);
	close(fd);
	if (e == 0)
		e = bt_transfer_settings_read_file(bt_transfer_settings_path, bt_bytes_of_buf(&text), &program, out);
	bt_mem_free(text.ptr);
	return e;
}

/* A program that goes to another root takes along what was said in the first: there may be nothing in the second, and that is wider. */
static bool
is_elsewhere(const struct saying *file, struct saying *out)
{
	struct stat st;

	if (stat("/", &st) == 0) {
		out->root_dev = st.st_dev;
		out->root_ino = st.st_ino;
	}
	return file != NULL && file != &nothing && (file->root_dev != out->root_dev || file->root_ino != out->root_ino);
}

/* mine.file, as it is now. */
static int
look_at_file(void)
{
	const struct saying *latest = atomic_load_explicit(&from_file, memory_order_acquire);
	struct saying said = {0};
	struct print print;
	int e;

	if (is_elsewhere(latest, &said)) {
		mine.file = latest;
		return 0;
	}
	if ((e = take_print(&print)) != 0)
		return e;
	if (mine.file != NULL && is_same_print(&print, &mine.print))
		return 0;
	if (print.ino != 0 && (e = read_file(&said.settings)) != 0)
		return e;
	if (print.ino == 0)
		mine.file = &nothing;
	else if ((e = keep(&said, &mine.file)) != 0)
		return e;
	/* Taken before the file was read: if it changed meanwhile, the next look finds that out. */
	mine.print = print;
	atomic_store_explicit(&from_file, mine.file, memory_order_release);
	return 0;
}

/* ---- all of them ---- */

static int
look(int64_t now_s, const struct saying *program)
{
	const char *text = secure_getenv("BATON_TRANSFER");
	struct bt_settings from_environment = {0};
	int e;

	mine.is_good = false;
	if ((e = look_at_file()) != 0)
		return e;
	if (text != NULL &&
	    (e = bt_transfer_settings_read_list("BATON_TRANSFER", bt_bytes_of_str(text), &from_environment)) != 0)
		return e;
	mine.merged = mine.file->settings;
	bt_transfer_settings_merge(&mine.merged, &from_environment);
	if (program != NULL)
		bt_transfer_settings_merge(&mine.merged, &program->settings);
	mine.program = program;
	mine.looked_at_s = now_s;
	mine.is_good = true;
	bt_transfer_log((mine.merged.given & BT_SETTING_SYSLOG) != 0 && mine.merged.has_syslog);
	return 0;
}

int
bt_transfer_settings_now(const struct bt_settings **out)
{
	const struct saying *program = atomic_load_explicit(&from_program, memory_order_acquire);
	int64_t now_s = bt_clock_wall_s();
	int e = 0;

	*out = &mine.merged;
	if (mine.is_good && mine.looked_at_s == now_s && mine.program == program)
		return 0;
	if ((e = look(now_s, program)) != 0)
		*out = NULL;
	return e;
}

int
bt_transfer_settings_default(const char *text)
{
	const struct saying *kept = NULL;
	struct saying said = {0};
	int e = 0;

	if (text != NULL &&
	    ((e = bt_transfer_settings_read_list("baton_transfer_defaults", bt_bytes_of_str(text), &said.settings)) != 0 ||
	     (e = keep(&said, &kept)) != 0))
		return e;
	atomic_store_explicit(&from_program, kept, memory_order_release);
	return 0;
}

int
bt_transfer_settings_let_in(enum bt_unsealed kind, bool *out)
{
	const struct bt_settings *settings;
	int e = bt_transfer_settings_now(&settings);

	*out = e == 0 && (settings->unsealed & kind) != 0;
	return e;
}
