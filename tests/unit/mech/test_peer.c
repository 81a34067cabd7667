/* The mechanism against MIT's library, in both roles: that library is loaded for the test, never linked. */
#include "support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <krb5.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

static struct {
	__typeof__(gss_init_sec_context) *init;
	__typeof__(gss_accept_sec_context) *accept;
	__typeof__(gss_import_name) *import_name;
	__typeof__(gss_release_name) *release_name;
	__typeof__(gss_display_name) *display_name;
	__typeof__(gss_delete_sec_context) *delete_ctx;
	__typeof__(gss_release_buffer) *release_buffer;
	__typeof__(gss_release_cred) *release_cred;
	__typeof__(gss_inquire_cred) *inquire_cred;
	__typeof__(gss_wrap) *wrap;
	__typeof__(gss_unwrap) *unwrap;
	__typeof__(gss_get_mic) *get_mic;
	__typeof__(gss_verify_mic) *verify_mic;
	__typeof__(gss_wrap_iov) *wrap_iov;
	__typeof__(gss_wrap_iov_length) *wrap_iov_length;
	__typeof__(gss_unwrap_iov) *unwrap_iov;
	__typeof__(gss_pseudo_random) *prf;
} mit;

static int
load_mit(void **state)
{
	void *lib = dlopen("libgssapi_krb5.so.2", RTLD_NOW | RTLD_LOCAL);

	if (lib == NULL)
		return -1;
#define LOAD(member, symbol)                                                    \
	if ((mit.member = (__typeof__(mit.member))dlsym(lib, #symbol)) == NULL) \
	return -1
	LOAD(init, gss_init_sec_context);
	LOAD(accept, gss_accept_sec_context);
	LOAD(import_name, gss_import_name);
	LOAD(release_name, gss_release_name);
	LOAD(display_name, gss_display_name);
	LOAD(delete_ctx, gss_delete_sec_context);
	LOAD(release_buffer, gss_release_buffer);
	LOAD(release_cred, gss_release_cred);
	LOAD(inquire_cred, gss_inquire_cred);
	LOAD(wrap, gss_wrap);
	LOAD(unwrap, gss_unwrap);
	LOAD(get_mic, gss_get_mic);
	LOAD(verify_mic, gss_verify_mic);
	LOAD(wrap_iov, gss_wrap_iov);
	LOAD(wrap_iov_length, gss_wrap_iov_length);
	LOAD(unwrap_iov, gss_unwrap_iov);
	LOAD(prf, gss_pseudo_random);
	return 0;
}

static gss_OID_desc krb5_oid = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc hostbased_oid = {10, (void *)(uintptr_t)HOSTBASED};

static gss_name_t
mit_name(const char *text)
{
	gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
	gss_name_t name;
	OM_uint32 minor;

	assert_int_equal(mit.import_name(&minor, &buffer, &hostbased_oid, &name), GSS_S_COMPLETE);
	return name;
}

/* ---- messages ---- */

static void
exchange_messages(struct bt_msg *ours, gss_ctx_id_t theirs)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 1000, 100001};

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		for (int conf = 0; conf < 2; conf++) {
			struct bt_buf text = {bt_mem_alloc(lengths[i] + 1), lengths[i]}, token, plain;
			gss_buffer_desc their_text = {text.len, text.ptr}, their_token, their_plain;
			enum bt_msg_order order;
			OM_uint32 minor;
			bool was_conf;
			int their_conf;

			memset(text.ptr, 'x', text.len);
			assert_int_equal(bt_msg_wrap(ours, conf, bt_bytes_of_buf(&text), &token), 0);
			their_token = (gss_buffer_desc){token.len, token.ptr};
			assert_int_equal(mit.unwrap(&minor, theirs, &their_token, &their_plain, &their_conf, NULL), 0);
			assert_int_equal(their_plain.length, text.len);
			assert_memory_equal(their_plain.value, text.ptr, text.len);
			assert_int_equal(their_conf, conf);
			mit.release_buffer(&minor, &their_plain);
			bt_buf_free(&token);

			assert_int_equal(mit.wrap(&minor, theirs, conf, 0, &their_text, NULL, &their_token), 0);
			assert_int_equal(
			    bt_msg_unwrap(ours, bt_bytes_of(their_token.value, their_token.length), &plain, &was_conf, &order),
			    0);
			assert_int_equal(order, BT_MSG_IN_ORDER);
			assert_int_equal(was_conf, conf);
			assert_true(bt_bytes_equal(bt_bytes_of_buf(&plain), bt_bytes_of_buf(&text)));
			bt_buf_free(&plain);
			mit.release_buffer(&minor, &their_token);

			assert_int_equal(bt_msg_get_mic(ours, bt_bytes_of_buf(&text), &token), 0);
			their_token = (gss_buffer_desc){token.len, token.ptr};
			assert_int_equal(mit.verify_mic(&minor, theirs, &their_text, &their_token, NULL), 0);
			bt_buf_free(&token);
			assert_int_equal(mit.get_mic(&minor, theirs, 0, &their_text, &their_token), 0);
			assert_int_equal(bt_msg_verify_mic(ours, bt_bytes_of_buf(&text),
							   bt_bytes_of(their_token.value, their_token.length), &order),
					 0);
			assert_int_equal(order, BT_MSG_IN_ORDER);
			mit.release_buffer(&minor, &their_token);
			bt_buf_free(&text);
		}
	}
	for (int full = 0; full < 2; full++) {
		gss_buffer_desc input = {3, (void *)(uintptr_t) "abc"}, output;
		uint8_t prf[70];
		OM_uint32 minor;

		assert_int_equal(bt_msg_prf(ours, full, bt_bytes_of_str("abc"), (struct bt_buf){prf, sizeof prf}), 0);
		assert_int_equal(
		    mit.prf(&minor, theirs, full ? GSS_C_PRF_KEY_FULL : GSS_C_PRF_KEY_PARTIAL, &input, sizeof prf, &output), 0);
		assert_memory_equal(output.value, prf, sizeof prf);
		mit.release_buffer(&minor, &output);
	}
}

