#include <errno.h>

#include "base/err.h"
#include "gss/call.h"
#include "gss/status.h"

/*
 * The sentences of a status code are handed out one a call. message_context 0 begins. For a major status, 1 means that
 * the routine error is next; a larger one holds the supplementary bits that are left, shifted left by one. For a minor
 * status, 1 means that the hint is next.
 */
enum { CONTEXT_SECOND = 1 };

static const char bad_code[] = "An invalid status code was supplied";

static const char *const calling_texts[] = {
	NULL,
	"A required input parameter could not be read",
	"A required output parameter could not be written",
	"A parameter was malformed",
};

static const char *const routine_texts[] = {
	NULL,
	"An unsupported mechanism was requested",
	"An invalid name was supplied",
	"A supplied name was of an unsupported type",
	"Incorrect channel bindings were supplied",
	"An invalid status code was supplied",
	"A token had an invalid Message Integrity Check (MIC)",
	"No credentials were supplied, or the credentials were unavailable or inaccessible",
	"No context has been established",
	"Invalid token was supplied",
	"Invalid credential was supplied",
	"The referenced credential has expired",
	"The referenced context has expired",
	"Unspecified GSS failure.  Minor code may provide more information",
	"The quality-of-protection (QOP) requested could not be provided",
	"The operation is forbidden by local security policy",
	"The operation or option is not available or unsupported",
	"The requested credential element already exists",
	"The provided name was not mechanism specific (MN)",
	"An unknown mechanism attribute was requested",
};

static const char *const supplementary_texts[] = {
	"The routine must be called again to complete its function",
	"The token was a duplicate of an earlier token",
	"The token's validity period has expired",
	"A later token has already been processed",
	"An expected per-message token was not received",
};

static const char *
text_at(const char *const *texts, size_t num, size_t i)
{
	return i < num && texts[i] != NULL ? texts[i] : bad_code;
}

#define TEXT_AT(texts, i) text_at(texts, sizeof(texts) / sizeof(texts)[0], i)

/* The lowest bit set in bits, which are not 0. */
static unsigned
lowest(OM_uint32 bits)
{
	unsigned n = 0;

	while ((bits >> n & 1) == 0)
		n++;
	return n;
}

static const char *
major_sentence(OM_uint32 status, OM_uint32 *context)
{
	OM_uint32 calling = GSS_CALLING_ERROR_FIELD(status), routine = GSS_ROUTINE_ERROR_FIELD(status);
	OM_uint32 bits = GSS_SUPPLEMENTARY_INFO_FIELD(status);
	unsigned bit;

	if (status == GSS_S_COMPLETE) {
		*context = 0;
		return "The routine completed successfully";
	}
	if (*context == 0 && calling != 0) {
		*context = routine != 0 ? CONTEXT_SECOND : bits << 1;
		return TEXT_AT(calling_texts, calling);
	}
	if (*context <= CONTEXT_SECOND && routine != 0) {
		*context = bits << 1;
		return TEXT_AT(routine_texts, routine);
	}
	if (*context > CONTEXT_SECOND)
		bits = *context >> 1 & GSS_C_SUPPLEMENTARY_MASK;
	/* A context that this function did not give out. */
	if (bits == 0) {
		*context = 0;
		return bad_code;
	}
	bit = lowest(bits);
	*context = (bits & ~(1u << bit)) << 1;
	return TEXT_AT(supplementary_texts, bit);
}

static void
display_minor(struct bt_call *call, OM_uint32 status, OM_uint32 *context, gss_buffer_t out)
{
	char text[BT_STATUS_TEXT_MAX];
	const struct bt_mech *mech;
	const char *hint;
	int err;

	if (status == 0) {
		*context = 0;
		bt_call_give_text(call, bt_bytes_of_str("Unknown error"), out);
		return;
	}
	if (!bt_minor_find(status, &mech, &err)) {
		bt_call_refuse(call, GSS_S_BAD_STATUS, EINVAL);
		return;
	}
	hint = bt_err_hint(err);
	if (*context == CONTEXT_SECOND && hint != NULL) {
		*context = 0;
		bt_call_give_text(call, bt_bytes_of_str(hint), out);
		return;
	}
	/* Numbers that other libraries have too keep their one sentence: programs have seen no second one. */
	*context = hint != NULL && err >= BT_ERR_NOMEM ? CONTEXT_SECOND : 0;
	bt_status_text(mech, err, text);
	bt_call_give_text(call, bt_bytes_of_str(text), out);
}

/* mech_type is not needed: a minor status is unique among all mechanisms. */
OM_uint32
gss_display_status(OM_uint32 *minor_status, OM_uint32 status_value, int status_type, gss_OID mech_type,
		   OM_uint32 *message_context, gss_buffer_t status_string)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_empty(status_string);
	bt_call_wants(&call, message_context, 0);
	bt_call_wants(&call, status_string, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	if (status_type == GSS_C_GSS_CODE)
		bt_call_give_text(&call, bt_bytes_of_str(major_sentence(status_value, message_context)), status_string);
	else if (status_type == GSS_C_MECH_CODE)
		display_minor(&call, status_value, message_context, status_string);
	else
		bt_call_refuse(&call, GSS_S_BAD_STATUS, EINVAL);
	if (bt_call_failed(&call))
		*message_context = 0;
	return bt_call_end(&call);
}
