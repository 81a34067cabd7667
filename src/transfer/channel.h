/*
 * channel - what a sender keeps of a socket: the memory file with the claims of what it sends there, and a pair of
 * sockets by which receivers wake it.
 *
 * A memory file for each context would cost more than all the rest. So each socket has one: all who can read from the socket
 * get its descriptor and are trusted with the claims in it, and two sockets never share one. Sockets are told apart by a number that
 * the kernel gives each of them and never gives again (SO_COOKIE), so that a descriptor's number may be another socket's by now. A file
 * that is full of claims is given up for a fresh one.
 *
 * Channels are counted. Some dozens are kept for their next message; any thread may call. A forked child begins with none.
 */
#ifndef BT_TRANSFER_CHANNEL_H
#define BT_TRANSFER_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "claim/claim.h"

struct bt_channel;

/*
 * bt_channel_of - the channel of a socket, made at its first message.
 * Errors: HANDOVER_SOCKET, EBADF, ENOTSOCK, NOMEM, ENTROPY, EMFILE and the like; then out is NULL.
 */
int bt_channel_of(int socket, struct bt_channel **out);

/* bt_channel_free - takes NULL. */
void bt_channel_free(struct bt_channel *channel);

/* bt_channel_is_full - its claims are all in use: it is not kept any more, and bt_channel_of makes another one. */
void bt_channel_is_full(struct bt_channel *channel);

struct bt_claim_store *bt_channel_claims(const struct bt_channel *channel);

/* bt_channel_is_inherited - was it made by a parent of this process? Then the parent may be watching its claims. */
bool bt_channel_is_inherited(const struct bt_channel *channel);

/* bt_channel_is_pair - was the socket made by socketpair(2)? Then what the kernel says of its peer is who made it. */
bool bt_channel_is_pair(const struct bt_channel *channel);

/*
 * bt_channel_waker - the end that is to go along with a message, or -1: none, for nobody has asked for it. The first
 * message has it all the same, whose sender will only then have something to ask about.
 */
int bt_channel_waker(struct bt_channel *channel);

/* bt_channel_listen - the end that somebody is going to wait for; woken once. -1: no descriptors left. */
int bt_channel_listen(struct bt_channel *channel);

/* bt_channel_hear - forget that the channel was woken, before a look at what has changed. */
void bt_channel_hear(struct bt_channel *channel);

/* bt_channel_wake - wake whoever sent fd along with a message, if it is a socket of that sort. Never waits. */
void bt_channel_wake(int fd);

#endif
