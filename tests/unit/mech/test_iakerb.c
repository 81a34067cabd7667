/*
 * IAKERB against a real KDC, both sides ours: what works, what is proved, what moves; and with the allocator failing.
 */
#include "support.h"

#include <string.h>

#include "../message/failing_mem.h"
#include "mech/krb5/iakerb.h"

static struct bt_mcred *acceptor_cred;
static struct bt_mn *target;

/* A first ticket is to be got with the password, or what there is is used. */
static struct bt_mcred *
acquire_for(const struct bt_mech *mech, const char *name, enum bt_usage usage, const char *password, const char *ccache)
{
	struct bt_store_entry entry = {"ccache", ccache};
	struct bt_mn *mn = name != NULL ? import_name(name, NULL, 0) : NULL;
	struct bt_cred_request request = {
	    .mech = mech, .name = mn, .usage = usage, .store = &entry, .num_store = ccache != NULL};
	struct bt_mcred *cred = NULL;
	int e;

	if (password != NULL)
		request.password = bt_bytes_of_str(password);
	e = mech->cred_acquire(&request, &cred);
	bt_mn_free(mn);
	if (e != 0)
		fail_msg("acquire: %d %s", e, bt_err_noted(e) != NULL ? bt_err_noted(e) : "");
	return cred;
}

static struct bt_mcred *
alice(void)
{
	return acquire_for(&bt_mech_iakerb, "alice", BT_USAGE_INITIATE, "wonderland", NULL);
}

/* One handshake, step by step. */
struct play {
	struct bt_ctx *initiator, *acceptor;
	struct bt_mcred *cred;
	uint32_t flags;
	struct bt_buf token;
	int legs;
};

static void
play_begin(struct play *play, struct bt_mcred *cred, uint32_t flags)
{
	*play = (struct play){.initiator = bt_ctx_new(&bt_mech_iakerb, true),
			      .acceptor = bt_ctx_new(&bt_mech_iakerb, false),
			      .cred = cred,
			      .flags = flags};
}

static int
step_init(struct play *play)
{
	struct bt_init_step step = {
	    .cred = play->cred, .target = target, .flags = play->flags, .token = bt_bytes_of_buf(&play->token)};
	struct bt_buf out;
	int e = bt_mech_iakerb.init(play->initiator, &step, &out);

	bt_buf_free(&play->token);
	play->token = out;
	play->legs += out.len != 0;
	return e;
}

static int
step_accept_with(struct play *play, struct bt_mcred *cred)
{
	struct bt_accept_step step = {.cred = cred, .token = bt_bytes_of_buf(&play->token)};
	struct bt_buf out;
	int e = bt_mech_iakerb.accept(play->acceptor, &step, &out, NULL);

	bt_buf_free(&play->token);
	play->token = out;
	play->legs += out.len != 0;
	return e;
}

static int
step_accept(struct play *play)
{
	return step_accept_with(play, acceptor_cred);
}

static bool
is_carrying(const struct bt_ctx *ctx)
{
	return bt_iakerb_of(ctx) != NULL;
}

/* To the end, or the first failure. */
static int
play_on(struct play *play)
{
	int e = 0;

	while (play->initiator->stage != BT_CTX_OPEN || play->acceptor->stage != BT_CTX_OPEN)
		if ((play->initiator->stage != BT_CTX_OPEN && (e = step_init(play)) != 0) ||
		    (play->acceptor->stage != BT_CTX_OPEN && (e = step_accept(play)) != 0))
			break;
	return e;
}

static void
play_done(struct play *play)
{
	bt_ctx_free(play->initiator);
	bt_ctx_free(play->acceptor);
	bt_buf_free(&play->token);
}

static void
must_work(int e)
{
	if (e != 0)
		fail_msg("%d %s", e, bt_err_noted(e) != NULL ? bt_err_noted(e) : bt_err_text(e) != NULL ? bt_err_text(e) : "");
}

