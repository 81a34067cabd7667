/*
 * place - in which directory a user's table is, and whether that directory may be trusted. Keeps no state; any thread may call.
 */
#ifndef BT_CLAIM_PLACE_H
#define BT_CLAIM_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "claim/claim.h"

/* bt_claim_place_default - where this environment puts the table of uid. */
enum bt_claim_place bt_claim_place_default(uid_t uid);

/*
 * bt_claim_place_path - the directory of a place.
 * Errors: MALFORMED (no such place), STORE_MISSING (NAMED, and nobody named one), ENAMETOOLONG; then path is "".
 */
int bt_claim_place_path(int place, uid_t uid, char path[static PATH_MAX]);

/*
 * bt_claim_place_open - an O_PATH descriptor of the directory, checked: uid's own, mode 0700, in memory, no symbolic link.
 *   create  make it (not its parents) if it is not there
 * Errors: STORE_MISSING, STORE_OWNER, STORE_MODE, STORE_PLACE, errno, each with a note; then dir_fd is -1.
 */
int bt_claim_place_open(const char *path, uid_t uid, bool create, int *dir_fd);

/* bt_claim_place_check - the same, of a directory that is open. fd stays the caller's. */
int bt_claim_place_check(int fd, const char *path, uid_t uid);

/* bt_claim_place_fail - err, with a note that names path and tells errno. */
int bt_claim_place_fail(int err, const char *what, const char *path);

/* bt_claim_place_is_memory - is fd on tmpfs or ramfs? */
bool bt_claim_place_is_memory(int fd);

/*
 * bt_claim_place_open_inside - openat(2), but nothing that is mounted: a file system may be another user's process, which answers when it
 * likes. -1 with errno; EXDEV: something is mounted there. A kernel before 5.6 does not tell, and opens it.
 */
int bt_claim_place_open_inside(int dir_fd, const char *name, int flags);

#endif
