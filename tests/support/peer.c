/* A GSS library at the end of a socket; see peer.h. */
#include "support/peer.h"
#include "support/clock.h"
#include "support/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef PEER_FORGETS
/* For a library whose leaks are not ours to find. */
int __lsan_is_turned_off(void);

__attribute__((visibility("default"))) int
__lsan_is_turned_off(void)
{
	return 1;
}
#endif

enum { HANDLES_MAX = 16384, IOV_MAX_BUFFERS = 64 };

static gss_ctx_id_t contexts[HANDLES_MAX];
static gss_cred_id_t creds[HANDLES_MAX];
static struct frame request, answer;
static int channel;
static bool is_jailed; /* chroot'ed */

static gss_buffer_desc
get_buffer(void)
{
	struct blob b = frame_get_blob(&request);

	/* A copy of its own, so that valgrind and ASan see reads past its end. */
	gss_buffer_desc out = { b.len, NULL };

	if (b.len != 0) {
		out.value = malloc(b.len);
		memcpy(out.value, b.at, b.len);
	}
	return out;
}

static void
put_buffer(gss_buffer_t b)
{
	OM_uint32 minor;

	frame_put_blob(&answer, b->value, b->length);
	gss_release_buffer(&minor, b);
}

static void
put_oid(gss_OID oid)
{
	frame_put_blob(&answer, oid != GSS_C_NO_OID ? oid->elements : NULL, oid != GSS_C_NO_OID ? oid->length : 0);
}

static void
put_name(gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;

	if (name != GSS_C_NO_NAME) {
		gss_display_name(&minor, name, &text, NULL);
		gss_release_name(&minor, &name);
	}
	put_buffer(&text);
}

static void
begin(OM_uint32 major, OM_uint32 minor)
{
	frame_clear(&answer);
	frame_put_u32(&answer, major);
	frame_put_u32(&answer, minor);
}

static gss_ctx_id_t *
get_context(uint32_t *number)
{
	*number = frame_get_u32(&request);
	if (*number == PEER_NONE) {
		for (*number = 0; *number < HANDLES_MAX - 1; ++*number)
			if (contexts[*number] == GSS_C_NO_CONTEXT)
				break;
	}
	return &contexts[*number < HANDLES_MAX ? *number : HANDLES_MAX - 1];
}

static gss_cred_id_t
get_cred(void)
{
	uint32_t number = frame_get_u32(&request);

	return number < HANDLES_MAX ? creds[number] : GSS_C_NO_CREDENTIAL;
}

/*
 * A credential for SPNEGO that may come out at mechs, which were acquired. No call of MIT's makes one with mechanisms that are not used by
 * default, so, as MIT's own tests do, its two structs are put together here.
 */
#ifdef PEER_IS_MIT
static OM_uint32
acquire_negotiable(OM_uint32 *minor, gss_OID_set mechs, gss_cred_usage_t usage, gss_cred_id_t *out)
{
	struct {
		gss_cred_id_t under;
		gss_OID_set negotiable;
		int no_ask_integ;
	} *negotiation = calloc(1, sizeof(*negotiation));
	struct {
		void *self;
		int count;
		gss_OID mechs;
		gss_cred_id_t *creds;
	} *all = calloc(1, sizeof(*all));
	OM_uint32 major = gss_acquire_cred(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, mechs, usage, &negotiation->under, NULL, NULL);

	all->self = all;
	all->count = 1;
	all->mechs = calloc(1, sizeof(*all->mechs));
	all->mechs->length = 6;
	all->mechs->elements = malloc(6);
	memcpy(all->mechs->elements, "\x2b\x06\x01\x05\x05\x02", 6);
	all->creds = calloc(1, sizeof(*all->creds));
	all->creds[0] = (gss_cred_id_t)negotiation;
	*out = (gss_cred_id_t)all;
	return major;
}
#else
static OM_uint32
acquire_negotiable(OM_uint32 *minor, gss_OID_set mechs, gss_cred_usage_t usage, gss_cred_id_t *out)
{
	gss_OID_desc list[9] = {{ 6, (void *)(uintptr_t)"\x2b\x06\x01\x05\x05\x02" }};
	gss_OID_set_desc wanted = { mechs->count + 1, list };

	memcpy(list + 1, mechs->elements, mechs->count * sizeof(*list));
	return gss_acquire_cred(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, usage, out, NULL, NULL);
}
#endif

