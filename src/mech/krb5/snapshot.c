#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/* A file changed this recently may change again without its times showing it: it is read afresh each time. */
enum { SETTLED_S = 2 };

/* The keys of a keytab file as they were when the file looked like this. Counted; the last user destroys it. */
struct bt_krb5_snapshot {
	unsigned refs;	    /* guarded by the credential's snapshot_lock */
	krb5_keytab keytab; /* MEMORY */
	struct stat file;
};

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool
is_settled(const struct stat *file)
{
	int64_t now = bt_clock_wall_s();

	return file->st_mtim.tv_sec + SETTLED_S < now && file->st_ctim.tv_sec + SETTLED_S < now;
}

struct link {
	krb5_keytab_entry entry;
	struct link *next;
};

static krb5_error_code
read_entries(struct bt_krb5 *lib, krb5_keytab keytab, struct link **list)
{
	krb5_kt_cursor cursor;
	krb5_error_code code = krb5_kt_start_seq_get(lib->ctx, keytab, &cursor);

	if (code != 0)
		return code;
	for (;;) {
		struct link *link = bt_mem_alloc(sizeof *link);

		if (link == NULL)
			code = ENOMEM;
		else
			code = krb5_kt_next_entry(lib->ctx, keytab, &link->entry, &cursor);
		if (code != 0) {
			bt_mem_free(link);
			break;
		}
		link->next = *list;
		*list = link;
	}
	krb5_kt_end_seq_get(lib->ctx, keytab, &cursor);
	return code == KRB5_KT_END ? 0 : code;
}

/* A MEMORY keytab hands out first what it was given last; the list is that way round already, and order saves trials. */
static krb5_error_code
copy_entries(struct bt_krb5 *lib, krb5_keytab from, krb5_keytab to)
{
	struct link *list = NULL;
	krb5_error_code code = read_entries(lib, from, &list);

	while (list != NULL) {
		struct link *link = list;

		list = link->next;
		if (code == 0)
			code = krb5_kt_add_entry(lib->ctx, to, &link->entry);
		krb5_free_keytab_entry_contents(lib->ctx, &link->entry);
		bt_mem_free(link);
	}
	return code;
}

/* NULL: without one the file itself is used. */
static struct bt_krb5_snapshot *
take(struct bt_krb5 *lib, krb5_keytab keytab, const struct stat *file)
{
	static _Atomic uint64_t counter;
	struct bt_krb5_snapshot *snapshot = bt_mem_alloc(sizeof *snapshot);
	char name[64];

	if (snapshot == NULL)
		return NULL;
	/* A MEMORY keytab is shared by who knows its name, and libkrb5 has no other way to make one. */
	snprintf(name, sizeof name, "MEMORY:baton:%p:%llu", (void *)snapshot,
		 (unsigned long long)atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed));
	if (krb5_kt_resolve(lib->ctx, name, &snapshot->keytab) != 0) {
		bt_mem_free(snapshot);
		return NULL;
	}
	if (copy_entries(lib, keytab, snapshot->keytab) != 0) {
		krb5_kt_close(lib->ctx, snapshot->keytab);
		bt_mem_free(snapshot);
		return NULL;
	}
	snapshot->refs = 1;
	snapshot->file = *file;
	return snapshot;
}

static void
drop(struct bt_krb5 *lib, struct bt_krb5_snapshot *snapshot)
{
	if (snapshot == NULL || --snapshot->refs != 0)
		return;
	krb5_kt_close(lib->ctx, snapshot->keytab);
	bt_mem_free(snapshot);
}

struct bt_krb5_snapshot *
bt_krb5_snapshot_borrow(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	struct bt_krb5_snapshot *snapshot;
	struct stat file;

	if (cred->keytab_path == NULL || stat(cred->keytab_path, &file) != 0)
		return NULL;
	/* The file itself serves as well, where this one's state cannot be known. */
	if (!bt_lock_thing_enter(&cred->snapshot_lock))
		return NULL;
	snapshot = cred->snapshot;
	if (snapshot != NULL && !is_same_file(&snapshot->file, &file)) {
		cred->snapshot = NULL;
		drop(lib, snapshot);
		snapshot = NULL;
	}
	/* A credential that serves once is not worth one. */
	if (snapshot == NULL && cred->num_uses++ != 0 && is_settled(&file))
		snapshot = cred->snapshot = take(lib, cred->keytab, &file);
	if (snapshot != NULL)
		snapshot->refs++;
	bt_lock_thing_leave(&cred->snapshot_lock);
	return snapshot;
}

krb5_keytab
bt_krb5_snapshot_keytab(const struct bt_krb5_snapshot *snapshot)
{
	return snapshot->keytab;
}

void
bt_krb5_snapshot_return(struct bt_krb5 *lib, struct bt_mcred *cred, struct bt_krb5_snapshot *snapshot)
{
	if (snapshot == NULL || !bt_lock_thing_enter(&cred->snapshot_lock))
		return;
	drop(lib, snapshot);
	bt_lock_thing_leave(&cred->snapshot_lock);
}

void
bt_krb5_snapshot_forget(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	drop(lib, cred->snapshot);
	cred->snapshot = NULL;
}

char *
bt_krb5_snapshot_path(struct bt_krb5 *lib, krb5_keytab keytab)
{
	char name[4096];

	if (krb5_kt_get_name(lib->ctx, keytab, name, sizeof name) != 0 || strncmp(name, "FILE:", 5) != 0)
		return NULL;
	return bt_mem_strdup(name + 5, strlen(name + 5));
}
