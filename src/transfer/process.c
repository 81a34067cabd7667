#include "transfer/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "crypto/hash.h"

enum {
	STAT_LEN = 1024,    /* a line of some 50 numbers and a name of 64 bytes at most */
	CGROUP_LEN = 16384, /* one path, or one for each hierarchy of the older sort */
	STARTED_FIELD = 22,
	NAME_FIELD = 2,
};

static _Thread_local struct {
	struct bt_audience_process process;
	int64_t read_at_s;
	bool is_known;
} kept[BT_PROCESS_NUM_ROLES];

static _Thread_local struct {
	uint8_t print[BT_AUDIENCE_CGROUP_LEN];
	int64_t read_at_s;
	bool is_known;
} kept_cgroup;

/* A whole file of /proc, which is given out in one piece if there is room. Errors: errno. */
static int
read_text(const char *path, uint8_t *text, size_t cap, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), e = 0;
	ssize_t n = -1;

	*len = 0;
	if (fd < 0)
		return errno;
	while (e == 0 && n != 0 && *len < cap) {
		n = read(fd, text + *len, cap - *len);
		if (n < 0 && errno != EINTR)
			e = errno;
		*len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return e;
}

/* The second field is a name in brackets, which may have anything in it, brackets too; behind the last one are numbers. */
bool
bt_transfer_process_parse_stat(struct bt_bytes text, uint64_t *started_at)
{
	const uint8_t *end = text.len != 0 ? memrchr(text.ptr, ')', text.len) : NULL;
	struct bt_bytes rest, word = {0};

	*started_at = 0;
	if (end == NULL)
		return false;
	rest = bt_bytes_of(end + 1, text.len - (size_t)(end + 1 - text.ptr));
	for (int field = NAME_FIELD; field < STARTED_FIELD; field++)
		if (!bt_transfer_rule_word(&rest, &word))
			return false;
	return bt_transfer_rule_number(word, UINT64_MAX, started_at);
}

static int
read_started_at(uint32_t pid, uint64_t *out)
{
	char path[32];
	uint8_t text[STAT_LEN];
	size_t len;
	int e;

	*out = 0;
	snprintf(path, sizeof path, "/proc/%lu/stat", (unsigned long)pid);
	e = read_text(path, text, sizeof text, &len);
	/* Without a mounted /proc no process is there either, nor are others' where it hides them. */
	if ((e == ENOENT || e == ESRCH) && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
		return 0;
	if (e != 0)
		return bt_err_note(BT_ERR_AUDIENCE, "%s cannot be read: %s", path, strerrordesc_np(e));
	if (!bt_transfer_process_parse_stat(bt_bytes_of(text, len), out) || *out == 0)
		return bt_err_note(BT_ERR_AUDIENCE, "%s does not say when the process began", path);
	return 0;
}

int
bt_transfer_process_look(enum bt_process_role role, uint32_t pid, struct bt_audience_process *out)
{
	int64_t now_s = bt_clock_wall_s();
	int e = 0;

	if (!kept[role].is_known || kept[role].process.pid != pid || kept[role].read_at_s != now_s) {
		kept[role].process.pid = pid;
		kept[role].read_at_s = now_s;
		e = read_started_at(pid, &kept[role].process.started_at);
		kept[role].is_known = e == 0 && (role != BT_PROCESS_NAMED || kept[role].process.started_at != 0);
	}
	*out = kept[role].process;
	return e;
}

/* The name that the kernel has for it counts from the root of its namespace, so both together are the group. */
static int
read_cgroup(uint8_t *print)
{
	static const char path[] = "/proc/self/cgroup", namespace[] = "/proc/self/ns/cgroup";
	uint8_t text[CGROUP_LEN + 8], digest[BT_CRYPTO_STATE_MAX];
	struct bt_crypto_digest hash;
	struct stat st;
	size_t len;
	int e;

	if ((e = read_text(path, text, CGROUP_LEN, &len)) != 0 || len == 0 || len == CGROUP_LEN)
		return bt_err_note(BT_ERR_AUDIENCE, "%s cannot be read: %s", path, e != 0 ? strerrordesc_np(e) : "no or too many groups");
	if (stat(namespace, &st) != 0)
		return bt_err_note(BT_ERR_AUDIENCE, "%s cannot be looked at: %m", namespace);
	bt_store_be64(text + len, (uint64_t)st.st_ino);
	bt_crypto_digest_init(&hash, &bt_crypto_sha256, bt_crypto_sha256.initial.bytes, 0);
	bt_crypto_digest_update(&hash, text, len + 8);
	bt_crypto_digest_final(&hash, digest);
	memcpy(print, digest, BT_AUDIENCE_CGROUP_LEN);
	return 0;
}

int
bt_transfer_process_cgroup(uint8_t out[static BT_AUDIENCE_CGROUP_LEN])
{
	int64_t now_s = bt_clock_wall_s();
	int e = 0;

	if (!kept_cgroup.is_known || kept_cgroup.read_at_s != now_s) {
		kept_cgroup.read_at_s = now_s;
		e = read_cgroup(kept_cgroup.print);
		kept_cgroup.is_known = e == 0;
	}
	if (e == 0)
		memcpy(out, kept_cgroup.print, BT_AUDIENCE_CGROUP_LEN);
	return e;
}
