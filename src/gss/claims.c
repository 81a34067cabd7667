#include "claim/claim.h"

#include <baton/baton.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "claim/box.h"
#include "gss/call.h"
#include "gss/mechs.h"

/* All claims of a store, copied: their number changes while we count. */
struct list {
	struct bt_claim_entry *entries;
	size_t num, cap;
};

static void
add_entry(const struct bt_claim_entry *entry, void *arg)
{
	struct list *list = arg;

	if (list->num < list->cap)
		list->entries[list->num++] = *entry;
}

static int
by_pid(const void *a, const void *b)
{
	const struct bt_claim_entry *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static uint32_t
num_claims(const struct baton_claims_process *process)
{
	return process->num_live + process->num_expired + process->num_reserved;
}

static int64_t
age_of(int64_t made_at, int64_t now)
{
	return made_at < now ? now - made_at : 0;
}

/* A number that is nobody's, or that of a process of another namespace. */
static void
find_program(struct baton_claims_process *process)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/comm", (long)process->pid);
	if ((file = fopen(path, "re")) == NULL) {
		process->is_gone = errno == ENOENT && access("/proc/self/comm", F_OK) == 0;
		return;
	}
	if (fgets(process->program, sizeof process->program, file) != NULL)
		process->program[strcspn(process->program, "\n")] = '\0';
	/* Programs name themselves as they like. */
	for (char *c = process->program; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fclose(file);
}

/* Into the list, which is in order, if it is among those with the most. */
static void
rank(struct baton_claims *claims, const struct baton_claims_process *process)
{
	uint32_t i = claims->num_processes_listed, last = BATON_CLAIMS_PROCESSES - 1;

	claims->num_processes++;
	if (i > last && num_claims(&claims->processes[last]) >= num_claims(process))
		return;
	if (i > last)
		i = last;
	else
		claims->num_processes_listed++;
	for (; i > 0 && num_claims(&claims->processes[i - 1]) < num_claims(process); i--)
		claims->processes[i] = claims->processes[i - 1];
	claims->processes[i] = *process;
}

static void
count(const struct bt_claim_entry *entry, int64_t now, struct baton_claims *claims, struct baton_claims_process *process)
{
	int64_t age_ms = age_of(entry->made_at, now), left_ms;

	switch (entry->kind) {
	case BT_CLAIM_IS_LIVE:
		claims->num_live++;
		process->num_live++;
		if (age_ms > process->oldest_ms)
			process->oldest_ms = age_ms;
		if (age_ms > claims->oldest_ms)
			claims->oldest_ms = age_ms;
		left_ms = entry->expires_at > now ? entry->expires_at - now : 0;
		if (claims->next_expiry_ms < 0 || left_ms < claims->next_expiry_ms)
			claims->next_expiry_ms = left_ms;
		break;
	case BT_CLAIM_IS_EXPIRED:
		claims->num_expired++;
		process->num_expired++;
		break;
	case BT_CLAIM_IS_RESERVED:
	default:
		claims->num_reserved++;
		process->num_reserved++;
		break;
	}
}

static void
count_all(const struct list *list, struct baton_claims *claims)
{
	int64_t now = bt_clock_boot_ms();
	struct baton_claims_process process = {0};

	qsort(list->entries, list->num, sizeof *list->entries, by_pid);
	for (size_t i = 0; i < list->num; i++) {
		if (i == 0 || list->entries[i].pid != list->entries[i - 1].pid)
			process = (struct baton_claims_process){.pid = list->entries[i].pid, .oldest_ms = -1};
		count(&list->entries[i], now, claims, &process);
		if (i + 1 == list->num || list->entries[i + 1].pid != process.pid)
			rank(claims, &process);
	}
	for (uint32_t i = 0; i < claims->num_processes_listed; i++)
		find_program(&claims->processes[i]);
}

/* What there is to say of a user who has exported nothing; the rest is added to it. */
static void
begin(struct baton_claims *claims)
{
	struct bt_claim_census census;
	struct bt_claim_store *boxes;

	claims->uid = geteuid();
	claims->oldest_ms = claims->next_expiry_ms = -1;
	/* None, most of the time; and what is wrong with their directory is not what was asked. */
	if (bt_claim_box_store(claims->uid, false, &boxes) != 0)
		return;
	bt_claim_census_of(boxes, &census);
	claims->num_boxes_live = census.num_live;
	claims->num_boxes_expired = census.num_expired;
}

static int
survey(struct baton_claims *claims)
{
	struct bt_claim_store *store;
	struct bt_claim_census census;
	struct list list = {0};
	int e = bt_claim_user_store(false, &store);

	if (e != 0 && e != BT_ERR_STORE_MISSING)
		return e;
	if (e == BT_ERR_STORE_MISSING) {
		begin(claims);
		return 0;
	}
	bt_claim_census_of(store, &census);
	list.cap = census.num_slots;
	if ((list.entries = bt_mem_alloc_raw(list.cap * sizeof *list.entries)) == NULL)
		return BT_ERR_NOMEM;
	bt_claim_each(store, add_entry, &list);
	begin(claims);
	snprintf(claims->place, sizeof claims->place, "%s", bt_claim_path_of(store));
	claims->num_slots = census.num_slots;
	count_all(&list, claims);
	bt_mem_free(list.entries);
	return 0;
}

OM_uint32
baton_claims(OM_uint32 *minor_status, struct baton_claims *claims)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_versioned(&call, claims, sizeof *claims, BATON_CLAIMS_VERSION);
	if (!bt_call_failed(&call))
		bt_call_error(&call, bt_mechs_default(), survey(claims));
	return bt_call_end(&call);
}