static void
must_be_open(struct play *play)
{
	assert_int_equal(play->initiator->stage, BT_CTX_OPEN);
	assert_int_equal(play->acceptor->stage, BT_CTX_OPEN);
	assert_null(play->initiator->pending);
	assert_null(play->acceptor->pending);
	assert_ptr_equal(play->acceptor->mech, &bt_mech_iakerb);
	assert_string_equal(play->initiator->initiator->text, "alice@BATON.TEST");
	assert_string_equal(play->acceptor->initiator->text, "alice@BATON.TEST");
	assert_string_equal(play->acceptor->acceptor->text, "host/server.baton.test@BATON.TEST");
	both_ways(play->initiator->msg, play->acceptor->msg);
}

/* ---- what works ---- */

static void
test_handshakes(void **state)
{
	static const uint32_t kinds[] = {0, BT_CTX_MUTUAL, BT_CTX_MUTUAL | BT_CTX_SEQUENCE | BT_CTX_REPLAY, BT_CTX_DCE_STYLE};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct bt_mcred *cred = alice();
		struct play play;
		int first;

		play_begin(&play, cred, kinds[i]);
		must_work(play_on(&play));
		must_be_open(&play);
		/* Two AS exchanges at least, as the KDC wants preauthentication, and one TGS exchange; and Kerberos' own tokens. */
		assert_true(play.legs >= 7);
		first = play.legs;
		play_done(&play);
		/* Now the ticket is there. */
		play_begin(&play, cred, kinds[i]);
		must_work(play_on(&play));
		must_be_open(&play);
		assert_true(play.legs <= 3 && play.legs < first);
		play_done(&play);
		bt_mech_iakerb.cred_free(cred);
	}
}

/* The default: a client keytab, and a cache that is empty at first. */
static void
test_default(void **state)
{
	char *usual = strdup(getenv("KRB5CCNAME"));
	struct play play;

	setenv("KRB5CCNAME", "MEMORY:iakerb", 1);
	play_begin(&play, NULL, BT_CTX_MUTUAL);
	must_work(play_on(&play));
	must_be_open(&play);
	assert_true(play.legs >= 6);
	play_done(&play);
	play_begin(&play, NULL, BT_CTX_MUTUAL);
	must_work(play_on(&play));
	assert_int_equal(play.legs, 2);
	play_done(&play);
	setenv("KRB5CCNAME", usual, 1);
	free(usual);
}

/* While messages are carried, the acceptor's end moves, and the initiator's says that it cannot and goes on. Then both move. */
static void
test_moves(void **state)
{
	static const uint32_t kinds[] = {BT_CTX_MUTUAL, BT_CTX_DCE_STYLE};

	for (size_t i = 0; i < 2; i++) {
		struct bt_mcred *cred = alice();
		int carried = 0, moved = 0;
		struct play play;
		struct bt_wr wr;

		play_begin(&play, cred, kinds[i]);
		while (play.initiator->stage != BT_CTX_OPEN || play.acceptor->stage != BT_CTX_OPEN) {
			if (play.initiator->stage != BT_CTX_OPEN)
				must_work(step_init(&play));
			if (is_carrying(play.initiator)) {
				bt_wr_init(&wr);
				assert_int_equal(bt_mech_iakerb.pending_save(play.initiator, &wr), BT_ERR_NOT_TRANSFERABLE);
				assert_int_equal(wr.len, 0);
				bt_wr_done(&wr);
			} else if (play.initiator->stage != BT_CTX_OPEN) {
				play.initiator = reload(play.initiator);
				moved++;
			}
			if (play.acceptor->stage != BT_CTX_OPEN)
				must_work(step_accept(&play));
			if (play.acceptor->stage != BT_CTX_OPEN) {
				carried += is_carrying(play.acceptor);
				play.acceptor = reload(play.acceptor);
			}
		}
		assert_true(carried >= 3);
		assert_int_equal(moved, 1);
		must_be_open(&play);
		play_done(&play);
		bt_mech_iakerb.cred_free(cred);
	}
}

