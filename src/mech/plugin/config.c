#include "mech/plugin/config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/* ---- one file ---- */

int
bt_plugin_config_walk_text(const char *file, struct bt_bytes text, bt_plugin_place_fn *fn, void *arg)
{
	struct bt_plugin_place place = {.file = file};
	struct bt_rd rd = bt_rd_of(text);
	int e = 0;

	while (e == 0 && rd.left != 0) {
		const uint8_t *end = memchr(rd.ptr, '\n', rd.left);
		struct bt_bytes line = bt_rd_bytes(&rd, end != NULL ? (size_t)(end - rd.ptr) : rd.left);

		if (end != NULL)
			bt_rd_u8(&rd);
		place.line_no++;
		place.problem = bt_plugin_line_read(line, &place.line);
		if (place.problem != BT_PLUGIN_NO_PROBLEM || place.line.oid_len != 0)
			e = fn(&place, arg);
	}
	return e;
}

/* All of a plain file. problem: why there is nothing, if that is worth telling. Errors: NOMEM. */
static int
read_file(const char *path, struct bt_buf *out, enum bt_plugin_problem *problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = 0;
	ssize_t got = 1;
	struct stat st;

	*out = (struct bt_buf){0};
	*problem = BT_PLUGIN_NO_PROBLEM;
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			*problem = BT_PLUGIN_FILE;
		return 0;
	}
	if (fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)))
		*problem = BT_PLUGIN_FILE;
	else if (st.st_size > BT_PLUGIN_FILE_MAX)
		*problem = BT_PLUGIN_FILE_TOO_LARGE;
	else if (S_ISREG(st.st_mode) && (out->ptr = bt_mem_alloc_raw((size_t)st.st_size)) == NULL)
		e = BT_ERR_NOMEM;
	/* A device can be empty, as /dev/null, and nothing else is read of one. */
	while (out->ptr != NULL && got > 0 && out->len < (size_t)st.st_size) {
		got = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);
		if (got > 0)
			out->len += (size_t)got;
		else if (got < 0)
			*problem = BT_PLUGIN_FILE;
	}
	close(fd);
	return e;
}

static int
walk_file(const char *path, bt_plugin_place_fn *fn, void *arg)
{
	struct bt_plugin_place place = {.file = path};
	struct bt_buf text;
	int e = read_file(path, &text, &place.problem);

	if (e == 0 && place.problem != BT_PLUGIN_NO_PROBLEM)
		e = fn(&place, arg);
	else if (e == 0)
		e = bt_plugin_config_walk_text(path, bt_bytes_of_buf(&text), fn, arg);
	bt_buf_free(&text);
	return e;
}

/* ---- all files ---- */

static int
each_file(int (*fn)(const char *path, void *arg), void *arg)
{
	const char *only = secure_getenv("GSS_MECH_CONFIG");
	glob_t found = {0};
	int e;

	if (only != NULL)
		return fn(only, arg);
	e = fn("/etc/gss/mech", arg);
	if (e == 0 && glob("/etc/gss/mech.d/*.conf", 0, NULL, &found) == GLOB_NOSPACE)
		e = BT_ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < found.gl_pathc; i++)
		e = fn(found.gl_pathv[i], arg);
	globfree(&found);
	return e;
}

struct walk {
	bt_plugin_place_fn *fn;
	void *arg;
};

static int
walk_one(const char *path, void *arg)
{
	struct walk *walk = arg;

	return walk_file(path, walk->fn, walk->arg);
}

int
bt_plugin_config_walk(bt_plugin_place_fn *fn, void *arg)
{
	struct walk walk = {fn, arg};

	return each_file(walk_one, &walk);
}

/* FNV-1a: a change is to be noticed, and nobody gains by hiding one from himself. */
static uint64_t
mix(uint64_t hash, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static int
stamp_one(const char *path, void *arg)
{
	uint64_t *hash = arg;
	struct stat st;

	*hash = mix(*hash, path, strlen(path) + 1);
	if (stat(path, &st) != 0)
		return 0;
	*hash = mix(*hash, &st.st_mtim, sizeof st.st_mtim);
	*hash = mix(*hash, &st.st_size, sizeof st.st_size);
	*hash = mix(*hash, &st.st_ino, sizeof st.st_ino);
	return 0;
}

uint64_t
bt_plugin_config_stamp(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	(void)each_file(stamp_one, &hash);
	return hash;
}
