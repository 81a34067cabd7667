#include "claim/word.h"

#include <pthread.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/mem.h"

enum { SHEET_LEN = 4096, NUM_WORDS = SHEET_LEN / 8, NUM_SHELVES = 16 };

struct shelf;

struct bt_claim_sheet {
	/* Constant: */
	_Atomic uint64_t *words; /* shared memory */
	struct shelf *shelf;
	uint64_t epoch; /* in which it was made; 0: words are to be taken from it no more */
	/* By the shelf's lock: */
	struct bt_claim_sheet *next, *prev; /* on the shelf */
	uint32_t clearance; /* the shelf's, when it was put there; 0: it is not */
	uint32_t num_used;
	uint64_t used[NUM_WORDS / 64];
};

/* Sheets with room. Those that are full, or of an earlier epoch, are known to the owners of their words alone. */
static struct shelf {
	pthread_mutex_t lock; /* protects first, and what is on the shelf or came from it */
	struct bt_claim_sheet *first;
	uint32_t clearance; /* counts up when all that was on it is forgotten */

	/* Most processes need no more than one sheet at a time. */
	struct bt_claim_sheet resident;
	_Atomic bool is_resident_out;
} shelves[NUM_SHELVES] = {[0 ... NUM_SHELVES - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER, .clearance = 1}};

static struct shelf *
shelf_here(void)
{
	static _Thread_local struct shelf *here;
	static _Atomic uint32_t num_threads;

	if (here == NULL)
		here = &shelves[atomic_fetch_add_explicit(&num_threads, 1, memory_order_relaxed) % NUM_SHELVES];
	return here;
}

/* ---- sheets; the lock is held, unless nobody else knows the sheet ---- */

static bool
is_present(const struct bt_claim_sheet *sheet)
{
	return sheet->epoch == atomic_load(&bt_claim_epoch);
}

static bool
is_on_shelf(const struct bt_claim_sheet *sheet)
{
	return sheet->clearance == sheet->shelf->clearance;
}

static void
put_on_shelf(struct bt_claim_sheet *sheet)
{
	struct shelf *shelf = sheet->shelf;

	sheet->prev = NULL;
	sheet->next = shelf->first;
	if (shelf->first != NULL)
		shelf->first->prev = sheet;
	shelf->first = sheet;
	sheet->clearance = shelf->clearance;
}

static void
take_off_shelf(struct bt_claim_sheet *sheet)
{
	if (!is_on_shelf(sheet))
		return;
	if (sheet->prev != NULL)
		sheet->prev->next = sheet->next;
	else
		sheet->shelf->first = sheet->next;
	if (sheet->next != NULL)
		sheet->next->prev = sheet->prev;
	sheet->clearance = 0;
	sheet->next = NULL;
}

/* What is of an earlier epoch leaves the shelf; of that, what has no word in use is returned, as a list for free_sheets. */
static struct bt_claim_sheet *
clear_shelf(struct shelf *shelf, uint64_t epoch)
{
	struct bt_claim_sheet *unused = NULL;

	for (struct bt_claim_sheet *sheet = shelf->first, *next; sheet != NULL; sheet = next) {
		next = sheet->next;
		if (sheet->epoch == epoch)
			continue;
		take_off_shelf(sheet);
		if (sheet->num_used == 0) {
			sheet->next = unused;
			unused = sheet;
		}
	}
	return unused;
}

static struct bt_claim_sheet *
borrow(struct shelf *shelf)
{
	if (atomic_exchange(&shelf->is_resident_out, true))
		return bt_mem_alloc(sizeof(struct bt_claim_sheet));
	shelf->resident = (struct bt_claim_sheet){0};
	return &shelf->resident;
}

static void
give_back(struct bt_claim_sheet *sheet)
{
	struct shelf *shelf = sheet->shelf;

	if (sheet == &shelf->resident)
		atomic_store(&shelf->is_resident_out, false);
	else
		bt_mem_free(sheet);
}

static void
free_sheets(struct bt_claim_sheet *sheet)
{
	for (struct bt_claim_sheet *next; sheet != NULL; sheet = next) {
		next = sheet->next;
		munmap((void *)sheet->words, SHEET_LEN);
		give_back(sheet);
	}
}

