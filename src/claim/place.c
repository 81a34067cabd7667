#include "claim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"

int
bt_claim_place_fail(int err, const char *what, const char *path)
{
	int saved = errno;

	bt_err_note(err, "cannot %s %s: %m", what, path);
	errno = saved;
	return err;
}

bool
bt_claim_place_is_memory(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	return (unsigned long)fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC;
}

/* A directory that another user could write to is none; `su` leaves the variable of the user before. */
static const char *
runtime_dir(uid_t uid)
{
	const char *path = secure_getenv("XDG_RUNTIME_DIR");
	struct stat st;
	bool is_good;
	int fd;

	if (path == NULL || path[0] != '/' || (fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return NULL;
	is_good =
	    fstat(fd, &st) == 0 && st.st_uid == uid && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && bt_claim_place_is_memory(fd);
	close(fd);
	return is_good ? path : NULL;
}

static const char *
named_dir(void)
{
	const char *path = secure_getenv("BATON_CLAIM_DIR");

	return path != NULL && path[0] != '\0' ? path : NULL;
}

enum bt_claim_place
bt_claim_place_default(uid_t uid)
{
	if (named_dir() != NULL)
		return BT_CLAIM_PLACE_NAMED;
	return runtime_dir(uid) != NULL ? BT_CLAIM_PLACE_RUNTIME : BT_CLAIM_PLACE_SHM;
}

int
bt_claim_place_path(int place, uid_t uid, char path[static PATH_MAX])
{
	const char *base;
	int len;

	path[0] = '\0';
	switch (place) {
	case BT_CLAIM_PLACE_SHM:
		len = snprintf(path, PATH_MAX, "/dev/shm/baton-%lu", (unsigned long)uid);
		break;
	case BT_CLAIM_PLACE_RUNTIME:
		if ((base = runtime_dir(uid)) != NULL)
			len = snprintf(path, PATH_MAX, "%s/baton", base);
		else
			len = snprintf(path, PATH_MAX, "/run/user/%lu/baton", (unsigned long)uid);
		break;
	case BT_CLAIM_PLACE_NAMED:
		if ((base = named_dir()) == NULL)
			return bt_err_note(BT_ERR_STORE_MISSING, "BATON_CLAIM_DIR names no directory");
		len = snprintf(path, PATH_MAX, "%s", base);
		break;
	default:
		return BT_ERR_MALFORMED;
	}
	if (len >= PATH_MAX) {
		path[0] = '\0';
		return ENAMETOOLONG;
	}
	return 0;
}

int
bt_claim_place_check(int fd, const char *path, uid_t uid)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bt_claim_place_fail(errno, "look at", path);
	if (st.st_uid != uid)
		return bt_err_note(BT_ERR_STORE_OWNER, "%s belongs to user %lu, not %lu", path, (unsigned long)st.st_uid,
				   (unsigned long)uid);
	if (!S_ISDIR(st.st_mode))
		return bt_err_note(BT_ERR_STORE_MODE, "%s is not a directory", path);
	if ((st.st_mode & 0777) != 0700)
		return bt_err_note(BT_ERR_STORE_MODE, "%s has mode %04o", path, (unsigned)st.st_mode & 07777);
	if (!bt_claim_place_is_memory(fd))
		return bt_err_note(BT_ERR_STORE_PLACE, "%s is not on a memory file system", path);
	return 0;
}

int
bt_claim_place_open(const char *path, uid_t uid, bool create, int *dir_fd)
{
	int e;

	*dir_fd = -1;
	if (create && mkdir(path, 0700) != 0 && errno != EEXIST)
		return bt_claim_place_fail(errno == ENOENT ? BT_ERR_STORE_MISSING : errno, "make", path);
	/* Without O_DIRECTORY, so that a symbolic link somebody put there is opened itself and its owner seen. */
	if ((*dir_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return bt_claim_place_fail(errno == ENOENT ? BT_ERR_STORE_MISSING : errno, "open", path);
	if ((e = bt_claim_place_check(*dir_fd, path, uid)) != 0) {
		close(*dir_fd);
		*dir_fd = -1;
	}
	return e;
}

int
bt_claim_place_open_inside(int dir_fd, const char *name, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_XDEV};
	int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);

	/* EPERM is what sandboxes say that know the call no more than the kernel. */
	return fd < 0 && (errno == ENOSYS || errno == EPERM) ? openat(dir_fd, name, flags) : fd;
}
