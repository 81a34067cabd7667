/* Messages that no sender of ours would send, on the sockets where contexts are received. */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transfer/limits.h"
#include "transfer/passing.h"

enum { DATA_MAX = BT_TRANSFER_DATA_MAX };

/* A message as it goes over, taken from a socket or put there, with whatever descriptors. */
struct message {
	uint8_t bytes[64 * 1024];
	size_t len;
	int fds[250];
	unsigned num_fds;
};

static void
take_message(int socket, struct message *m)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = {m->bytes, sizeof m->bytes};
	struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t len = recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = CMSG_FIRSTHDR(&head);

	assert_true(len > 0 && c != NULL);
	m->len = (size_t)len;
	m->num_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(m->fds, CMSG_DATA(c), m->num_fds * sizeof(int));
}

static void
put_message(int socket, const struct message *m)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof m->fds)];
	} control = {.bytes = {0}};
	struct iovec part = {(void *)(uintptr_t)m->bytes, m->len};
	struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};

	if (m->num_fds != 0) {
		head.msg_control = &control;
		head.msg_controllen = CMSG_SPACE(m->num_fds * sizeof(int));
		control.align = (struct cmsghdr){CMSG_LEN(m->num_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.align), m->fds, m->num_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &head, 0), m->len);
}

static void
close_message(struct message *m)
{
	for (unsigned i = 0; i < m->num_fds; i++)
		close(m->fds[i]);
	m->num_fds = 0;
}

/* A message on its way, and a socket to put altered ones into. */
struct scene {
	struct bt_ctx *ctx;
	struct bt_handover handover;
	struct message message;
	int real[2], fake[2];
};

static void
scene_begin(struct scene *s, int type, const struct bt_parcel_cargo *cargo, int connection)
{
	s->ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	make_pair(type, SOCK_NONBLOCK, s->real);
	make_pair(type, SOCK_NONBLOCK, s->fake);
	assert_int_equal(bt_handover_send(s->real[TO], s->ctx, &no_wish, cargo, connection, true, &s->handover), 0);
	take_message(s->real[FROM], &s->message);
}

/* The context was not received: it is still the sender's. */
static void
scene_end(struct scene *s)
{
	must_take_back(&s->handover);
	close_message(&s->message);
	close_pair(s->real);
	close_pair(s->fake);
	bt_ctx_free(s->ctx);
}

static void
is_refused(struct scene *s, const struct message *m)
{
	struct bt_receipt receipt;
	unsigned before = num_fds();

	put_message(s->fake[TO], m);
	if (bt_handover_recv(s->fake[FROM], mechs, &receipt) == 0)
		fail_msg("received");
	assert_null(receipt.ctx);
	assert_int_equal(num_fds(), before);
	/* Of a stream, what was not read of a message that is none. */
	while (recv(s->fake[FROM], &(uint64_t){0}, sizeof(uint64_t), 0) > 0)
		continue;
}

static void
each_byte_altered(void **state)
{
	const struct bt_parcel_cargo cargo = {{(const uint8_t *)"cred", 4}, {(const uint8_t *)"data", 4}};
	struct message *m = test_malloc(sizeof *m);

	FOR_EACH_TYPE(t) {
		struct scene *s = test_malloc(sizeof *s);
		size_t len = 1;

		for (size_t at = 0; at < len; at++) {
			scene_begin(s, types[t], &cargo, 0);
			len = s->message.len;
			*m = s->message;
			m->bytes[at] ^= (uint8_t)(at % 7 == 0 ? 0x80 : 1);
			is_refused(s, m);
			scene_end(s);
		}
		test_free(s);
	}
	test_free(m);
}

static void
cut_short_or_extended(void **state)
{
	struct message *m = test_malloc(sizeof *m);

	FOR_EACH_TYPE(t) {
		struct scene *s = test_malloc(sizeof *s);
		size_t len = 2;

		for (size_t at = 1; at < len; at++) {
			scene_begin(s, types[t], &nothing, -1);
			len = s->message.len;
			*m = s->message;
			m->len = at;
			is_refused(s, m);
			scene_end(s);
		}
		for (size_t more = 1; more <= 40000; more *= 10) {
			scene_begin(s, types[t], &nothing, -1);
			*m = s->message;
			m->len += more;
			is_refused(s, m);
			scene_end(s);
		}
		test_free(s);
	}
	test_free(m);
}

/* A stream may be fed in pieces, by whoever does not know better: what is there in time is read. */
static void
in_pieces(void **state)
{
	struct scene *s = test_malloc(sizeof *s);
	struct message *m = test_malloc(sizeof *m);

	for (size_t first = 1; first < 100; first += 7) {
		scene_begin(s, SOCK_STREAM, &nothing, -1);
		*m = s->message;
		m->len = first;
		put_message(s->fake[TO], m);
		assert_int_equal(send(s->fake[TO], s->message.bytes + first, s->message.len - first, 0), s->message.len - first);
		assert_int_equal(send(s->fake[TO], "next", 4, 0), 4);
		if (first >= BT_PARCEL_HEAD_LEN) {
			char next[8];

			must_receive(s->fake[FROM], s->ctx);
			assert_int_equal(recv(s->fake[FROM], next, sizeof next, 0), 4);
			bt_handover_done(&s->handover);
			close_message(&s->message);
			close_pair(s->real);
			close_pair(s->fake);
			bt_ctx_free(s->ctx);
		} else {
			/* Not even a head, which no sender can have sent. */
			must_not_receive(s->fake[FROM], BT_ERR_HANDOVER);
			scene_end(s);
		}
	}
	test_free(s);
	test_free(m);
}

