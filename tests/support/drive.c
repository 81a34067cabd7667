#include "support/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char krb5_mech[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
static const char iakerb_mech[] = "\x2b\x06\x01\x05\x02\x05";
static const char spnego_mech[] = "\x2b\x06\x01\x05\x05\x02";

static const char *
path_of(const char *lib)
{
	const char *variable = strcmp(lib, "mit") == 0 ? "PEER_MIT" : "PEER_BATON", *path = getenv(variable);

	if (path == NULL)
		fail_msg("%s is not set", variable);
	return path;
}

static void
receive(struct peer *p)
{
	if (frame_receive(p->fd, &p->answer) != 0)
		fail_msg("peer %s (%d) is gone", p->lib, (int)p->pid);
	p->major = frame_get_u32(&p->answer);
	p->minor = frame_get_u32(&p->answer);
}

struct peer *
peer_start(const char *lib, const char *const *env)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *path = path_of(lib);
	char number[16];
	int ends[2];

	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	p->lib = lib;
	p->fd = ends[0];
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		for (; env != NULL && *env != NULL; env++)
			putenv(strdup(*env));
		snprintf(number, sizeof(number), "%d", ends[1]);
		close(ends[0]);
		execl(path, path, number, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	/* Other peers must not hold this end open, or a peer would not notice when its driver is gone. */
	assert_int_equal(fcntl(p->fd, F_SETFD, FD_CLOEXEC), 0);
	receive(p);
	return p;
}

static int
finish(struct peer *p)
{
	int state;

	close(p->fd);
	while (waitpid(p->pid, &state, 0) < 0 && errno == EINTR)
		continue;
	frame_free(&p->request);
	frame_free(&p->answer);
	free(p);
	return state;
}

void
peer_stop(struct peer *p)
{
	if (p != NULL)
		assert_int_equal(finish(p), 0);
}

void
peer_kill(struct peer *p)
{
	kill(p->pid, SIGKILL);
	(void)finish(p);
}

uint32_t
peer_send(struct peer *p)
{
	if (frame_send(p->fd, &p->request) != 0)
		fail_msg("peer %s (%d) is gone", p->lib, (int)p->pid);
	receive(p);
	return p->major;
}

uint32_t
peer_call(struct peer *p, enum peer_op op, const char *form, ...)
{
	const char *text;
	const void *at;
	va_list args;

	frame_clear(&p->request);
	frame_put_u32(&p->request, op);
	va_start(args, form);
	for (; *form != '\0'; form++) {
		switch (*form) {
		case 'u':
			frame_put_u32(&p->request, va_arg(args, uint32_t));
			break;
		case 's':
			text = va_arg(args, const char *);
			frame_put_blob(&p->request, text, strlen(text));
			break;
		default:
			at = va_arg(args, const void *);
			frame_put_blob(&p->request, at, va_arg(args, size_t));
			break;
		}
	}
	va_end(args);
	return peer_send(p);
}

uint32_t
peer_u32(struct peer *p)
{
	uint32_t value = frame_get_u32(&p->answer);

	assert_false(p->answer.is_bad);
	return value;
}

struct blob
peer_blob(struct peer *p)
{
	struct blob b = frame_get_blob(&p->answer);

	assert_false(p->answer.is_bad);
	return b;
}

struct blob
blob_keep(struct blob b)
{
	uint8_t *copy = malloc(b.len + 1);

	assert_non_null(copy);
	if (b.len != 0)
		memcpy(copy, b.at, b.len);
	return (struct blob){ copy, b.len };
}

void
blob_drop(struct blob *b)
{
	free((void *)b->at);
	*b = (struct blob){ 0 };
}

bool
blob_is(struct blob b, const void *at, size_t len)
{
	return b.len == len && (len == 0 || memcmp(b.at, at, len) == 0);
}

void
ends_begin(struct ends *e, struct peer *i, struct peer *a)
{
	*e = (struct ends){ .i = i, .a = a, .ctx_i = PEER_NONE, .ctx_a = PEER_NONE, .delegated = PEER_NONE,
			    .major_i = CONTINUE_NEEDED, .major_a = CONTINUE_NEEDED };
}

static void
take_token(struct ends *e, struct blob token)
{
	token = blob_keep(token);
	blob_drop(&e->token);
	e->token = token;
	e->legs += token.len != 0;
}

