/*
 * What another program of the same user may do to the claim store, by mistake or malice.
 */
#include "stress/siege.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLE_LEN = 4206592 };

struct place {
	char file[PATH_MAX], aside[PATH_MAX];
	const char *dir;
};

static struct place
place_of(const char *dir)
{
	struct place p = {.dir = dir};

	snprintf(p.file, sizeof(p.file), "%s/claims", dir);
	snprintf(p.aside, sizeof(p.aside), "%s/aside", dir);
	return p;
}

/* A file of that length, with noise or zeros, in the table's place. */
static void
put_in_place(const struct place *p, off_t len, bool is_noise)
{
	int fd = open(p->aside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t noise[4096];

	if (fd < 0)
		return;
	if (ftruncate(fd, len) == 0 && is_noise) {
		for (size_t n = 0; n < sizeof(noise); n++)
			noise[n] = (uint8_t)rand();
		(void)!write(fd, noise, sizeof(noise));
	}
	close(fd);
	(void)rename(p->aside, p->file);
}

static void
erase(const struct place *p)
{
	unlink(p->file);
}

static void
erase_directory(const struct place *p)
{
	unlink(p->file);
	unlink(p->aside);
	rmdir(p->dir);
}

static void
empty(const struct place *p)
{
	(void)!truncate(p->file, 0);
}

static void
cut(const struct place *p)
{
	(void)!truncate(p->file, rand() % TABLE_LEN);
}

static void
lengthen(const struct place *p)
{
	(void)!truncate(p->file, TABLE_LEN + 1 + rand() % TABLE_LEN);
}

static void
replace_by_noise(const struct place *p)
{
	put_in_place(p, rand() % 2 ? TABLE_LEN : 1 + rand() % TABLE_LEN, true);
}

static void
replace_by_zeros(const struct place *p)
{
	put_in_place(p, rand() % 2 ? TABLE_LEN : 0, false);
}

static void
replace_by_directory(const struct place *p)
{
	unlink(p->file);
	mkdir(p->file, 0700);
}

static void
replace_by_link(const struct place *p)
{
	unlink(p->file);
	(void)!symlink("/dev/zero", p->file);
}

static void
open_to_all(const struct place *p)
{
	chmod(p->file, 0666);
}

static void
lay_aside(const struct place *p)
{
	(void)rename(p->file, p->aside);
}

static void
link_twice(const struct place *p)
{
	(void)!link(p->file, p->aside);
}

static const struct {
	void (*begin)(const struct place *p);
	bool is_cut;
} attacks[] = {
    {erase, false},
    {erase_directory, false},
    {empty, true},
    {cut, true},
    {lengthen, false},
    {replace_by_noise, false},
    {replace_by_zeros, false},
    {replace_by_directory, false},
    {replace_by_link, false},
    {open_to_all, false},
    {lay_aside, false},
    {link_twice, false},
};

void
attack_begin(const char *dir, bool *is_cut)
{
	struct place p = place_of(dir);
	size_t which = (size_t)rand() % (sizeof(attacks) / sizeof(*attacks));

	*is_cut = attacks[which].is_cut;
	attacks[which].begin(&p);
}

/* The true table comes back if it was laid aside; what is no table goes. */
void
attack_end(const char *dir)
{
	struct place p = place_of(dir);
	struct stat st;

	if (lstat(p.aside, &st) == 0 && st.st_nlink == 1)
		(void)rename(p.aside, p.file);
	unlink(p.aside);
	if (lstat(p.file, &st) != 0)
		return;
	if (S_ISDIR(st.st_mode))
		rmdir(p.file);
	else if (!S_ISREG(st.st_mode) || (st.st_size != TABLE_LEN && st.st_size != 0))
		unlink(p.file);
	else if ((st.st_mode & 07777) != 0600)
		chmod(p.file, 0600);
	else if (st.st_size == TABLE_LEN) {
		uint64_t magic = 0;
		int fd = open(p.file, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && pread(fd, &magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) && magic != 0 &&
		    memcmp(&magic, "BClaims1", sizeof(magic)) != 0)
			unlink(p.file);
		if (fd >= 0)
			close(fd);
	}
}

void
attack_remove(const char *dir)
{
	struct place p = place_of(dir);

	erase_directory(&p);
}
