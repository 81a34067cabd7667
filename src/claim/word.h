/*
 * word - the words in shared memory by which processes agree after a fork, for fork.c.
 *
 * A sheet is a page of words that this process shares with its children. What is known about it, which of its words are in use
 * and by what, is each process's own: a child without the rights of its parent can write to the page, and there must be nothing
 * in it that another process would follow.
 *
 * Words come from sheets of the present epoch only. An older sheet has copies elsewhere, whose words mean something there after they were
 * given back here; so it is used up as it is, and unmapped here when its last word is given back.
 *
 * Threads take words from different sheets if there are not too many of them; a lock protects some of the sheets, and is held for
 * a few instructions.
 */
#ifndef BT_CLAIM_WORD_H
#define BT_CLAIM_WORD_H

#include "claim/fork.h"

/* bt_claim_word_new - a word that holds epoch; where it is goes to own->sheet and own->index. Errors: NOMEM. */
int bt_claim_word_new(uint64_t epoch, struct bt_claim_own *own);

void bt_claim_word_free(struct bt_claim_own *own);

/* bt_claim_word_of - the word; shared memory. */
_Atomic uint64_t *bt_claim_word_of(const struct bt_claim_own *own);

/* bt_claim_words_inherited - in a child, first of all: locks that other threads held are free again. */
void bt_claim_words_inherited(void);

#endif