static uint32_t
keep_cred(gss_cred_id_t cred)
{
	if (cred == GSS_C_NO_CREDENTIAL)
		return PEER_NONE;
	for (uint32_t i = 0; i < HANDLES_MAX; i++)
		if (creds[i] == GSS_C_NO_CREDENTIAL) {
			creds[i] = cred;
			return i;
		}
	abort();
}

static gss_channel_bindings_t
get_bindings(struct gss_channel_bindings_struct *out)
{
	uint32_t has = frame_get_u32(&request);

	memset(out, 0, sizeof(*out));
	out->application_data = get_buffer();
	return has ? out : GSS_C_NO_CHANNEL_BINDINGS;
}

static OM_uint32
get_name(OM_uint32 *minor, gss_name_t *out)
{
	gss_buffer_desc text = get_buffer();
	uint32_t type = frame_get_u32(&request);
	gss_OID oid = type == PEER_NAME_SERVICE ? GSS_C_NT_HOSTBASED_SERVICE
		      : type == PEER_NAME_USER  ? GSS_C_NT_USER_NAME
						: (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME;
	OM_uint32 major = GSS_S_COMPLETE;

	*out = GSS_C_NO_NAME;
	*minor = 0;
	if (type != PEER_NAME_NONE)
		major = gss_import_name(minor, &text, oid, out);
	free(text.value);
	return major;
}

static void
do_init(void)
{
	struct gss_channel_bindings_struct bindings;
	gss_channel_bindings_t bindings_or_none;
	uint32_t number, flags, lifetime;
	gss_ctx_id_t *ctx = get_context(&number);
	gss_cred_id_t cred = get_cred();
	gss_buffer_desc mech_bytes, in, out = GSS_C_EMPTY_BUFFER;
	gss_OID_desc mech;
	gss_OID actual = GSS_C_NO_OID;
	OM_uint32 major, minor, ignored, flags_out = 0, lifetime_out = 0;
	gss_name_t target;

	major = get_name(&minor, &target);
	mech_bytes = get_buffer();
	mech = (gss_OID_desc){ (OM_uint32)mech_bytes.length, mech_bytes.value };
	flags = frame_get_u32(&request);
	lifetime = frame_get_u32(&request);
	bindings_or_none = get_bindings(&bindings);
	in = get_buffer();
	/* MIT's IAKERB takes an empty first token for one. */
	if (major == GSS_S_COMPLETE)
		major = gss_init_sec_context(&minor, cred, ctx, target, mech.length != 0 ? &mech : GSS_C_NO_OID, flags, lifetime,
					     bindings_or_none, in.length != 0 ? &in : GSS_C_NO_BUFFER, &actual, &out, &flags_out, &lifetime_out);
	begin(major, minor);
	frame_put_u32(&answer, *ctx != GSS_C_NO_CONTEXT ? number : PEER_NONE);
	put_buffer(&out);
	frame_put_u32(&answer, flags_out);
	frame_put_u32(&answer, lifetime_out);
	put_oid(actual);
	gss_release_name(&ignored, &target);
	free(mech_bytes.value);
	free(bindings.application_data.value);
	free(in.value);
}

static void
do_accept(void)
{
	struct gss_channel_bindings_struct bindings;
	gss_channel_bindings_t bindings_or_none;
	uint32_t number;
	gss_ctx_id_t *ctx = get_context(&number);
	gss_cred_id_t cred = get_cred(), delegated = GSS_C_NO_CREDENTIAL;
	gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER;
	gss_OID actual = GSS_C_NO_OID;
	OM_uint32 major, minor, flags = 0, lifetime = 0;
	gss_name_t source = GSS_C_NO_NAME;

	bindings_or_none = get_bindings(&bindings);
	in = get_buffer();
	major = gss_accept_sec_context(&minor, ctx, cred, &in, bindings_or_none, &source, &actual, &out, &flags, &lifetime, &delegated);
	begin(major, minor);
	frame_put_u32(&answer, *ctx != GSS_C_NO_CONTEXT ? number : PEER_NONE);
	put_buffer(&out);
	frame_put_u32(&answer, flags);
	frame_put_u32(&answer, lifetime);
	put_oid(actual);
	put_name(source);
	frame_put_u32(&answer, keep_cred(delegated));
	free(bindings.application_data.value);
	free(in.value);
}

static void
do_message(enum peer_op op)
{
	uint32_t number;
	gss_ctx_id_t ctx = *get_context(&number);
	gss_buffer_desc in = GSS_C_EMPTY_BUFFER, more = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, size;
	int conf = 0, conf_out = 0;
	gss_qop_t qop = 0;

	if (op == PEER_WRAP || op == PEER_SIZE_LIMIT)
		conf = (int)frame_get_u32(&request);
	if (op == PEER_WRAP || op == PEER_GET_MIC || op == PEER_SIZE_LIMIT)
		qop = frame_get_u32(&request);
	if (op == PEER_SIZE_LIMIT)
		size = frame_get_u32(&request);
	else
		in = get_buffer();
	if (op == PEER_VERIFY_MIC)
		more = get_buffer();
	switch (op) {
	case PEER_WRAP:
		major = gss_wrap(&minor, ctx, conf, qop, &in, &conf_out, &out);
		break;
	case PEER_UNWRAP:
		major = gss_unwrap(&minor, ctx, &in, &out, &conf_out, &qop);
		break;
	case PEER_GET_MIC:
		major = gss_get_mic(&minor, ctx, qop, &in, &out);
		break;
	case PEER_VERIFY_MIC:
		major = gss_verify_mic(&minor, ctx, &in, &more, &qop);
		break;
	default:
		major = gss_wrap_size_limit(&minor, ctx, conf, qop, size, &size);
		break;
	}
	begin(major, minor);
	if (op == PEER_WRAP || op == PEER_UNWRAP || op == PEER_GET_MIC)
		put_buffer(&out);
	if (op == PEER_WRAP || op == PEER_UNWRAP)
		frame_put_u32(&answer, (uint32_t)conf_out);
	if (op == PEER_UNWRAP || op == PEER_VERIFY_MIC)
		frame_put_u32(&answer, qop);
	if (op == PEER_SIZE_LIMIT)
		frame_put_u32(&answer, major == GSS_S_COMPLETE ? size : 0);
	free(in.value);
	free(more.value);
}

static void
do_iov(enum peer_op op)
{
	gss_iov_buffer_desc iov[IOV_MAX_BUFFERS];
	void *mine[IOV_MAX_BUFFERS];
	uint32_t number;
	gss_ctx_id_t ctx = *get_context(&number);
	int conf = (int)frame_get_u32(&request), conf_out = 0;
	uint32_t count = frame_get_u32(&request);
	OM_uint32 major, minor, ignored;
	gss_qop_t qop = 0;

	if (count > IOV_MAX_BUFFERS)
		abort();
	for (uint32_t i = 0; i < count; i++) {
		iov[i].type = frame_get_u32(&request);
		iov[i].buffer = get_buffer();
		mine[i] = iov[i].buffer.value;
	}
	if (op == PEER_WRAP_IOV)
		major = gss_wrap_iov(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &conf_out, iov, (int)count);
	else if (op == PEER_WRAP_IOV_LENGTH)
		major = gss_wrap_iov_length(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &conf_out, iov, (int)count);
	else
		major = gss_unwrap_iov(&minor, ctx, &conf_out, &qop, iov, (int)count);
	begin(major, minor);
	frame_put_u32(&answer, (uint32_t)conf_out);
	frame_put_u32(&answer, count);
	for (uint32_t i = 0; i < count; i++) {
		/* A length query says lengths only: there are no bytes behind them. */
		bool has_bytes = op != PEER_WRAP_IOV_LENGTH && major == GSS_S_COMPLETE && iov[i].buffer.value != NULL;

		frame_put_u32(&answer, iov[i].type);
		if (op == PEER_WRAP_IOV_LENGTH)
			frame_put_blob(&answer, &iov[i].buffer.length, sizeof(size_t));
		else
			frame_put_blob(&answer, iov[i].buffer.value, has_bytes ? iov[i].buffer.length : 0);
	}
	gss_release_iov_buffer(&ignored, iov, (int)count);
	for (uint32_t i = 0; i < count; i++)
		free(mine[i]);
}

static void
do_aead(enum peer_op op)
{
	uint32_t number;
	gss_ctx_id_t ctx = *get_context(&number);
	int conf = op == PEER_WRAP_AEAD ? (int)frame_get_u32(&request) : 0, conf_out = 0;
	gss_buffer_desc associated = get_buffer(), in = get_buffer(), out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor;

	if (op == PEER_WRAP_AEAD)
		major = gss_wrap_aead(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &associated, &in, &conf_out, &out);
	else
		major = gss_unwrap_aead(&minor, ctx, &in, &associated, &out, &conf_out, NULL);
	begin(major, minor);
	put_buffer(&out);
	frame_put_u32(&answer, (uint32_t)conf_out);
	free(associated.value);
	free(in.value);
}

static void
put_lucid_key(const gss_krb5_lucid_key_t *key)
{
	frame_put_u32(&answer, key->type);
	frame_put_blob(&answer, key->data, key->length);
}

static void
do_lucid(void)
{
	gss_krb5_lucid_context_v1_t none = { 0 }, *lucid = &none;
	uint32_t number;
	gss_ctx_id_t *ctx = get_context(&number);
	void *made = NULL;
	OM_uint32 major, minor;

	major = gss_krb5_export_lucid_sec_context(&minor, ctx, 1, &made);
	begin(major, minor);
	if (made != NULL)
		lucid = made;
	frame_put_u32(&answer, *ctx == GSS_C_NO_CONTEXT);
	frame_put_u32(&answer, lucid->version);
	frame_put_u32(&answer, lucid->initiate);
	frame_put_u32(&answer, lucid->endtime);
	frame_put_blob(&answer, &lucid->send_seq, sizeof(lucid->send_seq));
	frame_put_blob(&answer, &lucid->recv_seq, sizeof(lucid->recv_seq));
	frame_put_u32(&answer, lucid->protocol);
	frame_put_u32(&answer, lucid->cfx_kd.have_acceptor_subkey);
	if (lucid->protocol == 0) {
		put_lucid_key(&lucid->rfc1964_kd.ctx_key);
		frame_put_u32(&answer, lucid->rfc1964_kd.sign_alg << 16 | lucid->rfc1964_kd.seal_alg);
		frame_put_blob(&answer, "", 0);
	} else {
		put_lucid_key(&lucid->cfx_kd.ctx_key);
		put_lucid_key(&lucid->cfx_kd.acceptor_subkey);
	}
	if (made != NULL)
		gss_krb5_free_lucid_sec_context(&minor, made);
}

static void
do_inquire(void)
{
	uint32_t number;
	gss_ctx_id_t ctx = *get_context(&number);
	gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
	OM_uint32 major, minor, lifetime = 0, flags = 0;
	gss_OID mech = GSS_C_NO_OID;
	int is_local = 0, is_open = 0;

	major = gss_inquire_context(&minor, ctx, &source, &target, &lifetime, &mech, &flags, &is_local, &is_open);
	begin(major, minor);
	put_name(source);
	put_name(target);
	frame_put_u32(&answer, lifetime);
	put_oid(mech);
	frame_put_u32(&answer, flags);
	frame_put_u32(&answer, (uint32_t)is_local);
	frame_put_u32(&answer, (uint32_t)is_open);
}

static void
do_inquire_oid(void)
{
	uint32_t number;
	gss_ctx_id_t ctx = *get_context(&number);
	gss_buffer_desc bytes = get_buffer();
	gss_OID_desc oid = { (OM_uint32)bytes.length, bytes.value };
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 major, minor;
	size_t count;

	major = gss_inquire_sec_context_by_oid(&minor, ctx, &oid, &set);
	count = set != GSS_C_NO_BUFFER_SET ? set->count : 0;
	begin(major, minor);
	frame_put_u32(&answer, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		frame_put_blob(&answer, set->elements[i].value, set->elements[i].length);
	gss_release_buffer_set(&minor, &set);
	free(bytes.value);
}

static void
do_context(enum peer_op op)
{
	uint32_t number;
	gss_ctx_id_t *ctx = get_context(&number);
	gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, lifetime = 0, key;

	switch (op) {
	case PEER_TIME:
		major = gss_context_time(&minor, *ctx, &lifetime);
		begin(major, minor);
		frame_put_u32(&answer, lifetime);
		break;
	case PEER_EXPORT:
		major = gss_export_sec_context(&minor, ctx, &out);
		begin(major, minor);
		put_buffer(&out);
		frame_put_u32(&answer, *ctx == GSS_C_NO_CONTEXT);
		break;
	case PEER_DELETE:
		major = gss_delete_sec_context(&minor, ctx, &out);
		begin(major, minor);
		put_buffer(&out);
		frame_put_u32(&answer, *ctx == GSS_C_NO_CONTEXT);
		break;
	case PEER_PRF:
		key = frame_get_u32(&request);
		in = get_buffer();
		major = gss_pseudo_random(&minor, *ctx, (int)key, &in, (ssize_t)frame_get_u32(&request), &out);
		begin(major, minor);
		put_buffer(&out);
		break;
	default:
		in = get_buffer();
		major = gss_process_context_token(&minor, *ctx, &in);
		begin(major, minor);
		break;
	}
	free(in.value);
}

static void
do_import(void)
{
	uint32_t number;
	gss_ctx_id_t *ctx;
	gss_buffer_desc in = get_buffer();
	OM_uint32 major, minor;

	for (number = 0; number < HANDLES_MAX - 1; number++)
		if (contexts[number] == GSS_C_NO_CONTEXT)
			break;
	ctx = &contexts[number];
	major = gss_import_sec_context(&minor, &in, ctx);
	begin(major, minor);
	frame_put_u32(&answer, *ctx != GSS_C_NO_CONTEXT ? number : PEER_NONE);
	free(in.value);
}

static void
do_status(void)
{
	OM_uint32 status = frame_get_u32(&request), type = frame_get_u32(&request), more = 0, major, minor;
	gss_buffer_desc mech_bytes = get_buffer(), text = GSS_C_EMPTY_BUFFER;
	gss_OID_desc mech = { (OM_uint32)mech_bytes.length, mech_bytes.value };
	char all[4096] = "";

	do {
		major = gss_display_status(&minor, status, (int)type, mech.length != 0 ? &mech : GSS_C_NO_OID, &more, &text);
		if (major != GSS_S_COMPLETE)
			break;
		if (all[0] != '\0')
			strncat(all, "\n", sizeof(all) - strlen(all) - 1);
		strncat(all, text.value, text.length < sizeof(all) - strlen(all) ? text.length : sizeof(all) - strlen(all) - 1);
		gss_release_buffer(&minor, &text);
		minor = 0;
	} while (more != 0);
	begin(major, minor);
	frame_put_blob(&answer, all, strlen(all));
	free(mech_bytes.value);
}

static void
do_cred(enum peer_op op)
{
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored, lifetime = 0, number;
	gss_cred_usage_t usage = 0;
	gss_OID_desc list[8];
	gss_OID_set_desc mechs = { 0, list };
	gss_buffer_desc password, mech;

	switch (op) {
	case PEER_ACQUIRE:
		major = get_name(&minor, &name);
		usage = (gss_cred_usage_t)frame_get_u32(&request);
		lifetime = frame_get_u32(&request);
		if (major == GSS_S_COMPLETE)
			major = gss_acquire_cred(&minor, name, lifetime, GSS_C_NO_OID_SET, usage, &cred, NULL, &lifetime);
		gss_release_name(&ignored, &name);
		begin(major, minor);
		frame_put_u32(&answer, keep_cred(cred));
		frame_put_u32(&answer, lifetime);
		break;
	case PEER_ACQUIRE_NEG:
		usage = (gss_cred_usage_t)frame_get_u32(&request);
		mechs.count = frame_get_u32(&request);
		for (size_t i = 0; i < mechs.count && i < 8; i++) {
			struct blob b = frame_get_blob(&request);

			list[i] = (gss_OID_desc){ (OM_uint32)b.len, (void *)(uintptr_t)b.at };
		}
		major = acquire_negotiable(&minor, &mechs, usage, &cred);
		if (major == GSS_S_COMPLETE)
			major = gss_set_neg_mechs(&minor, cred, &mechs);
		begin(major, minor);
		frame_put_u32(&answer, keep_cred(cred));
		break;
	case PEER_ACQUIRE_MECH:
		major = get_name(&minor, &name);
		password = get_buffer();
		usage = (gss_cred_usage_t)frame_get_u32(&request);
		mech = get_buffer();
		list[0] = (gss_OID_desc){ (OM_uint32)mech.length, mech.value };
		mechs.count = 1;
		if (major == GSS_S_COMPLETE && password.length != 0)
			major = gss_acquire_cred_with_password(&minor, name, &password, 0, &mechs, usage, &cred, NULL, NULL);
		else if (major == GSS_S_COMPLETE)
			major = gss_acquire_cred(&minor, name, 0, &mechs, usage, &cred, NULL, NULL);
		gss_release_name(&ignored, &name);
		free(password.value);
		free(mech.value);
		begin(major, minor);
		frame_put_u32(&answer, keep_cred(cred));
		break;
	case PEER_INQUIRE_CRED:
		major = gss_inquire_cred(&minor, get_cred(), &name, &lifetime, &usage, NULL);
		begin(major, minor);
		put_name(name);
		frame_put_u32(&answer, lifetime);
		frame_put_u32(&answer, (uint32_t)usage);
		break;
	default:
		number = frame_get_u32(&request);
		major = gss_release_cred(&minor, &creds[number % HANDLES_MAX]);
		begin(major, minor);
		break;
	}
}

static void
put_oids(gss_OID_set set)
{
	frame_put_u32(&answer, set != GSS_C_NO_OID_SET ? (uint32_t)set->count : 0);
	for (size_t i = 0; set != GSS_C_NO_OID_SET && i < set->count; i++)
		put_oid(&set->elements[i]);
}

static void
do_mech(enum peer_op op)
{
	gss_buffer_desc bytes = GSS_C_EMPTY_BUFFER, texts[3] = { GSS_C_EMPTY_BUFFER, GSS_C_EMPTY_BUFFER, GSS_C_EMPTY_BUFFER };
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 major, minor, ignored;
	gss_OID_desc mech;

	if (op == PEER_MECHS) {
		major = gss_indicate_mechs(&minor, &set);
		begin(major, minor);
		put_oids(set);
	} else {
		bytes = get_buffer();
		mech = (gss_OID_desc){ (OM_uint32)bytes.length, bytes.value };
		major = gss_inquire_attrs_for_mech(&minor, &mech, &set, NULL);
		if (major == GSS_S_COMPLETE)
			major = gss_inquire_saslname_for_mech(&minor, &mech, &texts[0], &texts[1], &texts[2]);
		begin(major, minor);
		put_oids(set);
		for (int i = 0; i < 3; i++)
			put_buffer(&texts[i]);
		free(bytes.value);
	}
	gss_release_oid_set(&ignored, &set);
}

static int
start_afresh(struct blob program)
{
	char path[4096], number[16];

	snprintf(path, sizeof(path), "%.*s", (int)program.len, (const char *)program.at);
	snprintf(number, sizeof(number), "%d", channel);
	return execl(path[0] != '\0' ? path : "/proc/self/exe", "peer", number, (char *)NULL);
}

static void
do_process(enum peer_op op)
{
	struct rlimit files;
	struct blob a, b;
	char name[256], *value;
	uint32_t count = 0;
	int failed = 0, state;
	pid_t child;

	switch (op) {
	case PEER_SETENV:
		a = frame_get_blob(&request);
		b = frame_get_blob(&request);
		snprintf(name, sizeof(name), "%.*s", (int)a.len, (const char *)a.at);
		value = calloc(1, b.len + 1);
		if (b.len != 0)
			memcpy(value, b.at, b.len);
		failed = b.len != 0 ? setenv(name, value, 1) : unsetenv(name);
		free(value);
		break;
	case PEER_SETUID:
		failed = setuid(frame_get_u32(&request));
		break;
	case PEER_FILES:
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = frame_get_u32(&request);
		failed = setrlimit(RLIMIT_NOFILE, &files);
		break;
	case PEER_CLOCK:
		clock_set_ahead((int32_t)frame_get_u32(&request));
		break;
	case PEER_EXEC:
		/* The new program, if it is a peer, answers for this request as it starts. */
		failed = start_afresh(frame_get_blob(&request));
		break;
	case PEER_FORK:
		child = fork();
		if (child > 0) {
			/* The child owns the socket until it ends; then this process answers the request by which it ended. */
			while (waitpid(child, &state, 0) < 0 && errno == EINTR)
				continue;
		}
		failed = child < 0;
		break;
	case PEER_CHROOT:
		a = frame_get_blob(&request);
		snprintf(name, sizeof(name), "%.*s", (int)a.len, (const char *)a.at);
		failed = chroot(name) != 0 || chdir("/") != 0;
		is_jailed = true;
		break;
	case PEER_CLOSE:
		for (int fd = 3; fd < 1024; fd++)
			if (fd != channel)
				close(fd);
		for (int n = 0; n < 8 && !failed; n++)
			failed = open("/dev/null", O_RDWR) < 0;
		break;
	case PEER_EXIT:
		begin(0, 0);
		_exit(0);
	default:
		for (size_t i = 0; i < HANDLES_MAX; i++)
			count += contexts[i] != GSS_C_NO_CONTEXT;
		begin(0, 0);
		frame_put_u32(&answer, count);
		return;
	}
	begin(failed != 0, failed != 0 ? (uint32_t)errno : 0);
}

int
main(int argc, char **argv)
{
	OM_uint32 minor;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FD, for the test drivers\n", argv[0]);
		return 2;
	}
	channel = atoi(argv[1]);
	begin(0, 0);
	while (frame_send(channel, &answer) == 0 && frame_receive(channel, &request) == 0) {
		enum peer_op op = (enum peer_op)frame_get_u32(&request);

		switch (op) {
		case PEER_INIT:
			do_init();
			break;
		case PEER_ACCEPT:
			do_accept();
			break;
		case PEER_WRAP:
		case PEER_UNWRAP:
		case PEER_GET_MIC:
		case PEER_VERIFY_MIC:
		case PEER_SIZE_LIMIT:
			do_message(op);
			break;
		case PEER_WRAP_IOV:
		case PEER_UNWRAP_IOV:
		case PEER_WRAP_IOV_LENGTH:
			do_iov(op);
			break;
		case PEER_WRAP_AEAD:
		case PEER_UNWRAP_AEAD:
			do_aead(op);
			break;
		case PEER_LUCID:
			do_lucid();
			break;
		case PEER_INQUIRE:
			do_inquire();
			break;
		case PEER_INQUIRE_OID:
			do_inquire_oid();
			break;
		case PEER_TIME:
		case PEER_EXPORT:
		case PEER_DELETE:
		case PEER_PRF:
		case PEER_PROCESS_TOKEN:
			do_context(op);
			break;
		case PEER_IMPORT:
			do_import();
			break;
		case PEER_STATUS:
			do_status();
			break;
		case PEER_ACQUIRE:
		case PEER_ACQUIRE_NEG:
		case PEER_ACQUIRE_MECH:
		case PEER_INQUIRE_CRED:
		case PEER_RELEASE_CRED:
			do_cred(op);
			break;
		case PEER_MECHS:
		case PEER_DESCRIBE_MECH:
			do_mech(op);
			break;
		default:
			do_process(op);
			break;
		}
		if (request.is_bad)
			abort();
	}
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		gss_delete_sec_context(&minor, &contexts[i], GSS_C_NO_BUFFER);
		gss_release_cred(&minor, &creds[i]);
	}
	frame_free(&request);
	frame_free(&answer);
	/* A leak checker at exit wants /proc, and a jail has none. */
	if (is_jailed)
		_exit(0);
	return 0;
}