static struct bt_claim_sheet *
make_sheet(struct shelf *shelf, uint64_t epoch)
{
	struct bt_claim_sheet *sheet = borrow(shelf);
	void *words;

	if (sheet == NULL)
		return NULL;
	sheet->shelf = shelf;
	words = mmap(NULL, SHEET_LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) {
		give_back(sheet);
		return NULL;
	}
	sheet->words = words;
	sheet->epoch = epoch;
	return sheet;
}

/* A word of a sheet that has one left. */
static void
take_word(struct bt_claim_sheet *sheet, uint64_t epoch, struct bt_claim_own *own)
{
	uint32_t i = 0;

	while (sheet->used[i] == UINT64_MAX)
		i++;
	own->sheet = sheet;
	own->index = i * 64 + (uint32_t)__builtin_ctzll(~sheet->used[i]);
	sheet->used[i] |= UINT64_C(1) << own->index % 64;
	sheet->num_used++;
	atomic_store_explicit(&sheet->words[own->index], epoch, memory_order_relaxed);
}

static void
drop_word(struct bt_claim_sheet *sheet, uint32_t index)
{
	sheet->used[index / 64] &= ~(UINT64_C(1) << index % 64);
	sheet->num_used--;
}

/* ---- words ---- */

_Atomic uint64_t *
bt_claim_word_of(const struct bt_claim_own *own)
{
	return &own->sheet->words[own->index];
}

/* From what is on the shelf. False: nothing there that can be used. */
static bool
take_from_shelf(struct shelf *shelf, uint64_t epoch, struct bt_claim_own *own)
{
	struct bt_claim_sheet *unused = NULL, *sheet;
	bool is_taken = false;

	pthread_mutex_lock(&shelf->lock);
	if (shelf->first != NULL && shelf->first->epoch != epoch)
		unused = clear_shelf(shelf, epoch);
	if ((sheet = shelf->first) != NULL) {
		take_word(sheet, epoch, own);
		/* If a fork has begun meanwhile, the word may be one that was in use in the child when it was copied. */
		if (!(is_taken = is_present(sheet)))
			drop_word(sheet, own->index);
		else if (sheet->num_used == NUM_WORDS)
			take_off_shelf(sheet);
	}
	pthread_mutex_unlock(&shelf->lock);
	free_sheets(unused);
	return is_taken;
}

int
bt_claim_word_new(uint64_t epoch, struct bt_claim_own *own)
{
	struct shelf *shelf = shelf_here();
	struct bt_claim_sheet *sheet;

	if (take_from_shelf(shelf, epoch, own))
		return 0;
	if ((sheet = make_sheet(shelf, epoch)) == NULL)
		return BT_ERR_NOMEM;
	take_word(sheet, epoch, own);
	pthread_mutex_lock(&shelf->lock);
	if (is_present(sheet))
		put_on_shelf(sheet);
	pthread_mutex_unlock(&shelf->lock);
	return 0;
}

void
bt_claim_word_free(struct bt_claim_own *own)
{
	struct bt_claim_sheet *sheet = own->sheet, *unused = NULL;
	struct shelf *shelf = sheet->shelf;
	bool has_others;

	pthread_mutex_lock(&shelf->lock);
	drop_word(sheet, own->index);
	has_others = shelf->first != NULL && (shelf->first != sheet || sheet->next != NULL);
	/* One that is empty is kept, for a process that makes and frees one thing at a time. */
	if (sheet->num_used == 0 && (has_others || !is_present(sheet))) {
		take_off_shelf(sheet);
		unused = sheet;
	} else if (!is_on_shelf(sheet) && is_present(sheet)) {
		put_on_shelf(sheet);
	}
	pthread_mutex_unlock(&shelf->lock);
	free_sheets(unused);
}

void
bt_claim_words_inherited(void)
{
	for (struct shelf *shelf = shelves; shelf < shelves + NUM_SHELVES; shelf++) {
		/* Somebody was at it: it may be in disorder. What was on it is freed with the last of its words, or not at all. */
		if (pthread_mutex_trylock(&shelf->lock) != 0) {
			shelf->first = NULL;
			shelf->clearance++;
		}
		shelf->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	}
}