static struct blob
mech_of(const struct setup *s)
{
	if (s->negotiates)
		return (struct blob){ (const uint8_t *)spnego_mech, sizeof(spnego_mech) - 1 };
	if (s->is_iakerb)
		return (struct blob){ (const uint8_t *)iakerb_mech, sizeof(iakerb_mech) - 1 };
	return (struct blob){ (const uint8_t *)krb5_mech, sizeof(krb5_mech) - 1 };
}

uint32_t
step_init(struct ends *e, const struct setup *s)
{
	struct blob mech = mech_of(s);
	char target[256];

	snprintf(target, sizeof(target), "%s@server.baton.test", s->service != NULL ? s->service : "host");
	peer_call(e->i, PEER_INIT, "uusubuuusb", e->ctx_i, s->cred_i - 1, target, (uint32_t)PEER_NAME_SERVICE,
		  mech.at, mech.len, s->flags,
		  s->lifetime, (uint32_t)(s->bindings_i != NULL), s->bindings_i != NULL ? s->bindings_i : "", e->token.at, e->token.len);
	e->major_i = e->i->major;
	e->minor_i = e->i->minor;
	e->ctx_i = peer_u32(e->i);
	take_token(e, peer_blob(e->i));
	e->flags_i = peer_u32(e->i);
	e->time_i = peer_u32(e->i);
	return e->major_i;
}

uint32_t
step_accept(struct ends *e, const struct setup *s)
{
	struct blob source;
	uint32_t delegated;

	peer_call(e->a, PEER_ACCEPT, "uuusb", e->ctx_a, s->cred_a - 1, (uint32_t)(s->bindings_a != NULL),
		  s->bindings_a != NULL ? s->bindings_a : "", e->token.at, e->token.len);
	e->major_a = e->a->major;
	e->minor_a = e->a->minor;
	e->ctx_a = peer_u32(e->a);
	take_token(e, peer_blob(e->a));
	e->flags_a = peer_u32(e->a);
	e->time_a = peer_u32(e->a);
	(void)peer_blob(e->a);
	source = peer_blob(e->a);
	if (source.len != 0)
		snprintf(e->source, sizeof(e->source), "%.*s", (int)source.len, (const char *)source.at);
	delegated = peer_u32(e->a);
	if (delegated != PEER_NONE)
		e->delegated = delegated;
	return e->major_a;
}

void
ends_try(struct ends *e, const struct setup *s, struct peer *i, struct peer *a)
{
	ends_begin(e, i, a);
	while (e->major_i == CONTINUE_NEEDED || e->major_a == CONTINUE_NEEDED) {
		if (e->major_i == CONTINUE_NEEDED && (step_init(e, s) & (CALL_BITS | ROUTINE_BITS)) != 0)
			break;
		if (e->major_a == CONTINUE_NEEDED && (step_accept(e, s) & (CALL_BITS | ROUTINE_BITS)) != 0)
			break;
		if (e->legs > 20)
			fail_msg("the two sides never come to an end");
	}
}

void
ends_make(struct ends *e, const struct setup *s, struct peer *i, struct peer *a)
{
	ends_try(e, s, i, a);
	if (e->major_i != COMPLETE || e->major_a != COMPLETE)
		fail_msg("%s to %s, service %s, flags %x: initiator %08x/%u, acceptor %08x/%u: %s; %s", i->lib, a->lib,
			 s->service != NULL ? s->service : "host", s->flags, e->major_i, e->minor_i, e->major_a, e->minor_a,
			 e->major_i != COMPLETE ? status_text(i) : "", e->major_a != COMPLETE ? status_text(a) : "");
}

void
ends_delete(struct ends *e)
{
	if (e->ctx_i != PEER_NONE)
		assert_int_equal(peer_call(e->i, PEER_DELETE, "u", e->ctx_i), COMPLETE);
	if (e->ctx_a != PEER_NONE)
		assert_int_equal(peer_call(e->a, PEER_DELETE, "u", e->ctx_a), COMPLETE);
	if (e->delegated != PEER_NONE)
		assert_int_equal(peer_call(e->a, PEER_RELEASE_CRED, "u", e->delegated), COMPLETE);
	blob_drop(&e->token);
	e->ctx_i = e->ctx_a = e->delegated = PEER_NONE;
}