/* ---- what is proved ---- */

/* A reply with a cookie put in on its way, or another realm: the exchange goes on as before, but both sides have seen another one. */
static void
alter_reply(struct bt_buf *token, bool gives_cookie)
{
	struct bt_iakerb_proxy proxy;
	struct bt_buf altered;

	assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(token), false, &proxy), 0);
	if (gives_cookie)
		proxy.cookie = bt_bytes_of_str("cookie");
	else
		proxy.realm = bt_bytes_of_str("ELSEWHERE");
	assert_int_equal(bt_iakerb_proxy_write(&proxy, false, &altered), 0);
	bt_buf_free(token);
	*token = altered;
}

static void
test_altered(void **state)
{
	for (int gives_cookie = 0; gives_cookie < 2; gives_cookie++) {
		struct bt_mcred *cred = alice();
		struct bt_iakerb_proxy proxy;
		struct play play;
		int e = 0;

		play_begin(&play, cred, BT_CTX_MUTUAL);
		must_work(step_init(&play));
		must_work(step_accept(&play));
		alter_reply(&play.token, gives_cookie);
		must_work(step_init(&play));
		/* A cookie comes back. */
		assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(&play.token), false, &proxy), 0);
		assert_int_equal(proxy.cookie.ptr != NULL, gives_cookie);
		while (e == 0 && play.acceptor->stage != BT_CTX_OPEN)
			if ((e = step_accept(&play)) == 0)
				must_work(step_init(&play));
		assert_int_equal(e, BT_ERR_BAD_MIC);
		assert_true(is_carrying(play.acceptor));
		play_done(&play);
		bt_mech_iakerb.cred_free(cred);
	}
}

/* A request without a proof does not follow a conversation; nor does one with a proof come first. */
static void
test_proof_is_due(void **state)
{
	struct bt_mcred *cred = alice(), *other = alice();
	struct play first, second;
	struct bt_buf token;

	/* The ticket is in the cache, so that there is nothing to prove. */
	play_begin(&first, cred, BT_CTX_MUTUAL);
	must_work(play_on(&first));
	play_done(&first);
	play_begin(&first, cred, BT_CTX_MUTUAL);
	must_work(step_init(&first));
	assert_false(is_carrying(first.initiator));
	play_begin(&second, other, BT_CTX_MUTUAL);
	must_work(step_init(&second));
	must_work(step_accept(&second));
	token = second.token;
	second.token = first.token;
	first.token = (struct bt_buf){0};
	assert_int_equal(step_accept(&second), BT_ERR_BAD_MIC);
	/* And now to the end, but for an acceptor that has seen nothing. */
	bt_buf_free(&second.token);
	second.token = token;
	do {
		must_work(step_init(&second));
		if (is_carrying(second.initiator))
			must_work(step_accept(&second));
	} while (is_carrying(second.initiator));
	bt_ctx_free(second.acceptor);
	second.acceptor = bt_ctx_new(&bt_mech_iakerb, false);
	assert_int_equal(step_accept(&second), KRB5KRB_AP_ERR_MSG_TYPE);
	play_done(&first);
	play_done(&second);
	bt_mech_iakerb.cred_free(cred);
	bt_mech_iakerb.cred_free(other);
}

/* ---- what is not carried ---- */

static void
test_wrong_password(void **state)
{
	struct bt_mcred *cred = acquire_for(&bt_mech_iakerb, "alice", BT_USAGE_INITIATE, "looking-glass", NULL);
	struct play play;
	int e = 0;

	play_begin(&play, cred, BT_CTX_MUTUAL);
	while (e == 0)
		if ((e = step_init(&play)) == 0)
			must_work(step_accept(&play));
	assert_int_equal(e, KRB5KDC_ERR_PREAUTH_FAILED);
	assert_true(is_carrying(play.acceptor));
	play_done(&play);
	bt_mech_iakerb.cred_free(cred);
}

