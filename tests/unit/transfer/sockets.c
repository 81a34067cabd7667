#include "sockets.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

const struct bt_parcel_cargo nothing;
const struct bt_mechs mechs = {test_mechs, 1};
const int types[2] = {SOCK_SEQPACKET, SOCK_STREAM};

unsigned
num_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned num = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);
	return num;
}

void
make_pair(int type, int flags, int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, type | flags | SOCK_CLOEXEC, 0, pair), 0);
}

void
close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

int
send_to(int socket, struct bt_ctx *ctx, struct bt_handover *out)
{
	return bt_handover_send(socket, ctx, &no_wish, &nothing, -1, true, out);
}

void
must_send(int socket, struct bt_ctx *ctx, struct bt_handover *out)
{
	assert_int_equal(send_to(socket, ctx, out), 0);
}

void
must_receive(int socket, struct bt_ctx *like)
{
	struct bt_receipt receipt;

	assert_int_equal(bt_handover_recv(socket, mechs, &receipt), 0);
	assert_int_equal(bt_receipt_take(&receipt), 0);
	test_assert_same(receipt.ctx, like);
	bt_ctx_free(receipt.ctx);
	assert_int_equal(receipt.connection, -1);
	bt_receipt_done(&receipt);
}

void
must_not_receive(int socket, int err)
{
	struct bt_receipt receipt;

	assert_int_equal(bt_handover_recv(socket, mechs, &receipt), err);
	assert_null(receipt.ctx);
	assert_null(receipt.clear.ptr);
	assert_int_equal(receipt.connection, -1);
}

void
state_is(struct bt_handover *handover, enum bt_handover_state state)
{
	assert_int_equal(bt_handover_state_of(handover), state);
}

void
must_take_back(struct bt_handover *handover)
{
	assert_int_equal(bt_handover_take_back(handover), 0);
	assert_int_equal(bt_handover_take_back(handover), BT_ERR_HANDOVER_TAKEN);
	bt_handover_done(handover);
}

bool
is_readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}