uint32_t
say_wrap(struct peer *from, uint32_t ctx_from, struct peer *to, uint32_t ctx_to, bool conf, const void *text, size_t len)
{
	struct blob token;

	if (peer_call(from, PEER_WRAP, "uuub", ctx_from, (uint32_t)conf, 0u, text, len) != COMPLETE)
		fail_msg("%s wrap of %zu: %s", from->lib, len, status_text(from));
	token = blob_keep(peer_blob(from));
	assert_int_equal(peer_u32(from), conf);
	peer_call(to, PEER_UNWRAP, "ub", ctx_to, token.at, token.len);
	blob_drop(&token);
	if ((to->major & (CALL_BITS | ROUTINE_BITS)) == 0) {
		assert_true(blob_is(peer_blob(to), text, len));
		assert_int_equal(peer_u32(to), conf);
		assert_int_equal(peer_u32(to), 0);
	}
	return to->major;
}

uint32_t
say_mic(struct peer *from, uint32_t ctx_from, struct peer *to, uint32_t ctx_to, const void *text, size_t len)
{
	struct blob token;

	if (peer_call(from, PEER_GET_MIC, "uub", ctx_from, 0u, text, len) != COMPLETE)
		fail_msg("%s MIC of %zu: %s", from->lib, len, status_text(from));
	token = blob_keep(peer_blob(from));
	peer_call(to, PEER_VERIFY_MIC, "ubb", ctx_to, text, len, token.at, token.len);
	blob_drop(&token);
	return to->major;
}

void
ends_speak(struct ends *e)
{
	assert_int_equal(say_wrap(e->i, e->ctx_i, e->a, e->ctx_a, true, "from the initiator", 18), COMPLETE);
	assert_int_equal(say_mic(e->i, e->ctx_i, e->a, e->ctx_a, "signed by the initiator", 23), COMPLETE);
	assert_int_equal(say_wrap(e->a, e->ctx_a, e->i, e->ctx_i, true, "from the acceptor", 17), COMPLETE);
	assert_int_equal(say_mic(e->a, e->ctx_a, e->i, e->ctx_i, "signed by the acceptor", 22), COMPLETE);
}

char *
prefer_enctype(int enctype)
{
	static const struct {
		int number;
		const char *name;
	} all[] = { { 17, "aes128-cts-hmac-sha1-96" },    { 18, "aes256-cts-hmac-sha1-96" }, { 19, "aes128-cts-hmac-sha256-128" },
		    { 20, "aes256-cts-hmac-sha384-192" }, { 25, "camellia128-cts-cmac" },    { 26, "camellia256-cts-cmac" },
		    { 16, "des3-cbc-sha1" },		  { 23, "arcfour-hmac" } };
	const size_t num = sizeof(all) / sizeof(*all);
	const char *dir = getenv("BATON_REALM_DIR"), *conf = getenv("KRB5_CONFIG");
	char path[512], *setting;
	FILE *f;

	if (dir == NULL || conf == NULL)
		fail_msg("not run under a test realm: BATON_REALM_DIR or KRB5_CONFIG is not set");
	snprintf(path, sizeof(path), "%s/prefer-%d-%d.conf", dir, enctype, (int)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "[libdefaults]\n\tpermitted_enctypes =");
	for (size_t n = 0; n < num; n++)
		if (all[n].number == enctype)
			fprintf(f, " %s", all[n].name);
	for (size_t n = 0; n < num; n++)
		fprintf(f, " %s", all[n].name);
	fprintf(f, "\n");
	fclose(f);
	assert_true(asprintf(&setting, "KRB5_CONFIG=%s:%s", path, conf) > 0);
	return setting;
}

struct blob
session_key(struct peer *p, uint32_t ctx, int *enctype)
{
	static const char oid[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05";
	struct blob key, type;

	if (peer_call(p, PEER_INQUIRE_OID, "ub", ctx, oid, sizeof(oid) - 1) != COMPLETE)
		fail_msg("session key: %s", status_text(p));
	assert_int_equal(peer_u32(p), 2);
	key = blob_keep(peer_blob(p));
	type = peer_blob(p);
	assert_true(type.len > 1);
	*enctype = type.at[type.len - 1];
	return key;
}

const char *
status_text(struct peer *p)
{
	static char text[2][2048];
	static int turn;
	uint32_t major = p->major, minor = p->minor;
	struct blob b;
	char *out = text[turn ^= 1];
	int n;

	peer_call(p, PEER_STATUS, "uub", major, 1u, "", (size_t)0);
	b = peer_blob(p);
	n = snprintf(out, 1024, "%s %08x: %.*s; %u: ", p->lib, major, (int)b.len, (const char *)b.at, minor);
	peer_call(p, PEER_STATUS, "uub", minor, 2u, krb5_mech, (size_t)9);
	b = peer_blob(p);
	snprintf(out + n, 1024, "%.*s", (int)b.len, (const char *)b.at);
	p->major = major;
	p->minor = minor;
	return out;
}