/* Only for who has a credential to accept with. */
static void
test_who_carries(void **state)
{
	struct bt_mcred *cred = alice();
	struct bt_buf token;
	struct play play;

	play_begin(&play, cred, BT_CTX_MUTUAL);
	must_work(step_init(&play));
	assert_int_equal(bt_buf_dup(bt_bytes_of_buf(&play.token), &token), 0);
	assert_int_equal(step_accept_with(&play, NULL), BT_ERR_NO_CRED);
	assert_int_equal(play.token.len, 0);
	play.token = token;
	assert_int_equal(step_accept_with(&play, cred), BT_ERR_NO_CRED);
	play_done(&play);
	bt_mech_iakerb.cred_free(cred);
}

/* The initiator is told in Kerberos' words. */
static void
test_initiator_is_told(void **state)
{
	struct bt_mcred *cred = acquire_for(&bt_mech_iakerb, "alice@ELSEWHERE.TEST", BT_USAGE_INITIATE, "wonderland", NULL);
	struct play play;

	play_begin(&play, cred, BT_CTX_MUTUAL);
	must_work(step_init(&play));
	must_work(step_accept(&play));
	assert_int_equal(step_init(&play), KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND);
	play_done(&play);
	bt_mech_iakerb.cred_free(cred);
}

/* ---- credentials ---- */

static void
test_credentials(void **state)
{
	struct bt_store_entry verify[] = {{"verify", ""}, {"password", "wonderland"}};
	struct bt_mn *name = import_name("alice", NULL, 0);
	struct bt_cred_request request = {
	    .mech = &bt_mech_iakerb, .name = name, .usage = BT_USAGE_INITIATE, .store = verify, .num_store = 2};
	struct bt_mcred *cred = NULL, *copy = NULL;
	struct bt_cred_facts facts;
	struct play play;
	struct bt_wr wr;

	/* There is nothing to verify before the first context. */
	assert_int_equal(bt_mech_iakerb.cred_acquire(&request, &cred), BT_ERR_BAD_USAGE);
	bt_mn_free(name);
	/* A wrong password is not noticed, and nothing is there yet. */
	cred = acquire_for(&bt_mech_iakerb, "alice", BT_USAGE_INITIATE, "looking-glass", NULL);
	must_work(bt_mech_iakerb.cred_inquire(&bt_mech_iakerb, cred, &facts));
	assert_string_equal(facts.name->text, "alice@BATON.TEST");
	assert_true(facts.initiator_expires_at == BT_CTX_NEVER);
	bt_mn_free(facts.name);
	bt_mech_iakerb.cred_free(cred);
	/* Filled, it has an end, and goes to another process, but not to another mechanism. */
	cred = alice();
	play_begin(&play, cred, BT_CTX_MUTUAL);
	must_work(play_on(&play));
	play_done(&play);
	must_work(bt_mech_iakerb.cred_inquire(&bt_mech_iakerb, cred, &facts));
	assert_true(facts.initiator_expires_at != BT_CTX_NEVER && facts.initiator_expires_at > 0);
	bt_mn_free(facts.name);
	bt_wr_init(&wr);
	must_work(bt_mech_iakerb.cred_export(cred, &wr));
	assert_int_equal(bt_mech_krb5.cred_import(&bt_mech_krb5, bt_wr_written(&wr), &copy), BT_ERR_DEFECTIVE_TOKEN);
	assert_null(copy);
	must_work(bt_mech_iakerb.cred_import(&bt_mech_iakerb, bt_wr_written(&wr), &copy));
	bt_wr_done(&wr);
	bt_mech_iakerb.cred_free(cred);
	play_begin(&play, copy, BT_CTX_MUTUAL);
	must_work(play_on(&play));
	assert_int_equal(play.legs, 2);
	play_done(&play);
	bt_mech_iakerb.cred_free(copy);
}

/* The first request of a credential that has no ticket yet is on its way, and the reply is there. */
static void
begin_initial(struct play *play, struct bt_mcred *cred)
{
	play_begin(play, cred, BT_CTX_MUTUAL);
	must_work(step_init(play));
	must_work(step_accept(play));
	assert_true(is_carrying(play->initiator));
}

