#include "toy.h"

#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN __attribute__((visibility("default")))
#ifdef TOY_TABLE
#define PUBLIC static
#define OWN_OID TOY_BY_TABLE
#define OF(name) toy_##name
#elif defined(TOY_PARTS)
#define PUBLIC SHOWN
#define OWN_OID TOY_IN_PARTS
#define OF(name) gss_##name
#else
#define PUBLIC SHOWN
#define OWN_OID TOY_BY_NAMES
#define OF(name) gss_##name
#endif

struct name {
	char *text;
};

struct cred {
	int usage;
};

struct context {
	uint8_t is_initiator, leg, sent, received;
	char who[32];
};

static int live, imports_left;

SHOWN toy_break_fn toy_break;
SHOWN toy_live_fn toy_live;

void
toy_break(int nth)
{
	imports_left = nth;
}

int
toy_live(void)
{
	return live;
}

/* ---- memory ---- */

static void *
alloc(size_t len)
{
	void *(*theirs)(size_t len);
	void *symbol = dlsym(RTLD_DEFAULT, "toy_alloc");

	memcpy(&theirs, &symbol, sizeof theirs);
	return theirs != NULL ? theirs(len) : calloc(1, len + 1);
}

static OM_uint32
fail(OM_uint32 *minor, OM_uint32 major, OM_uint32 why)
{
	*minor = why;
	return major;
}

static OM_uint32
give(OM_uint32 *minor, const void *bytes, size_t len, gss_buffer_t out)
{
	out->length = 0;
	if ((out->value = alloc(len)) == NULL)
		return fail(minor, GSS_S_FAILURE, TOY_NO_MEMORY);
	memcpy(out->value, bytes, len);
	out->length = len;
	*minor = 0;
	return GSS_S_COMPLETE;
}

static struct name *
new_name(const void *text, size_t len)
{
	struct name *name = calloc(1, sizeof *name);

	name->text = calloc(1, len + 1);
	memcpy(name->text, text, len);
	live++;
	return name;
}

/* ---- names ---- */

