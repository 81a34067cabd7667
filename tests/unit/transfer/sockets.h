/*
 * sockets - what the tests of hand-over share: pairs of sockets, and contexts that go over them and must, or must not.
 */
#ifndef TEST_TRANSFER_SOCKETS_H
#define TEST_TRANSFER_SOCKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/err.h"
#include "support.h"
#include "transfer/handover.h"

/* The ends of a pair. */
enum { TO = 0, FROM = 1 };

extern const struct bt_parcel_cargo nothing;
extern const struct bt_mechs mechs;
extern const int types[2];

#define FOR_EACH_TYPE(t) for (size_t t = 0; t < 2; t++)

/* Descriptors that this process has. */
unsigned num_fds(void);

void make_pair(int type, int flags, int pair[2]);
void close_pair(int pair[2]);
bool is_readable(int fd);

int send_to(int socket, struct bt_ctx *ctx, struct bt_handover *out);
void must_send(int socket, struct bt_ctx *ctx, struct bt_handover *out);
/* Takes it, and the context is as it was. */
void must_receive(int socket, struct bt_ctx *like);
void must_not_receive(int socket, int err);
void must_take_back(struct bt_handover *handover);
void state_is(struct bt_handover *handover, enum bt_handover_state state);

#endif