/* DCE style wraps in place, header apart. */
static void
exchange_dce(struct bt_msg *ours, gss_ctx_id_t theirs)
{
	uint8_t text[48], header[256];
	struct bt_msg_iov iov[2] = {{.type = BT_MSG_IOV_HEADER}, {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text}};
	gss_iov_buffer_desc their_iov[2] = {{GSS_IOV_BUFFER_TYPE_HEADER, {0}}, {GSS_IOV_BUFFER_TYPE_DATA, {sizeof text, text}}};
	enum bt_msg_order order;
	OM_uint32 minor;
	bool was_conf;
	int conf;

	memset(text, 'd', sizeof text);
	assert_int_equal(bt_msg_wrap_iov_length(ours, true, iov, 2), 0);
	assert_true(iov[0].len <= sizeof header);
	iov[0].ptr = header;
	assert_int_equal(bt_msg_wrap_iov(ours, true, iov, 2), 0);
	their_iov[0].buffer = (gss_buffer_desc){iov[0].len, header};
	assert_int_equal(mit.unwrap_iov(&minor, theirs, &conf, NULL, their_iov, 2), 0);
	assert_int_equal(text[0], 'd');
	assert_int_equal(text[47], 'd');
	their_iov[0].buffer = (gss_buffer_desc){0, NULL};
	assert_int_equal(mit.wrap_iov_length(&minor, theirs, 1, 0, NULL, their_iov, 2), 0);
	their_iov[0].buffer.value = header;
	assert_int_equal(mit.wrap_iov(&minor, theirs, 1, 0, NULL, their_iov, 2), 0);
	iov[0].len = their_iov[0].buffer.length;
	assert_int_equal(bt_msg_unwrap_iov(ours, iov, 2, &was_conf, &order), 0);
	assert_int_equal(text[47], 'd');
	assert_true(was_conf);
}

/* ---- handshakes ---- */