PUBLIC OM_uint32
OF(import_name)(OM_uint32 *minor, gss_buffer_t text, gss_OID type, gss_name_t *out)
{
	size_t skip = 0;

	*minor = 0;
	/* 04 01, two of length, 06 0a OID, four of length. */
	if (type != NULL && type->length == 6 && memcmp(type->elements, "\x2b\x06\x01\x05\x06\x04", 6) == 0)
		skip = 6 + TOY_OID_LEN + 4;
	if (text->length <= skip)
		return fail(minor, GSS_S_BAD_NAME, TOY_BAD_TOKEN);
	*out = (gss_name_t)new_name((char *)text->value + skip, text->length - skip);
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(release_name)(OM_uint32 *minor, gss_name_t *name)
{
	struct name *own = (struct name *)*name;

	*minor = 0;
	free(own->text);
	free(own);
	live--;
	*name = NULL;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(display_name)(OM_uint32 *minor, gss_name_t name, gss_buffer_t text, gss_OID *type)
{
	static gss_OID_desc user = {10, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"};

	if (type != NULL)
		*type = &user;
	return give(minor, ((struct name *)name)->text, strlen(((struct name *)name)->text), text);
}

PUBLIC OM_uint32
OF(compare_name)(OM_uint32 *minor, gss_name_t a, gss_name_t b, int *equal)
{
	*minor = 0;
	*equal = strcasecmp(((struct name *)a)->text, ((struct name *)b)->text) == 0;
	return GSS_S_COMPLETE;
}

/* ---- credentials ---- */

PUBLIC OM_uint32
OF(acquire_cred)(OM_uint32 *minor, gss_name_t name, OM_uint32 lifetime, gss_OID_set mechs, gss_cred_usage_t usage,
		 gss_cred_id_t *out, gss_OID_set *actual, OM_uint32 *time_rec)
{
	struct cred *cred;

	*minor = 0;
	if (name != NULL && strcmp(((struct name *)name)->text, TOY_NO_CRED) == 0)
		return fail(minor, GSS_S_NO_CRED, TOY_NOBODY);
	cred = calloc(1, sizeof *cred);
	cred->usage = usage;
	live++;
	*out = (gss_cred_id_t)cred;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(release_cred)(OM_uint32 *minor, gss_cred_id_t *cred)
{
	*minor = 0;
	free(*cred);
	live--;
	*cred = NULL;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(inquire_cred)(OM_uint32 *minor, gss_cred_id_t cred, gss_name_t *name, OM_uint32 *lifetime, gss_cred_usage_t *usage,
		 gss_OID_set *mechs)
{
	*minor = 0;
	if (name != NULL)
		*name = (gss_name_t)new_name("toy", 3);
	if (lifetime != NULL)
		*lifetime = 1000;
	if (usage != NULL)
		*usage = cred != NULL ? ((struct cred *)cred)->usage : GSS_C_INITIATE;
	return GSS_S_COMPLETE;
}

/* ---- contexts ---- */

static struct context *
begin(gss_ctx_id_t *handle, bool is_initiator)
{
	struct context *context = (struct context *)*handle;

	if (context == NULL) {
		context = calloc(1, sizeof *context);
		context->is_initiator = is_initiator;
		live++;
		*handle = (gss_ctx_id_t)context;
	}
	return context;
}

/* 60 len 06 0a OID body, for the first token alone. */
static OM_uint32
leg(OM_uint32 *minor, struct context *context, gss_buffer_t in, gss_buffer_t out)
{
	static const char head[] = "\x60\x0d\x06\x0a" OWN_OID "1";
	size_t head_len = sizeof head - 1;
	bool is_good;

	out->length = 0;
	out->value = NULL;
	switch (context->is_initiator * 10 + context->leg++) {
	case 10:
		return give(minor, head, head_len, out) != GSS_S_COMPLETE ? GSS_S_FAILURE : GSS_S_CONTINUE_NEEDED;
	case 0:
		is_good = in->length == head_len && memcmp(in->value, head, head_len) == 0;
		if (!is_good)
			return fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BAD_TOKEN);
		return give(minor, "2", 1, out) != GSS_S_COMPLETE ? GSS_S_FAILURE : GSS_S_CONTINUE_NEEDED;
	case 11:
		is_good = in->length == 1 && *(char *)in->value == '2';
		return is_good ? give(minor, "3", 1, out) : fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BAD_TOKEN);
	case 1:
		is_good = in->length == 1 && *(char *)in->value == '3';
		return is_good ? GSS_S_COMPLETE : fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BAD_TOKEN);
	default:
		return fail(minor, GSS_S_FAILURE, TOY_BROKEN);
	}
}

enum { FLAGS = GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG | GSS_C_MUTUAL_FLAG | GSS_C_TRANS_FLAG };

PUBLIC OM_uint32
OF(init_sec_context)(OM_uint32 *minor, gss_cred_id_t cred, gss_ctx_id_t *handle, gss_name_t target, gss_OID mech,
		     OM_uint32 flags, OM_uint32 time_req, gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *actual,
		     gss_buffer_t out, OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	*minor = 0;
	*ret_flags = FLAGS;
	*time_rec = 1000;
	return leg(minor, begin(handle, true), in, out);
}

PUBLIC OM_uint32
OF(accept_sec_context)(OM_uint32 *minor, gss_ctx_id_t *handle, gss_cred_id_t cred, gss_buffer_t in,
		       gss_channel_bindings_t bindings, gss_name_t *src, gss_OID *mech, gss_buffer_t out, OM_uint32 *ret_flags,
		       OM_uint32 *time_rec, gss_cred_id_t *delegated)
{
	OM_uint32 major;

	*minor = 0;
	*ret_flags = FLAGS;
	*time_rec = 1000;
	major = leg(minor, begin(handle, false), in, out);
	if (major == GSS_S_COMPLETE && src != NULL)
		*src = (gss_name_t)new_name("initiator", 9);
	return major;
}

/* A library that calls its own public functions may get those of the program's library. */
static void
destroy(gss_ctx_id_t *handle)
{
	free(*handle);
	live--;
	*handle = NULL;
}

PUBLIC OM_uint32
OF(delete_sec_context)(OM_uint32 *minor, gss_ctx_id_t *handle, gss_buffer_t token)
{
	*minor = 0;
	destroy(handle);
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(inquire_context)(OM_uint32 *minor, gss_ctx_id_t handle, gss_name_t *src, gss_name_t *target, OM_uint32 *lifetime,
		    gss_OID *mech, OM_uint32 *flags, int *is_local, int *is_open)
{
	struct context *context = (struct context *)handle;

	*minor = 0;
	if (src != NULL)
		*src = (gss_name_t)new_name("initiator", 9);
	if (target != NULL)
		*target = (gss_name_t)new_name("acceptor", 8);
	*lifetime = 999;
	*flags = FLAGS;
	*is_local = context->is_initiator;
	*is_open = context->leg == 2;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(context_time)(OM_uint32 *minor, gss_ctx_id_t handle, OM_uint32 *time_rec)
{
	*minor = 0;
	*time_rec = 998;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(export_sec_context)(OM_uint32 *minor, gss_ctx_id_t *handle, gss_buffer_t out)
{
	OM_uint32 major = give(minor, *handle, sizeof(struct context), out);

	if (major == GSS_S_COMPLETE)
		destroy(handle);
	return major;
}

PUBLIC OM_uint32
OF(import_sec_context)(OM_uint32 *minor, gss_buffer_t in, gss_ctx_id_t *handle)
{
	struct context *context;

	if (in->length != sizeof *context || (imports_left != 0 && --imports_left == 0))
		return fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BROKEN);
	context = calloc(1, sizeof *context);
	memcpy(context, in->value, sizeof *context);
	live++;
	*handle = (gss_ctx_id_t)context;
	*minor = 0;
	return GSS_S_COMPLETE;
}

PUBLIC OM_uint32
OF(display_status)(OM_uint32 *minor, OM_uint32 status, int type, gss_OID mech, OM_uint32 *context, gss_buffer_t out)
{
	char text[] = "toy: ....";

	for (int i = 8, rest = (int)status; i > 4; i--, rest /= 10)
		text[i] = (char)('0' + rest % 10);
	return give(minor, text, sizeof text - 1, out);
}

/* 1.3.6.1.5.5.13.1: GSS_C_MA_MECH_CONCRETE. */
PUBLIC OM_uint32
OF(inquire_attrs_for_mech)(OM_uint32 *minor, gss_const_OID mech, gss_OID_set *attributes, gss_OID_set *known)
{
	gss_OID_set set = alloc(sizeof *set);
	gss_OID element = set != NULL ? alloc(sizeof *element) : NULL;

	*minor = 0;
	*attributes = set;
	if (element == NULL) /* as a library does that has got no further: a set that is empty */
		return GSS_S_FAILURE;
	set->elements = element;
	set->count = 1;
	element->length = 0;
	if ((element->elements = alloc(7)) == NULL)
		return GSS_S_FAILURE;
	memcpy(element->elements, "\x2b\x06\x01\x05\x05\x0d\x01", 7);
	element->length = 7;
	return GSS_S_COMPLETE;
}

/* ---- messages ---- */

static void
mask(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] ^ 0x5a;
}

static OM_uint32
order(struct context *context, uint8_t number)
{
	OM_uint32 major = number == context->received ? GSS_S_COMPLETE : number < context->received ? GSS_S_DUPLICATE_TOKEN :
												      GSS_S_GAP_TOKEN;

	if (number >= context->received)
		context->received = (uint8_t)(number + 1);
	return major;
}

#ifndef TOY_PARTS
PUBLIC OM_uint32
OF(wrap)(OM_uint32 *minor, gss_ctx_id_t handle, int conf, gss_qop_t qop, gss_buffer_t text, int *conf_state, gss_buffer_t out)
{
	struct context *context = (struct context *)handle;
	uint8_t token[256];

	if (qop != 0)
		return fail(minor, GSS_S_BAD_QOP, TOY_BROKEN);
	token[0] = context->sent++;
	mask(token + 1, text->value, text->length);
	if (conf_state != NULL)
		*conf_state = 1;
	return give(minor, token, text->length + 1, out);
}

PUBLIC OM_uint32
OF(unwrap)(OM_uint32 *minor, gss_ctx_id_t handle, gss_buffer_t token, gss_buffer_t out, int *conf_state, gss_qop_t *qop)
{
	uint8_t text[256], *bytes = token->value;
	OM_uint32 major;

	if (token->length < 2)
		return fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BAD_TOKEN);
	mask(text, bytes + 1, token->length - 1);
	if (conf_state != NULL)
		*conf_state = 1;
	major = give(minor, text, token->length - 1, out);
	return major == GSS_S_COMPLETE ? order((struct context *)handle, bytes[0]) : major;
}

PUBLIC OM_uint32
OF(wrap_size_limit)(OM_uint32 *minor, gss_ctx_id_t handle, int conf, gss_qop_t qop, OM_uint32 size, OM_uint32 *max)
{
	*minor = 0;
	*max = size - 1;
	return GSS_S_COMPLETE;
}
#endif

PUBLIC OM_uint32
OF(get_mic)(OM_uint32 *minor, gss_ctx_id_t handle, gss_qop_t qop, gss_buffer_t text, gss_buffer_t out)
{
	uint8_t mic[2] = {((struct context *)handle)->sent++, (uint8_t)text->length};

	return give(minor, mic, sizeof mic, out);
}

PUBLIC OM_uint32
OF(verify_mic)(OM_uint32 *minor, gss_ctx_id_t handle, gss_buffer_t text, gss_buffer_t mic, gss_qop_t *qop)
{
	*minor = 0;
	if (mic->length != 2 || ((uint8_t *)mic->value)[1] != (uint8_t)text->length)
		return fail(minor, GSS_S_BAD_MIC, TOY_BAD_TOKEN);
	return order((struct context *)handle, ((uint8_t *)mic->value)[0]);
}

#ifdef TOY_PARTS
static gss_iov_buffer_t
part(gss_iov_buffer_desc *iov, int count, OM_uint32 type)
{
	for (int i = 0; i < count; i++)
		if (GSS_IOV_BUFFER_TYPE(iov[i].type) == type)
			return &iov[i];
	return NULL;
}

/* One byte of header, none of the rest. */
OM_uint32 SHOWN
gss_wrap_iov_length(OM_uint32 *minor, gss_ctx_id_t handle, int conf, gss_qop_t qop, int *conf_state, gss_iov_buffer_desc *iov,
		    int count)
{
	*minor = 0;
	part(iov, count, GSS_IOV_BUFFER_TYPE_HEADER)->buffer.length = 1;
	return GSS_S_COMPLETE;
}

OM_uint32 SHOWN
gss_wrap_iov(OM_uint32 *minor, gss_ctx_id_t handle, int conf, gss_qop_t qop, int *conf_state, gss_iov_buffer_desc *iov,
	     int count)
{
	gss_buffer_t data = &part(iov, count, GSS_IOV_BUFFER_TYPE_DATA)->buffer;

	*minor = 0;
	*(uint8_t *)part(iov, count, GSS_IOV_BUFFER_TYPE_HEADER)->buffer.value = ((struct context *)handle)->sent++;
	mask(data->value, data->value, data->length);
	if (conf_state != NULL)
		*conf_state = 1;
	return GSS_S_COMPLETE;
}

OM_uint32 SHOWN
gss_unwrap_iov(OM_uint32 *minor, gss_ctx_id_t handle, int *conf_state, gss_qop_t *qop, gss_iov_buffer_desc *iov, int count)
{
	gss_buffer_t stream = &part(iov, count, GSS_IOV_BUFFER_TYPE_STREAM)->buffer;
	gss_iov_buffer_t data = part(iov, count, GSS_IOV_BUFFER_TYPE_DATA);
	OM_uint32 major;

	if (stream->length < 2)
		return fail(minor, GSS_S_DEFECTIVE_TOKEN, TOY_BAD_TOKEN);
	major = give(minor, (uint8_t *)stream->value + 1, stream->length - 1, &data->buffer);
	if (major != GSS_S_COMPLETE)
		return major;
	mask(data->buffer.value, data->buffer.value, data->buffer.length);
	data->type |= GSS_IOV_BUFFER_FLAG_ALLOCATED;
	return order((struct context *)handle, *(uint8_t *)stream->value);
}
#endif

/* ---- the table, laid out as gss_mech_initialize's callers expect it ---- */

#ifdef TOY_TABLE
static struct {
	gss_OID_desc mech_type;
	void *context;
	void *functions[71];
} table;

SHOWN void *gss_mech_initialize(const gss_OID oid);

void *
gss_mech_initialize(const gss_OID oid)
{
	static const struct {
		int place; /* its offset in the table: 24 + 8 * place */
		void *function;
	} rows[] = {
		{0, toy_acquire_cred}, {1, toy_release_cred}, {2, toy_init_sec_context}, {3, toy_accept_sec_context},
		{5, toy_delete_sec_context}, {6, toy_context_time}, {7, toy_get_mic}, {8, toy_verify_mic}, {9, toy_wrap},
		{10, toy_unwrap}, {11, toy_display_status}, {13, toy_compare_name}, {14, toy_display_name},
		{15, toy_import_name},
		{16, toy_release_name}, {17, toy_inquire_cred}, {19, toy_export_sec_context}, {20, toy_import_sec_context},
		{23, toy_inquire_context}, {25, toy_wrap_size_limit}, {56, toy_inquire_attrs_for_mech},
	};

	if (oid->length != TOY_OID_LEN || memcmp(oid->elements, OWN_OID, TOY_OID_LEN) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		table.functions[rows[i].place] = rows[i].function;
	return &table;
}
#endif
