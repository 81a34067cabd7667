#include "gss/call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gss/mechs.h"
#include "gss/status.h"
#include "mech/plugin/plugin.h"

struct bt_call
bt_call_begin(OM_uint32 *minor_status)
{
	struct bt_call call = {.minor_status = minor_status};

	if (minor_status != NULL)
		*minor_status = 0;
	else
		call.major = GSS_S_CALL_INACCESSIBLE_WRITE;
	return call;
}

struct bt_call
bt_call_begin_release(OM_uint32 *minor_status)
{
	struct bt_call call = bt_call_begin(minor_status);

	call.major = GSS_S_COMPLETE;
	return call;
}

OM_uint32
bt_call_end(const struct bt_call *call)
{
	if (call->has_minor && call->minor_status != NULL)
		*call->minor_status = bt_minor_publish(call->mech, call->err);
	return call->major;
}

void
bt_call_refuse(struct bt_call *call, OM_uint32 major, int err)
{
	if (bt_call_failed(call))
		return;
	call->major = major;
	call->err = err;
	call->mech = NULL;
	call->has_minor = err != 0;
}

void
bt_call_refuse_as(struct bt_call *call, const struct bt_mech *mech, OM_uint32 major, int err)
{
	if (bt_call_failed(call))
		return;
	call->major = major;
	call->err = err;
	/* A negotiation has no numbers of its own: they are those of what it tried, as they would have been without it. */
	call->mech = mech != NULL && bt_mechs_negotiates(mech) ? bt_mechs_default() : mech;
	call->has_minor = true;
}

void
bt_call_error_else(struct bt_call *call, const struct bt_mech *mech, int err, OM_uint32 otherwise)
{
	const struct bt_mech *whose;
	OM_uint32 major, minor;

	if (err == 0)
		return;
	/* A loaded mechanism's library has said both, whatever called it. */
	if (bt_plugin_failure(err, &whose, &major, &minor))
		bt_call_refuse_as(call, whose, major, (int)minor);
	else
		bt_call_refuse_as(call, mech, bt_status_major(err, otherwise), bt_status_minor(err));
}

void
bt_call_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	bt_call_error_else(call, mech, err, GSS_S_FAILURE);
}

void
bt_call_mic_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	if (err == BT_ERR_BAD_MIC)
		bt_call_refuse_as(call, mech, GSS_S_BAD_MIC, 0);
	bt_call_error(call, mech, err);
}

void
bt_call_add_order(struct bt_call *call, const struct bt_mech *mech, enum bt_msg_order order)
{
	static const OM_uint32 bits[] = {
		[BT_MSG_IN_ORDER] = 0,
		[BT_MSG_DUPLICATE] = GSS_S_DUPLICATE_TOKEN,
		[BT_MSG_OLD] = GSS_S_OLD_TOKEN,
		[BT_MSG_UNSEQ] = GSS_S_UNSEQ_TOKEN,
		[BT_MSG_GAP] = GSS_S_GAP_TOKEN,
	};

	if (order != BT_MSG_IN_ORDER)
		bt_call_refuse_as(call, mech, bits[order], 0);
}

void
bt_call_wants(struct bt_call *call, const void *output, OM_uint32 routine_error)
{
	if (output == NULL)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_WRITE | routine_error, 0);
}

struct bt_bytes
bt_call_input(struct bt_call *call, gss_const_buffer_t buffer, OM_uint32 routine_error)
{
	if (buffer == NULL || (buffer->value == NULL && buffer->length != 0)) {
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | routine_error, 0);
		return (struct bt_bytes){0};
	}
	return bt_bytes_of(buffer->value, buffer->length);
}

struct bt_bytes
bt_call_input_filled(struct bt_call *call, gss_const_buffer_t buffer, OM_uint32 routine_error)
{
	struct bt_bytes bytes = bt_call_input(call, buffer, routine_error);

	if (bytes.len == 0)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | routine_error, 0);
	return bytes;
}

struct bt_bytes
bt_call_input_optional(struct bt_call *call, gss_const_buffer_t buffer)
{
	return buffer != NULL ? bt_call_input(call, buffer, 0) : (struct bt_bytes){0};
}

void
bt_call_versioned(struct bt_call *call, void *structure, size_t size, uint32_t version)
{
	uint32_t known = 0;

	bt_call_wants(call, structure, 0);
	if (structure == NULL)
		return;
	memcpy(&known, structure, sizeof known);
	if (known != version) {
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE, BT_ERR_BAD_STRUCTURE);
		return;
	}
	memset((char *)structure + sizeof known, 0, size - sizeof known);
}

struct bt_bytes
bt_call_oid(struct bt_call *call, gss_const_OID oid)
{
	if (oid == NULL || oid->elements == NULL || oid->length == 0) {
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
		return (struct bt_bytes){0};
	}
	return bt_bytes_of(oid->elements, oid->length);
}

const struct bt_mech *
bt_call_mech(struct bt_call *call, gss_const_OID oid, struct bt_bytes *wire_oid)
{
	struct bt_bytes wanted = bt_mechs_default()->oid;
	const struct bt_mech *mech;

	if (oid != NULL)
		wanted = bt_bytes_of(oid->elements, oid->elements != NULL ? oid->length : 0);
	if ((mech = bt_mechs_find(wanted, wire_oid)) == NULL)
		bt_call_refuse(call, GSS_S_BAD_MECH, 0);
	return mech;
}

void
bt_call_give(const struct bt_call *call, struct bt_buf *from, gss_buffer_t out)
{
	if (bt_call_failed(call) || out == NULL) {
		bt_buf_free(from);
		return;
	}
	out->length = from->len;
	out->value = from->ptr;
	*from = (struct bt_buf){0};
}

void
bt_call_give_text(struct bt_call *call, struct bt_bytes text, gss_buffer_t out)
{
	char *copy;

	if (bt_call_failed(call) || out == NULL)
		return;
	/* The NUL after the end is for programs that print a value as it is. */
	if ((copy = bt_mem_strdup((const char *)text.ptr, text.len)) == NULL) {
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	out->length = text.len;
	out->value = copy;
}

OM_uint32
bt_call_lifetime_s(int64_t expires_at)
{
	int64_t left;

	if (expires_at == BT_CTX_NEVER)
		return GSS_C_INDEFINITE;
	left = expires_at - bt_clock_wall_s();
	if (left <= 0)
		return 0;
	return left < GSS_C_INDEFINITE ? (OM_uint32)left : GSS_C_INDEFINITE - 1;
}