static void
run(bool we_initiate, const char *service, uint32_t flags, bool reloads)
{
	struct bt_mn *target = service_name(service);
	gss_name_t their_target = mit_name(service), client = GSS_C_NO_NAME;
	struct bt_ctx *ours = bt_ctx_new(&bt_mech_krb5, we_initiate);
	gss_ctx_id_t theirs = GSS_C_NO_CONTEXT;
	gss_cred_id_t their_delegated = GSS_C_NO_CREDENTIAL;
	struct bt_mcred *delegated = NULL;
	gss_buffer_desc to_them = {0}, from_them = {0};
	struct bt_buf to = {0};
	OM_uint32 major = GSS_S_CONTINUE_NEEDED, minor, their_flags = 0;
	int e = 0;

	for (int leg = 0; leg < 4 && (ours->stage != BT_CTX_OPEN || major != GSS_S_COMPLETE); leg++) {
		if (we_initiate == (leg % 2 == 0)) {
			struct bt_bytes from = bt_bytes_of(from_them.value, from_them.length);

			if (we_initiate) {
				struct bt_init_step step = {.target = target, .flags = flags, .token = from};

				e = bt_mech_krb5.init(ours, &step, &to);
			} else {
				struct bt_accept_step step = {.token = from};

				e = bt_mech_krb5.accept(ours, &step, &to, delegated == NULL ? &delegated : NULL);
			}
			mit.release_buffer(&minor, &from_them);
			if (e != 0)
				fail_msg("ours, leg %d: %d %s", leg, e, bt_err_noted(e) != NULL ? bt_err_noted(e) : "");
			if (reloads && ours->stage == BT_CTX_EXPECT_TOKEN)
				ours = reload(ours);
			to_them = (gss_buffer_desc){to.len, to.ptr};
		} else {
			if (we_initiate)
				major = mit.accept(&minor, &theirs, GSS_C_NO_CREDENTIAL, &to_them, GSS_C_NO_CHANNEL_BINDINGS,
						   client == GSS_C_NO_NAME ? &client : NULL, NULL, &from_them, &their_flags,
						   NULL, &their_delegated);
			else
				major = mit.init(&minor, GSS_C_NO_CREDENTIAL, &theirs, their_target, &krb5_oid, flags, 0,
						 GSS_C_NO_CHANNEL_BINDINGS, &to_them, NULL, &from_them, &their_flags, NULL);
			bt_buf_free(&to);
			if (GSS_ERROR(major))
				fail_msg("theirs, leg %d: %08x %d", leg, major, (int)minor);
		}
	}
	bt_buf_free(&to);
	mit.release_buffer(&minor, &from_them);
	assert_int_equal(ours->stage, BT_CTX_OPEN);
	assert_int_equal(major, GSS_S_COMPLETE);
	/* Both sides return the same. MIT's library does not always say PROT_READY; RFC 2743 §1.2.7 has it said. */
	assert_int_equal(ours->flags & ~(uint32_t)(BT_CTX_DELEG | BT_CTX_PROT_READY),
			 their_flags & ~(uint32_t)(BT_CTX_DELEG | BT_CTX_PROT_READY));
	assert_true((ours->flags & BT_CTX_PROT_READY) != 0);
	assert_string_equal(ours->initiator->text, "alice@BATON.TEST");
	if ((flags & BT_CTX_DCE_STYLE) != 0)
		exchange_dce(ours->msg, theirs);
	else
		exchange_messages(ours->msg, theirs);
	if ((flags & BT_CTX_DELEG) != 0 && (flags & BT_CTX_DCE_STYLE) == 0) {
		assert_int_equal(ours->flags & BT_CTX_DELEG, BT_CTX_DELEG);
		assert_int_equal(their_flags & GSS_C_DELEG_FLAG, GSS_C_DELEG_FLAG);
		assert_true(we_initiate ? their_delegated != GSS_C_NO_CREDENTIAL : delegated != NULL);
	}
	bt_mech_krb5.cred_free(delegated);
	mit.release_cred(&minor, &their_delegated);
	mit.release_name(&minor, &client);
	mit.release_name(&minor, &their_target);
	mit.delete_ctx(&minor, &theirs, GSS_C_NO_BUFFER);
	bt_ctx_free(ours);
	bt_mn_free(target);
}

static const uint32_t flag_sets[] = {
    0,
    BT_CTX_REPLAY | BT_CTX_SEQUENCE,
    BT_CTX_MUTUAL,
    BT_CTX_MUTUAL | BT_CTX_REPLAY,
    BT_CTX_MUTUAL | BT_CTX_SEQUENCE | BT_CTX_CONF | BT_CTX_INTEG,
    BT_CTX_MUTUAL | BT_CTX_DELEG,
    BT_CTX_DELEG,
    BT_CTX_MUTUAL | BT_CTX_IDENTIFY | BT_CTX_EXTENDED_ERROR,
    BT_CTX_DCE_STYLE | BT_CTX_MUTUAL,
    BT_CTX_DCE_STYLE | BT_CTX_REPLAY | BT_CTX_SEQUENCE,
};

static void
test_flags(void **state)
{
	for (size_t i = 0; i < sizeof flag_sets / sizeof flag_sets[0]; i++) {
		for (int bits = 0; bits < 4; bits++)
			run((bits & 1) != 0, "host@server.baton.test", flag_sets[i], (bits & 2) != 0);
	}
}

static void
test_enctypes(void **state)
{
	static const char *const services[] = {"enc17@server.baton.test", "enc18@server.baton.test", "enc19@server.baton.test",
					       "enc20@server.baton.test", "enc25@server.baton.test", "enc26@server.baton.test", "enc16@server.baton.test", "enc23@server.baton.test",
					       "plain@server.baton.test"};

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		run(true, services[i], BT_CTX_MUTUAL, false);
		run(false, services[i], BT_CTX_MUTUAL, false);
		run(true, services[i], 0, false);
		run(false, services[i], 0, false);
		run(true, services[i], BT_CTX_DCE_STYLE, true);
		run(false, services[i], BT_CTX_DCE_STYLE, true);
	}
}