/* The program's own bytes, before and after, stay its own. */
static void
among_other_bytes(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_handover handover;
	char text[16];
	int pair[2];

	make_pair(SOCK_STREAM, 0, pair);
	assert_int_equal(write(pair[TO], "before", 6), 6);
	must_send(pair[TO], ctx, &handover);
	assert_int_equal(write(pair[TO], "after", 5), 5);
	assert_int_equal(read(pair[FROM], text, 6), 6);
	must_receive(pair[FROM], ctx);
	assert_int_equal(read(pair[FROM], text, sizeof text), 5);
	assert_memory_equal(text, "after", 5);
	bt_handover_done(&handover);
	/* Both ends must know where. */
	assert_int_equal(write(pair[TO], "before", 6), 6);
	must_send(pair[TO], ctx, &handover);
	must_not_receive(pair[FROM], BT_ERR_HANDOVER);
	must_take_back(&handover);
	close_pair(pair);
	bt_ctx_free(ctx);
}

static void
other_descriptors(void **state)
{
	struct message *m = test_malloc(sizeof *m);
	struct scene *s = test_malloc(sizeof *s);
	int null = open("/dev/null", O_RDWR);

	FOR_EACH_TYPE(t) {
		for (int how = 0; how < 9; how++) {
			scene_begin(s, types[t], &nothing, null);
			*m = s->message;
			assert_int_equal(m->num_fds, 3);
			switch (how) {
			case 0:
				m->num_fds = 0;
				break;
			case 1:
			case 2:
				m->num_fds = (unsigned)how;
				break;
			case 3: /* another file in the claims' place, which is not known by its id yet */
				m->bytes[28] ^= 1;
				m->fds[0] = null;
				break;
			case 4: /* more of them */
				m->fds[m->num_fds++] = null;
				break;
			case 5:
				for (int i = 0; i < 6; i++)
					m->fds[m->num_fds++] = null;
				break;
			case 6:
			case 7: /* more than there is place for; more than the kernel hands out at once */
				while (m->num_fds < (how == 6 ? 100 : 250))
					m->fds[m->num_fds++] = null;
				break;
			default: /* one too many by the head */
				m->bytes[9] &= (uint8_t)~BT_PARCEL_CONNECTION;
				break;
			}
			is_refused(s, m);
			scene_end(s);
		}
	}
	close(null);
	test_free(s);
	test_free(m);
}

/* A packet socket that has no room, whatever its flags say. */
static int
full_socket(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	while (send(pair[TO], "", 0, MSG_DONTWAIT) == 0)
		continue;
	return pair[TO];
}

/* What is sent to, to wake the sender, is a packet socket, which is not waited for, and nothing else. */
static void
other_wakers(void **state)
{
	struct message *m = test_malloc(sizeof *m);
	struct scene *s = test_malloc(sizeof *s);
	struct bt_receipt receipt;
	int ends[2], stream[2], full[2], file = memfd_create("not a socket", 0), counter = eventfd(0, 0);
	const int others[] = {-1, file, counter, -1, -1};

	assert_int_equal(pipe(ends), 0);
	make_pair(SOCK_STREAM, 0, stream);
	full_socket(full);
	for (size_t how = 0; how < sizeof others / sizeof others[0]; how++) {
		scene_begin(s, SOCK_SEQPACKET, &nothing, -1);
		assert_true(bt_handover_listen(&s->handover) >= 0);
		*m = s->message;
		m->fds[1] = how == 0 ? ends[1] : how == 3 ? stream[TO] : how == 4 ? full[TO] : others[how];
		put_message(s->fake[TO], m);
		assert_int_equal(bt_handover_recv(s->fake[FROM], mechs, &receipt), 0);
		assert_int_equal(bt_receipt_take(&receipt), 0);
		bt_ctx_free(receipt.ctx);
		bt_receipt_done(&receipt);
		assert_false(is_readable(ends[0]));
		assert_false(is_readable(stream[FROM]));
		assert_int_equal(lseek(file, 0, SEEK_END), 0);
		assert_false(is_readable(counter));
		state_is(&s->handover, BT_HANDOVER_RECEIVED);
		bt_handover_done(&s->handover);
		close_message(&s->message);
		close_pair(s->real);
		close_pair(s->fake);
		bt_ctx_free(s->ctx);
	}
	close(file);
	close(counter);
	close_pair(ends);
	close_pair(stream);
	close_pair(full);
	test_free(s);
	test_free(m);
}