/* The program lets go of its credential between legs, and comes with another: the tickets that come are none of that one's. */
static void
test_changed_credential(void **state)
{
	struct bt_mcred *cred = alice(), *other = alice(), *unnamed;
	struct play play;

	begin_initial(&play, cred);
	bt_mech_iakerb.cred_free(cred);
	play.cred = other;
	assert_int_equal(play_on(&play), BT_ERR_NO_CRED);
	play_done(&play);
	/* It has been told of no ticket that it has not. */
	begin_initial(&play, other);
	/* One that is anybody's so far, for the cache that there is or is to be. */
	unnamed = acquire_for(&bt_mech_iakerb, NULL, BT_USAGE_INITIATE, NULL, NULL);
	play.cred = unnamed;
	assert_int_equal(play_on(&play), BT_ERR_NO_CRED);
	play_done(&play);
	bt_mech_iakerb.cred_free(unnamed);
	/* And with none at all. */
	begin_initial(&play, other);
	play.cred = NULL;
	assert_int_equal(step_init(&play), BT_ERR_NO_CRED);
	play_done(&play);
	bt_mech_iakerb.cred_free(other);
}

/* ---- memory ---- */

/*
 * A whole handshake with fresh credentials, so that none keeps a copy of its keytab's keys after it. True: it went through.
 */
static bool
play_once(void)
{
	struct bt_mcred *cred = alice(), *usual = acceptor_cred;
	long first, fail_at = mem_fail_at;
	struct play play;
	int e = 0;

	acceptor_cred = acquire_for(&bt_mech_iakerb, NULL, BT_USAGE_ACCEPT, NULL, NULL);
	play_begin(&play, cred, BT_CTX_MUTUAL);
	first = mem_allocations;
	if (fail_at >= 0)
		mem_fail_at = first + fail_at;
	while (e == 0 && (play.initiator->stage != BT_CTX_OPEN || play.acceptor->stage != BT_CTX_OPEN)) {
		if (play.initiator->stage != BT_CTX_OPEN && (e = step_init(&play)) != 0) {
			assert_null(play.token.ptr);
			break;
		}
		if (play.acceptor->stage != BT_CTX_OPEN)
			e = step_accept(&play);
	}
	mem_fail_at = -1;
	if (e != 0)
		assert_int_equal(e, BT_ERR_NOMEM);
	else
		must_be_open(&play);
	play_done(&play);
	bt_mech_iakerb.cred_free(cred);
	bt_mech_iakerb.cred_free(acceptor_cred);
	acceptor_cred = usual;
	return e == 0;
}

static void
test_memory(void **state)
{
	long live, n;

	assert_true(play_once());
	assert_true(play_once());
	live = mem_live;
	for (n = 0; n < 1000; n++) {
		bool passed;

		mem_fail_at = n;
		passed = play_once();
		assert_int_equal(mem_live, live);
		if (passed && n > 100)
			break;
	}
	assert_true(n > 100 && n < 1000);
	assert_true(play_once());
}

static int
begin(void **state)
{
	target = service_name("host@server.baton.test");
	acceptor_cred = acquire_for(&bt_mech_iakerb, NULL, BT_USAGE_ACCEPT, NULL, NULL);
	return 0;
}

static int
end(void **state)
{
	bt_mech_iakerb.cred_free(acceptor_cred);
	bt_mn_free(target);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshakes),	 cmocka_unit_test(test_default),
	    cmocka_unit_test(test_moves),	 cmocka_unit_test(test_altered),
	    cmocka_unit_test(test_proof_is_due), cmocka_unit_test(test_wrong_password),
	    cmocka_unit_test(test_who_carries),	 cmocka_unit_test(test_initiator_is_told),
	    cmocka_unit_test(test_credentials),	 cmocka_unit_test(test_changed_credential),
	    cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
