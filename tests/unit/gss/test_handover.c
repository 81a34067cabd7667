/*
 * baton_send_sec_context and baton_recv_sec_context when something fails: the context is at one end or the other, and the other end is told.
 */
#include <baton/baton.h>
#include <dirent.h>
#include <fcntl.h>
#include <gssapi/gssapi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "failing.h"
#include "fake_mech.h"
#include "gss/handle.h"
#include "transfer/handover.h"

enum { TO, FROM };

static gss_buffer_desc text = {4, (void *)(uintptr_t) "text"};

static unsigned
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

static void
make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
}

static void
close_pair(const int pair[2])
{
	close(pair[TO]);
	close(pair[FROM]);
}

static void
works(gss_ctx_id_t ctx)
{
	gss_buffer_desc mic;
	OM_uint32 minor;

	assert_int_equal(gss_get_mic(&minor, ctx, GSS_C_QOP_DEFAULT, &text, &mic), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &mic);
}

static gss_cred_id_t
some_cred(void)
{
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, NULL, GSS_C_INITIATE, &cred, NULL, NULL), GSS_S_COMPLETE);
	return cred;
}

static struct baton_cargo
full_cargo(gss_cred_id_t cred)
{
	return (struct baton_cargo){BATON_CARGO_VERSION, 0, cred, text};
}

static void
is_empty(const struct baton_cargo *cargo)
{
	assert_int_equal(cargo->fd, -1);
	assert_null(cargo->cred);
	assert_null(cargo->data.value);
}

static void
release_cargo(struct baton_cargo *cargo)
{
	OM_uint32 minor;

	assert_true(cargo->fd >= 0);
	close(cargo->fd);
	assert_non_null(cargo->cred);
	gss_release_cred(&minor, &cargo->cred);
	assert_int_equal(cargo->data.length, text.length);
	gss_release_buffer(&minor, &cargo->data);
}

/* Whichever allocation fails, nothing was sent, and the context is the sender's as before. */
static void
sending_without_memory(void **state)
{
	struct fake_pair made = fake_establish(0);
	gss_cred_id_t cred = some_cred();
	struct baton_cargo along = full_cargo(cred);
	baton_handover_t handover;
	size_t nth, live;
	unsigned before;
	OM_uint32 minor;
	int pair[2];

	works(made.acceptor);
	for (nth = 1; nth < 200; nth++) {
		gss_ctx_id_t whole = made.acceptor;
		OM_uint32 major;

		make_pair(pair);
		live = failing_live();
		before = num_fds();
		handover = (baton_handover_t)&handover;
		failing_at(nth);
		major = baton_send_sec_context(&minor, pair[TO], &made.acceptor, &along, NULL, &handover);
		if (!failing_happened()) {
			assert_int_equal(major, GSS_S_COMPLETE);
			break;
		}
		failing_at(0);
		assert_int_equal(major, GSS_S_FAILURE);
		assert_ptr_equal(made.acceptor, whole);
		assert_null(handover);
		assert_int_equal(recv(pair[FROM], &minor, sizeof minor, 0), -1);
		works(made.acceptor);
		/* What is kept of a socket. */
		assert_in_range(failing_live() - live, 0, 3);
		assert_in_range(num_fds() - before, 0, 3);
		close_pair(pair);
	}
	failing_at(0);
	assert_in_range(nth, 3, 199);
	assert_null(made.acceptor);
	assert_int_equal(baton_take_back_sec_context(&minor, &handover, &made.acceptor), GSS_S_COMPLETE);
	works(made.acceptor);
	close_pair(pair);
	gss_release_cred(&minor, &cred);
	fake_finish(&made);
}