/* Channel bindings hash alike on both sides. */
static void
test_bindings(void **state)
{
	struct gss_channel_bindings_struct theirs = {
	    .initiator_addrtype = 255, .acceptor_addrtype = 255, .application_data = {7, (void *)(uintptr_t) "binding"}};
	struct bt_bindings ours = {
	    .initiator_addrtype = 255, .acceptor_addrtype = 255, .application_data = bt_bytes_of_str("binding")};
	gss_name_t target = mit_name("host@server.baton.test");
	gss_buffer_desc token;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	struct bt_accept_step step = {.bindings = &ours};
	struct bt_ctx *acceptor = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_buf none;
	OM_uint32 minor;

	assert_int_equal(mit.init(&minor, GSS_C_NO_CREDENTIAL, &ctx, target, &krb5_oid, 0, 0, &theirs, GSS_C_NO_BUFFER, NULL,
				  &token, NULL, NULL),
			 0);
	step.token = bt_bytes_of(token.value, token.length);
	assert_int_equal(bt_mech_krb5.accept(acceptor, &step, &none, NULL), 0);
	assert_true((acceptor->flags & BT_CTX_CHANNEL_BOUND) != 0);
	bt_ctx_free(acceptor);
	mit.release_buffer(&minor, &token);
	mit.release_name(&minor, &target);
	mit.delete_ctx(&minor, &ctx, GSS_C_NO_BUFFER);
}

/* A refusal of ours is understood by theirs, and theirs by ours. */
static void
test_refusals(void **state)
{
	gss_name_t target = mit_name("host@server.baton.test");
	struct bt_mn *our_target = service_name("host@server.baton.test");
	gss_buffer_desc token, reply = {0};
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT, acceptor_ctx = GSS_C_NO_CONTEXT;
	struct bt_accept_step step = {0};
	struct bt_init_step first = {.target = our_target, .flags = BT_CTX_MUTUAL};
	struct bt_ctx *ours = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_buf answer, none;
	OM_uint32 minor;
	int e = 0;

	assert_int_equal(mit.init(&minor, GSS_C_NO_CREDENTIAL, &ctx, target, &krb5_oid, GSS_C_MUTUAL_FLAG, 0,
				  GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &token, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	for (int i = 0; i < 2; i++) {
		bt_ctx_free(ours);
		ours = bt_ctx_new(&bt_mech_krb5, false);
		step.token = bt_bytes_of(token.value, token.length);
		e = bt_mech_krb5.accept(ours, &step, &answer, NULL);
		if (i == 0)
			bt_buf_free(&answer);
	}
	assert_int_equal(e, KRB5KRB_AP_ERR_REPEAT);
	mit.release_buffer(&minor, &token);
	reply = (gss_buffer_desc){answer.len, answer.ptr};
	assert_int_equal(mit.init(&minor, GSS_C_NO_CREDENTIAL, &ctx, target, &krb5_oid, GSS_C_MUTUAL_FLAG, 0,
				  GSS_C_NO_CHANNEL_BINDINGS, &reply, NULL, &token, NULL, NULL),
			 GSS_S_FAILURE);
	assert_int_equal((int)minor, KRB5KRB_AP_ERR_REPEAT);
	bt_buf_free(&answer);
	bt_ctx_free(ours);

	ours = bt_ctx_new(&bt_mech_krb5, true);
	assert_int_equal(bt_mech_krb5.init(ours, &first, &answer), 0);
	for (int i = 0; i < 2; i++) {
		mit.delete_ctx(&minor, &acceptor_ctx, GSS_C_NO_BUFFER);
		mit.release_buffer(&minor, &token);
		reply = (gss_buffer_desc){answer.len, answer.ptr};
		mit.accept(&minor, &acceptor_ctx, GSS_C_NO_CREDENTIAL, &reply, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &token,
			   NULL, NULL, NULL);
	}
	first.token = bt_bytes_of(token.value, token.length);
	assert_int_equal(bt_mech_krb5.init(ours, &first, &none), KRB5KRB_AP_ERR_REPEAT);
	mit.release_buffer(&minor, &token);
	bt_buf_free(&answer);
	bt_ctx_free(ours);
	mit.delete_ctx(&minor, &ctx, GSS_C_NO_BUFFER);
	mit.release_name(&minor, &target);
	bt_mn_free(our_target);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flags),
	    cmocka_unit_test(test_enctypes),
	    cmocka_unit_test(test_bindings),
	    cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, load_mit, NULL);
}