/* Whatever a receiver does with what it was given to wake the sender by: who asks what became of a context is told so, and goes on. */
static void
wakers_in_other_hands(void **state)
{
	struct scene *s = test_malloc(sizeof *s);
	int fd, waker;

	scene_begin(s, SOCK_SEQPACKET, &nothing, -1);
	assert_true((fd = bt_handover_listen(&s->handover)) >= 0);
	waker = s->message.fds[1];
	/* Nothing to hear, and nothing is to be waited for. */
	assert_int_equal(fcntl(waker, F_SETFL, 0), 0);
	state_is(&s->handover, BT_HANDOVER_WAITS);
	state_is(&s->handover, BT_HANDOVER_WAITS);
	assert_false(is_readable(fd));
	/* More than enough. */
	while (send(waker, "12345678", 8, MSG_DONTWAIT) == 8)
		continue;
	assert_true(is_readable(fd));
	state_is(&s->handover, BT_HANDOVER_WAITS);
	assert_false(is_readable(fd));
	/* No more. */
	assert_int_equal(shutdown(waker, SHUT_RDWR), 0);
	state_is(&s->handover, BT_HANDOVER_WAITS);
	put_message(s->fake[TO], &s->message);
	must_receive(s->fake[FROM], s->ctx);
	state_is(&s->handover, BT_HANDOVER_RECEIVED);
	bt_handover_done(&s->handover);
	close_message(&s->message);
	close_pair(s->real);
	close_pair(s->fake);
	bt_ctx_free(s->ctx);
	test_free(s);
}

/* Who sends a part of a message, and no more, does not hold a receiver whose socket waits. */
static void
a_part_and_no_more(void **state)
{
	struct scene *s = test_malloc(sizeof *s);
	struct message *m = test_malloc(sizeof *m);

	scene_begin(s, SOCK_STREAM, &nothing, -1);
	assert_int_equal(fcntl(s->fake[FROM], F_SETFL, 0), 0);
	*m = s->message;
	m->len -= 1;
	put_message(s->fake[TO], m);
	must_not_receive(s->fake[FROM], BT_ERR_HANDOVER);
	scene_end(s);
	test_free(s);
	test_free(m);
}

/* The same bytes, on a file system: which one, and who answers for it, its sender chooses. */
static int
file_like(int memory)
{
	char name[] = "/tmp/baton-parcel.XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	assert_true(sendfile(fd, memory, &(off_t){0}, DATA_MAX * 2) > 0);
	return fd;
}

/* A message in a file: another length than its head says, no file, a file that waits. */
static void
other_files(void **state)
{
	static uint8_t data[DATA_MAX];
	const struct bt_parcel_cargo cargo = {.data = {data, sizeof data}};
	struct message *m = test_malloc(sizeof *m);
	struct scene *s = test_malloc(sizeof *s);
	struct stat st;
	int ends[2], copy;

	assert_int_equal(pipe(ends), 0);
	for (int how = 0; how < 7; how++) {
		scene_begin(s, SOCK_SEQPACKET, &cargo, -1);
		*m = s->message;
		assert_int_equal(m->len, BT_PARCEL_HEAD_LEN);
		assert_int_equal(fstat(m->fds[1], &st), 0);
		copy = -1;
		if (how == 0)
			assert_int_equal(ftruncate(m->fds[1], st.st_size - 1), 0);
		else if (how == 1)
			assert_int_equal(ftruncate(m->fds[1], st.st_size + 1), 0);
		else if (how == 2)
			m->fds[1] = ends[0];
		else if (how == 3)
			m->fds[1] = copy = open("/", O_RDONLY);
		else if (how == 4)
			assert_int_equal(pwrite(m->fds[1], "x", 1, st.st_size - 1), 1);
		else if (how == 5)
			m->fds[1] = copy = file_like(m->fds[1]);
		else
			m->bytes[m->len++] = 0;
		/* If the tests run on a memory file system, its files are as good. */
		if (how != 5 || fcntl(copy, F_GET_SEALS) < 0)
			is_refused(s, m);
		if (copy >= 0)
			close(copy);
		scene_end(s);
	}
	close_pair(ends);
	test_free(s);
	test_free(m);
}

/* Of a stream whose buffer somebody makes smaller while a message is put together. */
static void
a_part_only(void **state)
{
	static uint8_t bytes[BT_HANDOVER_ROOM_MAX];
	struct iovec part = {bytes, sizeof bytes};
	int pair[2], len = 1;

	make_pair(SOCK_STREAM, SOCK_NONBLOCK, pair);
	assert_int_equal(setsockopt(pair[TO], SOL_SOCKET, SO_SNDBUF, &len, sizeof len), 0);
	assert_int_equal(bt_passing_send(pair[TO], &part, 1, pair, 1), EMSGSIZE);
	close_pair(pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_altered),
		cmocka_unit_test(cut_short_or_extended),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(among_other_bytes),
		cmocka_unit_test(other_descriptors),
		cmocka_unit_test(other_wakers),
		cmocka_unit_test(wakers_in_other_hands),
		cmocka_unit_test(a_part_and_no_more),
		cmocka_unit_test(other_files),
		cmocka_unit_test(a_part_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
