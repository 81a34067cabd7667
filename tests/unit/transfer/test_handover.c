/* Hand-over on real sockets and with real memory files. */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../support/valgrind.h"
#include "transfer/limits.h"
#include "transfer/settings.h"

enum { DATA_MAX = BT_TRANSFER_DATA_MAX };

/* ---- as it should be ---- */

static void
goes_over(void **state)
{
	FOR_EACH_TYPE(t) {
		for (enum test_sample sample = 0; sample < NUM_SAMPLES; sample++) {
			struct bt_ctx *ctx = test_ctx_new(sample);
			struct bt_handover handover;
			int pair[2];

			make_pair(types[t], 0, pair);
			must_send(pair[TO], ctx, &handover);
			state_is(&handover, BT_HANDOVER_WAITS);
			must_receive(pair[FROM], ctx);
			state_is(&handover, BT_HANDOVER_RECEIVED);
			assert_int_equal(bt_handover_take_back(&handover), BT_ERR_HANDOVER_TAKEN);
			bt_handover_done(&handover);
			/* And the other way. */
			must_send(pair[FROM], ctx, &handover);
			must_receive(pair[TO], ctx);
			bt_handover_done(&handover);
			bt_ctx_free(ctx);
			close_pair(pair);
		}
	}
}

static void
cargo_goes_along(void **state)
{
	static uint8_t data[DATA_MAX + 1], cred[100 * 1024];
	/* On both sides of what fits into a message on any socket, and into the longest. */
	static const size_t lens[] = {0, 1, 100, 1400, 1500, 1600, 1700, 2048, 15 * 1024, 16 * 1024, 17 * 1024, DATA_MAX};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_parcel_cargo cargo;
	struct bt_handover handover;
	struct bt_receipt receipt;
	int pair[2], connection[2];
	char byte;

	memset(data, 'd', sizeof data);
	memset(cred, 'c', sizeof cred);
	FOR_EACH_TYPE(t) {
		make_pair(types[t], 0, pair);
		for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
			for (int with_cred = 0; with_cred < 2; with_cred++) {
				make_pair(SOCK_STREAM, 0, connection);
				cargo.data = bt_bytes_of(data, lens[i]);
				cargo.cred = bt_bytes_of(cred, with_cred != 0 ? lens[i] * 3 / 2 : 0);
				assert_int_equal(bt_handover_send(pair[TO], ctx, &no_wish, &cargo, connection[0], true, &handover), 0);
				close(connection[0]);
				assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
				assert_int_equal(bt_receipt_take(&receipt), 0);
				assert_true(bt_bytes_equal(receipt.cargo.data, cargo.data));
				assert_true(bt_bytes_equal(receipt.cargo.cred, cargo.cred));
				assert_int_equal(fcntl(receipt.connection, F_GETFD), FD_CLOEXEC);
				assert_int_equal(write(receipt.connection, "x", 1), 1);
				assert_int_equal(read(connection[1], &byte, 1), 1);
				close(receipt.connection);
				close(connection[1]);
				bt_ctx_free(receipt.ctx);
				bt_receipt_done(&receipt);
				bt_handover_done(&handover);
			}
		}
		cargo = (struct bt_parcel_cargo){.data = {data, DATA_MAX + 1}};
		assert_int_equal(bt_handover_send(pair[TO], ctx, &no_wish, &cargo, -1, true, &handover), BT_ERR_TOO_LARGE);
		cargo = (struct bt_parcel_cargo){.cred = {data, BT_TRANSFER_CARGO_MAX}};
		assert_int_equal(bt_handover_send(pair[TO], ctx, &no_wish, &cargo, -1, true, &handover), BT_ERR_TOO_LARGE);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

static void
taken_back(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover, second;
	int pair[2];

	FOR_EACH_TYPE(t) {
		make_pair(types[t], SOCK_NONBLOCK, pair);
		must_send(pair[TO], ctx, &handover);
		must_take_back(&handover);
		must_send(pair[TO], ctx, &second);
		must_not_receive(pair[FROM], BT_ERR_TOKEN_USED);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&second);
		must_not_receive(pair[FROM], EAGAIN);

		/* The receiver has opened the message, and its sender was faster with the last step. */
		struct bt_receipt receipt;

		must_send(pair[TO], ctx, &handover);
		assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
		must_take_back(&handover);
		assert_int_equal(bt_receipt_take(&receipt), BT_ERR_TOKEN_USED);
		assert_null(receipt.ctx);

		/* The receiver would rather not. */
		must_send(pair[TO], ctx, &handover);
		assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
		state_is(&handover, BT_HANDOVER_WAITS);
		bt_receipt_refuse(&receipt, ENOMEM);
		state_is(&handover, BT_HANDOVER_REFUSED);
		must_take_back(&handover);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

/* Of a sender that is gone, or does not care. */
static void
let_go(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover;
	int pair[2];

	FOR_EACH_TYPE(t) {
		make_pair(types[t], 0, pair);
		must_send(pair[TO], ctx, &handover);
		bt_handover_done(&handover);
		close(pair[TO]);
		must_receive(pair[FROM], ctx);
		must_not_receive(pair[FROM], BT_ERR_HANDOVER_END);
		close(pair[FROM]);
	}
	bt_ctx_free(ctx);
}

/* What does not go along stays with the context that is kept. */
static void
without_authorisation_data(void **state)
{
	struct bt_transfer_wish wish = {.authdata = BT_AUTHDATA_NO};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_FULL);
	struct bt_handover handover;
	struct bt_receipt receipt;
	int pair[2];

	assert_int_not_equal(ctx->authz.len, 0);
	make_pair(SOCK_STREAM, 0, pair);
	assert_int_equal(bt_handover_send(pair[TO], ctx, &wish, &nothing, -1, true, &handover), 0);
	assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
	assert_int_equal(receipt.ctx->authz.len, 0);
	bt_receipt_refuse(&receipt, ENOMEM);
	must_take_back(&handover);
	must_send(pair[TO], ctx, &handover);
	must_receive(pair[FROM], ctx);
	bt_handover_done(&handover);
	close_pair(pair);
	bt_ctx_free(ctx);
}

static void
expires(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_transfer_wish wish = {.ttl_s = 10};
	struct bt_handover handover;
	int pair[2];

	make_pair(SOCK_SEQPACKET, 0, pair);
	assert_int_equal(bt_handover_send(pair[TO], ctx, &wish, &nothing, -1, true, &handover), 0);
	test_ahead_s += 10;
	state_is(&handover, BT_HANDOVER_EXPIRED);
	must_not_receive(pair[FROM], BT_ERR_TOKEN_EXPIRED);
	state_is(&handover, BT_HANDOVER_REFUSED);
	must_take_back(&handover);
	assert_int_equal(bt_handover_send(pair[TO], ctx, &wish, &nothing, -1, true, &handover), 0);
	test_ahead_s += 10;
	must_take_back(&handover);
	must_not_receive(pair[FROM], BT_ERR_TOKEN_EXPIRED);
	test_ahead_s = 0;
	/* The context itself. */
	test_ahead_s = ctx->expires_at;
	assert_int_equal(send_to(pair[TO], ctx, &handover), BT_ERR_CONTEXT_EXPIRED);
	test_ahead_s = 0;
	must_not_receive(({ fcntl(pair[FROM], F_SETFL, O_NONBLOCK); pair[FROM]; }), EAGAIN);
	close_pair(pair);
	bt_ctx_free(ctx);
}

/* ---- sockets ---- */

static void
a_full_socket(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	static struct bt_handover handovers[10000];
	struct bt_handover none;
	int pair[2], small = 1;
	unsigned num, num_more;

	FOR_EACH_TYPE(t) {
		make_pair(types[t], SOCK_NONBLOCK, pair);
		setsockopt(pair[TO], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
		for (num = 0; send_to(pair[TO], ctx, &handovers[num]) == 0; num++)
			assert_true(num < 9999);
		assert_true(num > 0);
		for (int i = 0; i < 100; i++) {
			assert_int_equal(send_to(pair[TO], ctx, &none), EAGAIN);
			assert_null(none.channel);
		}
		/* One that was read makes room for another one, and each is whole. */
		must_receive(pair[FROM], ctx);
		for (num_more = num; send_to(pair[TO], ctx, &handovers[num_more]) == 0; num_more++)
			assert_true(num_more < 9999);
		assert_true(num_more > num);
		for (unsigned i = 1; i < num_more; i++)
			must_receive(pair[FROM], ctx);
		must_not_receive(pair[FROM], EAGAIN);
		for (unsigned i = 0; i < num_more; i++) {
			state_is(&handovers[i], BT_HANDOVER_RECEIVED);
			bt_handover_done(&handovers[i]);
		}
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

/* More than there are claims in one memory file, some let go, some refused, some taken back. */
static void
hundreds_on_their_way(void **state)
{
	enum { NUM = 400 };
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	static struct bt_handover handovers[NUM];
	int pair[2], large = 16 * 1024 * 1024;

	FOR_EACH_TYPE(t) {
		make_pair(types[t], SOCK_NONBLOCK, pair);
		/* For root alone; what others may have holds less. */
		if (setsockopt(pair[TO], SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large) != 0)
			skip();
		for (int i = 0; i < NUM; i++) {
			must_send(pair[TO], ctx, &handovers[i]);
			if (i % 4 == 1)
				bt_handover_done(&handovers[i]);
			else if (i % 4 == 2)
				must_take_back(&handovers[i]);
		}
		for (int i = 0; i < NUM; i++) {
			if (i % 4 == 2) {
				must_not_receive(pair[FROM], BT_ERR_TOKEN_USED);
				continue;
			}
			if (i % 4 == 0)
				state_is(&handovers[i], BT_HANDOVER_WAITS);
			must_receive(pair[FROM], ctx);
			if (i % 4 == 0)
				state_is(&handovers[i], BT_HANDOVER_RECEIVED);
		}
		must_not_receive(pair[FROM], EAGAIN);
		for (int i = 0; i < NUM; i++)
			bt_handover_done(&handovers[i]);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

static void
sockets_that_will_not_do(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover;
	int pair[2], fd;

	assert_int_equal(send_to(-1, ctx, &handover), EBADF);
	fd = open("/dev/null", O_RDWR);
	assert_int_equal(send_to(fd, ctx, &handover), ENOTSOCK);
	must_not_receive(fd, ENOTSOCK);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(send_to(fd, ctx, &handover), BT_ERR_HANDOVER_SOCKET);
	close(fd);
	make_pair(SOCK_DGRAM, 0, pair);
	assert_int_equal(send_to(pair[TO], ctx, &handover), BT_ERR_HANDOVER_SOCKET);
	close_pair(pair);
	FOR_EACH_TYPE(t) {
		fd = socket(AF_UNIX, types[t], 0);
		assert_int_equal(send_to(fd, ctx, &handover), ENOTCONN);
		close(fd);
		make_pair(types[t], 0, pair);
		close(pair[FROM]);
		assert_int_equal(send_to(pair[TO], ctx, &handover), EPIPE);
		must_not_receive(pair[TO], BT_ERR_HANDOVER_END);
		close(pair[TO]);
		/* A connection that is none. */
		make_pair(types[t], SOCK_NONBLOCK, pair);
		assert_int_equal(bt_handover_send(pair[TO], ctx, &no_wish, &nothing, 12345, true, &handover), EBADF);
		must_not_receive(pair[FROM], EAGAIN);
		must_send(pair[TO], ctx, &handover);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

/* Without a descriptor to be had, at either end. */
static void
no_more_descriptors(void **state)
{
	struct bt_handover handover;
	struct rlimit limit, was;
	int pair[2], fresh[2];
	struct bt_ctx *ctx;

	/* It has limits of its own in place of the process's. */
	if (is_under_valgrind())
		skip();
	ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	getrlimit(RLIMIT_NOFILE, &was);
	FOR_EACH_TYPE(t) {
		make_pair(types[t], SOCK_NONBLOCK, pair);
		make_pair(types[t], SOCK_NONBLOCK, fresh);
		must_send(pair[TO], ctx, &handover);
		limit = (struct rlimit){(rlim_t)dup(0), was.rlim_max};
		close((int)limit.rlim_cur);
		setrlimit(RLIMIT_NOFILE, &limit);
		must_not_receive(pair[FROM], BT_ERR_HANDOVER);
		state_is(&handover, BT_HANDOVER_WAITS);
		must_take_back(&handover);
		assert_int_equal(send_to(fresh[TO], ctx, &handover), EMFILE);
		/* One only: the sender hears of it. */
		setrlimit(RLIMIT_NOFILE, &was);
		must_send(pair[TO], ctx, &handover);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		close_pair(pair);
		close_pair(fresh);
	}
	bt_ctx_free(ctx);
}

/* A program that closes everything it does not know. */
static void
descriptors_closed_by_the_program(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover before, handover;
	int pair[2], highest, null;

	make_pair(SOCK_SEQPACKET, 0, pair);
	must_send(pair[TO], ctx, &before);
	highest = dup(0);
	null = open("/dev/null", O_RDWR);
	for (int fd = (pair[0] > pair[1] ? pair[0] : pair[1]) + 1; fd < highest; fd++)
		if (fd != null)
			dup2(null, fd);
	must_send(pair[TO], ctx, &handover);
	must_receive(pair[FROM], ctx);
	must_receive(pair[FROM], ctx);
	state_is(&before, BT_HANDOVER_RECEIVED);
	state_is(&handover, BT_HANDOVER_RECEIVED);
	bt_handover_done(&before);
	bt_handover_done(&handover);
	for (int fd = (pair[0] > pair[1] ? pair[0] : pair[1]) + 1; fd <= highest; fd++)
		close(fd);
	close(null);
	close_pair(pair);
	bt_ctx_free(ctx);
}

static void
wakes_the_sender(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover first, unheard, heard;
	int pair[2], fd;

	FOR_EACH_TYPE(t) {
		make_pair(types[t], 0, pair);
		must_send(pair[TO], ctx, &first);
		must_send(pair[TO], ctx, &unheard);
		fd = bt_handover_listen(&first);
		assert_true(fd >= 0);
		assert_int_equal(bt_handover_listen(&unheard), -1);
		must_send(pair[TO], ctx, &heard);
		assert_int_equal(bt_handover_listen(&heard), fd);
		assert_true(is_readable(fd));
		state_is(&first, BT_HANDOVER_WAITS);
		assert_false(is_readable(fd));
		must_receive(pair[FROM], ctx);
		assert_true(is_readable(fd));
		state_is(&first, BT_HANDOVER_RECEIVED);
		assert_false(is_readable(fd));
		must_receive(pair[FROM], ctx);
		assert_false(is_readable(fd));
		/* A refusal too. */
		struct bt_receipt receipt;

		assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
		assert_false(is_readable(fd));
		bt_receipt_refuse(&receipt, ENOMEM);
		assert_true(is_readable(fd));
		state_is(&heard, BT_HANDOVER_REFUSED);
		bt_handover_done(&first);
		bt_handover_done(&unheard);
		must_take_back(&heard);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

/* ---- who may ---- */

static int
connect_to_self(int type, int pair[2])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, type, 0);

	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "baton-test-%ld", (long)getpid());
	assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(listen(listener, 1), 0);
	pair[FROM] = socket(AF_UNIX, type, 0);
	assert_int_equal(connect(pair[FROM], (struct sockaddr *)&name, sizeof name), 0);
	pair[TO] = accept(listener, NULL, NULL);
	close(listener);
	return pair[TO];
}

static int
send_for(int socket, struct bt_ctx *ctx, const char *audience, struct bt_handover *out)
{
	struct bt_transfer_wish wish = {.audience = audience};

	return bt_handover_send(socket, ctx, &wish, &nothing, -1, true, out);
}

static void
peers(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	char own_uid[32], own_pid[32], other_uid[32], other_pid[32];
	struct bt_handover handover;
	int pair[2];

	snprintf(own_uid, sizeof own_uid, "uid=%lu", (unsigned long)getuid());
	snprintf(other_uid, sizeof other_uid, "uid=%lu", (unsigned long)getuid() + 4711);
	snprintf(own_pid, sizeof own_pid, "pid=%ld", (long)getpid());
	snprintf(other_pid, sizeof other_pid, "pid=%ld", (long)getppid());
	FOR_EACH_TYPE(t) {
		/* The kernel knows who connected. */
		connect_to_self(types[t], pair);
		assert_int_equal(send_for(pair[TO], ctx, other_uid, &handover), BT_ERR_HANDOVER_PEER);
		assert_int_equal(send_for(pair[TO], ctx, other_pid, &handover), BT_ERR_HANDOVER_PEER);
		assert_int_equal(send_for(pair[TO], ctx, own_uid, &handover), 0);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		assert_int_equal(send_for(pair[TO], ctx, own_pid, &handover), 0);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		assert_int_equal(send_for(pair[TO], ctx, "user", &handover), 0);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		assert_int_equal(send_for(pair[TO], ctx, "uid=", &handover), BT_ERR_SETTINGS);
		close_pair(pair);

		/* Of a pair it does not: the receiver looks for itself. */
		make_pair(types[t], SOCK_NONBLOCK, pair);
		assert_int_equal(send_for(pair[TO], ctx, other_uid, &handover), 0);
		must_not_receive(pair[FROM], BT_ERR_TOKEN_USER);
		state_is(&handover, BT_HANDOVER_REFUSED);
		must_take_back(&handover);
		assert_int_equal(send_for(pair[TO], ctx, other_pid, &handover), 0);
		must_not_receive(pair[FROM], BT_ERR_TOKEN_AUDIENCE);
		state_is(&handover, BT_HANDOVER_REFUSED);
		must_take_back(&handover);
		/* Nobody's account matters that was not named. */
		assert_int_equal(send_to(pair[TO], ctx, &handover), 0);
		test_has_uid = true;
		test_uid = getuid() + 1;
		must_receive(pair[FROM], ctx);
		test_has_uid = false;
		bt_handover_done(&handover);
		assert_int_equal(send_for(pair[TO], ctx, "user", &handover), 0);
		test_has_uid = true;
		must_not_receive(pair[FROM], BT_ERR_TOKEN_USER);
		test_has_uid = false;
		bt_handover_done(&handover);
		/* A setting that says it counts as much, and one that says something else does not say it. */
		assert_int_equal(bt_transfer_settings_default("audience = user session"), 0);
		assert_int_equal(send_to(pair[TO], ctx, &handover), 0);
		assert_int_equal(bt_transfer_settings_default("audience = session"), 0);
		test_has_uid = true;
		must_not_receive(pair[FROM], BT_ERR_TOKEN_USER);
		test_has_uid = false;
		bt_handover_done(&handover);
		assert_int_equal(send_to(pair[TO], ctx, &handover), 0);
		assert_int_equal(bt_transfer_settings_default(NULL), 0);
		test_has_uid = true;
		must_receive(pair[FROM], ctx);
		test_has_uid = false;
		bt_handover_done(&handover);
		close_pair(pair);
	}
	bt_ctx_free(ctx);
}

/* The one that connected has ended, and its number may be another's. */
static void
a_peer_that_has_ended(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd, pidfd;
	struct bt_handover handover;
	socklen_t len = sizeof pidfd;
	char audience[32];
	pid_t pid;

	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "baton-test-ended-%ld", (long)getpid());
	assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(listen(listener, 1), 0);
	if ((pid = fork()) == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		/* Its end outlives it in the parent's parent's hands: here, in a grandchild's. */
		if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0 && fork() == 0)
			sleep(2);
		_exit(0);
	}
	fd = accept(listener, NULL, NULL);
	close(listener);
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	snprintf(audience, sizeof audience, "pid=%ld", (long)pid);
	/* A process that has ended and was not waited for still has its number. Kernels before 6.5 have no such option. */
	if (getsockopt(fd, SOL_SOCKET, 77, &pidfd, &len) == 0)
		close(pidfd);
	else if (errno == ENOPROTOOPT)
		skip();
	assert_int_equal(send_for(fd, ctx, audience, &handover), BT_ERR_HANDOVER_PEER);
	waitpid(pid, NULL, 0);
	close(fd);
	bt_ctx_free(ctx);
}

/* ---- what fails ---- */

static void
each_allocation_fails(void **state)
{
	static uint8_t data[3000];
	const struct bt_parcel_cargo cargo = {.data = {data, sizeof data}, .cred = {data, sizeof data}};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_FULL);
	struct bt_handover handover;
	struct bt_receipt receipt;
	int pair[2], e = -1;

	FOR_EACH_TYPE(t) {
		make_pair(types[t], SOCK_NONBLOCK, pair);
		/* Where there is no memory for the claims' own file, the sender cannot be told. */
		must_send(pair[TO], ctx, &handover);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		for (unsigned n = 1; e != 0; n++) {
			test_mem_start(n);
			e = bt_handover_send(pair[TO], ctx, &no_wish, &cargo, -1, true, &handover);
			test_mem.fail_at = 0;
			if (e != 0) {
				assert_int_equal(e, BT_ERR_NOMEM);
				must_not_receive(pair[FROM], EAGAIN);
			}
			assert_true(n < 100);
		}
		e = -1;
		for (unsigned n = 1; e != 0; n++) {
			test_mem_start(n);
			e = bt_handover_recv(pair[FROM], mechs, &receipt);
			test_mem.fail_at = 0;
			if (e != 0) {
				assert_int_equal(e, BT_ERR_NOMEM);
				state_is(&handover, BT_HANDOVER_REFUSED);
				must_take_back(&handover);
				assert_int_equal(bt_handover_send(pair[TO], ctx, &no_wish, &cargo, -1, true, &handover), 0);
			}
			assert_int_equal(test_mem.num_secrets, 0);
			assert_true(n < 100);
		}
		assert_int_equal(bt_receipt_take(&receipt), 0);
		test_assert_same(receipt.ctx, ctx);
		bt_ctx_free(receipt.ctx);
		bt_receipt_done(&receipt);
		bt_handover_done(&handover);
		close_pair(pair);
		e = -1;
	}
	bt_ctx_free(ctx);
}

/* Parent and child send on one socket, and each hears what became of its own. */
static void
after_a_fork(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover, inherited;
	int pair[2], status;
	pid_t pid;

	make_pair(SOCK_SEQPACKET, SOCK_NONBLOCK, pair);
	must_send(pair[TO], ctx, &inherited);
	if ((pid = fork()) == 0) {
		/* Of what both have a copy of, one gets it back. */
		int e = bt_handover_take_back(&inherited);

		if (e == 0)
			e = send_to(pair[TO], ctx, &handover);
		if (e == 0 && bt_handover_listen(&handover) < 0)
			e = -1;
		_exit(e == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(bt_handover_take_back(&inherited), BT_ERR_HANDOVER_TAKEN);
	must_send(pair[TO], ctx, &handover);
	must_not_receive(pair[FROM], BT_ERR_TOKEN_USED);
	must_receive(pair[FROM], ctx);
	state_is(&handover, BT_HANDOVER_WAITS);
	must_receive(pair[FROM], ctx);
	state_is(&handover, BT_HANDOVER_RECEIVED);
	bt_handover_done(&handover);
	bt_handover_done(&inherited);
	close_pair(pair);
	bt_ctx_free(ctx);
}

/* A child that releases what it inherited, as workers do when they begin, takes neither the fate nor the wake-up from its parent. */
static void
released_by_a_child(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover early, late;
	struct bt_receipt receipt;
	int pair[2], status, fd;
	pid_t pid;

	make_pair(SOCK_SEQPACKET, SOCK_NONBLOCK, pair);
	must_send(pair[TO], ctx, &early);
	assert_true((fd = bt_handover_listen(&early)) >= 0);
	state_is(&early, BT_HANDOVER_WAITS);
	must_send(pair[TO], ctx, &late);
	assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
	bt_receipt_refuse(&receipt, ENOMEM);
	if ((pid = fork()) == 0) {
		bool is_told = bt_handover_state_of(&early) == BT_HANDOVER_REFUSED;

		bt_handover_done(&early);
		bt_handover_done(&late);
		_exit(is_told ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(is_readable(fd));
	state_is(&early, BT_HANDOVER_REFUSED);
	must_take_back(&early);
	assert_int_equal(bt_handover_recv(pair[FROM], mechs, &receipt), 0);
	bt_receipt_refuse(&receipt, ENOMEM);
	state_is(&late, BT_HANDOVER_REFUSED);
	must_take_back(&late);
	close_pair(pair);
	bt_ctx_free(ctx);
}

/* Whatever came and went: the memory files and wakers of the sockets used last are kept, and nothing else. */
static void
keeps_no_descriptors(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover;
	unsigned before = 0;
	int pair[2];

	for (int i = 0; i < 300; i++) {
		make_pair(types[i % 2], 0, pair);
		must_send(pair[TO], ctx, &handover);
		must_receive(pair[FROM], ctx);
		bt_handover_done(&handover);
		close_pair(pair);
		if (i == 150)
			before = num_fds();
	}
	assert_int_equal(num_fds(), before);
	assert_true(before < 3 * 64 + 20);
	bt_ctx_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_over),
		cmocka_unit_test(cargo_goes_along),
		cmocka_unit_test(taken_back),
		cmocka_unit_test(let_go),
		cmocka_unit_test(without_authorisation_data),
		cmocka_unit_test(expires),
		cmocka_unit_test(a_full_socket),
		cmocka_unit_test(hundreds_on_their_way),
		cmocka_unit_test(sockets_that_will_not_do),
		cmocka_unit_test(no_more_descriptors),
		cmocka_unit_test(descriptors_closed_by_the_program),
		cmocka_unit_test(wakes_the_sender),
		cmocka_unit_test(peers),
		cmocka_unit_test(a_peer_that_has_ended),
		cmocka_unit_test(each_allocation_fails),
		cmocka_unit_test(after_a_fork),
		cmocka_unit_test(released_by_a_child),
		cmocka_unit_test(keeps_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