/* Either the message is still there, for the next call, or it was refused and the sender takes the context back. */
static void
receiving_without_memory(void **state)
{
	struct fake_pair made = fake_establish(0);
	gss_cred_id_t cred = some_cred();
	struct baton_cargo along = full_cargo(cred), got;
	baton_handover_t handover;
	bool is_over = false;
	size_t nth, live;
	OM_uint32 minor;
	int pair[2], status;

	/* One that goes over first, so that the socket is known at both ends. */
	make_pair(pair);
	for (nth = 0; !is_over; nth++) {
		gss_ctx_id_t received = (gss_ctx_id_t)&received;
		unsigned before;
		OM_uint32 major;

		assert_in_range(nth, 0, 199);
		assert_int_equal(baton_send_sec_context(&minor, pair[TO], &made.acceptor, &along, NULL, &handover), GSS_S_COMPLETE);
		live = failing_live();
		before = num_fds();
		got = (struct baton_cargo)BATON_CARGO_INIT;
		failing_at(nth);
		major = baton_recv_sec_context(&minor, pair[FROM], &received, &got);
		is_over = nth != 0 && !failing_happened();
		failing_at(0);
		if (nth == 0 || is_over) {
			assert_int_equal(major, GSS_S_COMPLETE);
			assert_int_equal(baton_handover_status(&minor, handover, &status), GSS_S_COMPLETE);
			assert_int_equal(status, BATON_HANDOVER_RECEIVED);
			assert_int_equal(baton_release_handover(&minor, &handover), GSS_S_COMPLETE);
			release_cargo(&got);
			made.acceptor = received;
		} else {
			assert_int_equal(major, GSS_S_FAILURE);
			assert_null(received);
			is_empty(&got);
			assert_int_equal(failing_live(), live);
			/* Those of a message that is still in the socket are not here yet. */
			assert_int_equal(num_fds(), before);
			assert_int_equal(baton_handover_status(&minor, handover, &status), GSS_S_COMPLETE);
			assert_true(status == BATON_HANDOVER_REFUSED || status == BATON_HANDOVER_WAITING);
			assert_int_equal(recv(pair[FROM], &minor, sizeof minor, MSG_PEEK) > 0, status == BATON_HANDOVER_WAITING);
			assert_int_equal(baton_take_back_sec_context(&minor, &handover, &made.acceptor), GSS_S_COMPLETE);
			while (recv(pair[FROM], &minor, sizeof minor, 0) > 0)
				continue;
		}
		works(made.acceptor);
	}
	assert_in_range(nth, 5, 199);
	close_pair(pair);
	gss_release_cred(&minor, &cred);
	fake_finish(&made);
}

/* Sealed as it should be, and yet no credential: the context stays where it was, whole. */
static void
credentials_that_are_none(void **state)
{
	static const struct bt_parcel_cargo junk = {.cred = {(const uint8_t *)"no credential", 13}};
	const struct bt_transfer_wish no_wish = {0};
	struct fake_pair made = fake_establish(0);
	struct baton_cargo got = BATON_CARGO_INIT;
	gss_ctx_id_t received = (gss_ctx_id_t)&received;
	struct bt_handover sent;
	unsigned before;
	OM_uint32 minor;
	int pair[2];

	make_pair(pair);
	assert_int_equal(bt_handover_send(pair[TO], made.acceptor->ctx, &no_wish, &junk, 0, true, &sent), 0);
	before = num_fds();
	assert_int_equal(GSS_ROUTINE_ERROR(baton_recv_sec_context(&minor, pair[FROM], &received, &got)), GSS_S_DEFECTIVE_TOKEN);
	assert_null(received);
	is_empty(&got);
	assert_int_equal(num_fds(), before);
	assert_int_equal(bt_handover_state_of(&sent), BT_HANDOVER_REFUSED);
	assert_int_equal(bt_handover_take_back(&sent), 0);
	bt_handover_done(&sent);
	works(made.acceptor);
	/* Who wants no cargo does not look at it. */
	assert_int_equal(bt_handover_send(pair[TO], made.acceptor->ctx, &no_wish, &junk, 0, true, &sent), 0);
	assert_int_equal(baton_recv_sec_context(&minor, pair[FROM], &received, NULL), GSS_S_COMPLETE);
	assert_int_equal(bt_handover_state_of(&sent), BT_HANDOVER_RECEIVED);
	bt_handover_done(&sent);
	works(received);
	gss_delete_sec_context(&minor, &received, GSS_C_NO_BUFFER);
	assert_int_equal(num_fds(), before);
	close_pair(pair);
	fake_finish(&made);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sending_without_memory),
		cmocka_unit_test(receiving_without_memory),
		cmocka_unit_test(credentials_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
