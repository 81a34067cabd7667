/*
 * The front: accepts connections and contexts, and serves none of them.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "demo.h"

/* Legs until the context is open. The client's name is printed into who. */
static bool
accept_context(const struct demo_cast *cast, gss_cred_id_t cred, int connection, gss_ctx_id_t *ctx, char *who, size_t who_len)
{
	static uint8_t bytes[DEMO_TOKEN_MAX];
	gss_name_t peer = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored;
	char why[160];
	bool ok;

	do {
		gss_buffer_desc in = {0, bytes}, out = GSS_C_EMPTY_BUFFER;

		gss_release_name(&ignored, &peer);
		if (!cli_demo_frame_receive(connection, bytes, sizeof bytes, &in.length)) {
			cli_demo_trouble(cast, "a client went away before it had a context");
			return false;
		}
		major = gss_accept_sec_context(&minor, ctx, cred, &in, GSS_C_NO_CHANNEL_BINDINGS, &peer, NULL, &out, NULL, NULL,
					       NULL);
		ok = out.length == 0 || cli_demo_frame_send(connection, out.value, out.length);
		gss_release_buffer(&ignored, &out);
	} while (major == GSS_S_CONTINUE_NEEDED && ok);
	if (major != GSS_S_COMPLETE) {
		cli_demo_status(major, minor, why);
		cli_demo_trouble(cast, "a client was not accepted: %s", why);
		ok = false;
	} else {
		gss_buffer_desc name = GSS_C_EMPTY_BUFFER;

		gss_display_name(&minor, peer, &name, NULL);
		snprintf(who, who_len, "%.*s", (int)name.length, (const char *)name.value);
		gss_release_buffer(&minor, &name);
	}
	gss_release_name(&ignored, &peer);
	return ok;
}

/* Export, and pass on: token and connection leave this process together. */
static void
receive_one(const struct demo_cast *cast, gss_cred_id_t cred, int connection)
{
	static struct demo_pass pass;
	static bool has_told_stranger;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	char who[128], why[160];
	OM_uint32 ignored;
	int worker;

	pass = (struct demo_pass){.act = atomic_load(&cast->board->act)};
	if (accept_context(cast, cred, connection, &ctx, who, sizeof who)) {
		pass.context = atomic_fetch_add(&cast->board->num_accepted, 1);
		worker = (int)(pass.context % (uint32_t)cast->num_workers);
		if (!cli_demo_export_to(&ctx, &pass, why)) {
			cli_demo_trouble(cast, "a context was not exported: %s", why);
		} else {
			pass.is_told = pass.act == DEMO_ACT_STORY || (pass.act == DEMO_ACT_STRANGER && !has_told_stranger);
			has_told_stranger = pass.act == DEMO_ACT_STRANGER;
			if (pass.is_told) {
				cli_demo_tell(cast, "accepted %s from a client %s", who,
					      cast->board->is_anonymous ? "that nobody knows"
									: "that runs on another library");
				cli_demo_tell(
				    cast, "exported the context: a sealed token of %u bytes, and the context is gone from here",
				    pass.token_len);
				cli_demo_tell(cast, "gave token and connection to worker %d, which can do what the front could",
					      worker + 1);
			}
			if (!cli_demo_pass_send(cast->to_worker[worker], &pass, connection))
				cli_demo_trouble(cast, "worker %d takes nothing any more", worker + 1);
		}
	}
	if (ctx != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
}

/* Clients without a name are served by those only who say that they want to. */
static OM_uint32
acquire(const struct demo_cast *cast, OM_uint32 *minor, gss_cred_id_t *cred)
{
	/* 1.3.6.1.4.1.5322.26.1.110 */
	static gss_OID_desc sanon = {10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};
	static gss_OID_set_desc only_sanon = {1, &sanon};
	gss_OID_set mechs = cast->board->is_anonymous ? &only_sanon : GSS_C_NO_OID_SET;

	return gss_acquire_cred(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, mechs, GSS_C_ACCEPT, cred, NULL, NULL);
}

_Noreturn void
cli_demo_front(const struct demo_cast *cast)
{
	struct timeval patience = {.tv_sec = DEMO_PATIENCE_S};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor;
	char why[160];
	int connection, at_once = 1;

	if ((major = acquire(cast, &minor, &cred)) != GSS_S_COMPLETE) {
		cli_demo_status(major, minor, why);
		cli_demo_trouble(cast, "nothing to accept with: %s", why);
		_exit(1);
	}
	while ((connection = accept4(cast->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
		receive_one(cast, cred, connection);
		close(connection);
	}
	_exit(0);
}
