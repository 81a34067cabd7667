/*
 * call - the frame that every public function stands in.
 *
 * A public function empties its outputs, looks at its arguments in their order, does one thing, and ends. The frame
 * remembers the first failure; what comes after it changes nothing. minor_status is written in one place, bt_call_end.
 *
 * Two kinds of failure: the library's own (mech NULL), and a mechanism's, whose error numbers are told apart from other
 * mechanisms' by the map in minor.c. Frames live on the stack of one call and are not shared.
 */
#ifndef BT_GSS_CALL_H
#define BT_GSS_CALL_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "mech/mech.h"

/*
 * Before a function after which a secret should be gone, or is about to be: what a call may leave in registers is zero when it
 * returns. Keys are copied through them, and the dynamic linker saves them on the stack when a program calls something else.
 */
#if __has_attribute(zero_call_used_regs)
#define BT_CALL_ZEROES_REGISTERS __attribute__((zero_call_used_regs("all")))
#else
#define BT_CALL_ZEROES_REGISTERS
#endif

struct bt_call {
	OM_uint32 *minor_status;    /* the caller's; may be NULL, and then major says so */
	OM_uint32 major;
	int err;                    /* what the minor status is made of */
	const struct bt_mech *mech; /* whose number err is; NULL: the library's own */
	bool has_minor;             /* err is to be shown, even if it is 0 */
};

/* bt_call_begin - *minor_status becomes 0; NULL is the first failure. */
struct bt_call bt_call_begin(OM_uint32 *minor_status);

/* bt_call_begin_release - the same for calls that free a buffer or a set: programs give them no minor_status, and it works. */
struct bt_call bt_call_begin_release(OM_uint32 *minor_status);

/* bt_call_end - write the minor status. Returns the major status. */
OM_uint32 bt_call_end(const struct bt_call *call);

static inline bool
bt_call_failed(const struct bt_call *call)
{
	return GSS_ERROR(call->major) != 0;
}

/* ---- failures; each does nothing if there was one before ---- */

/* bt_call_refuse - a failure of the library's own. err 0: the minor status stays 0. */
void bt_call_refuse(struct bt_call *call, OM_uint32 major, int err);

/* bt_call_refuse_as - a failure in a mechanism's name. err 0 is shown as a number whose text is "Success". */
void bt_call_refuse_as(struct bt_call *call, const struct bt_mech *mech, OM_uint32 major, int err);

/* bt_call_error - what err means by the table in status.c; GSS_S_FAILURE if that does not list it. err 0: nothing happened. */
void bt_call_error(struct bt_call *call, const struct bt_mech *mech, int err);

/* bt_call_error_else - as bt_call_error, with another major status for what the table does not list. */
void bt_call_error_else(struct bt_call *call, const struct bt_mech *mech, int err, OM_uint32 otherwise);

/* bt_call_mic_error - bt_call_error for the calls that verify a MIC, whose wrong MIC has no number. */
void bt_call_mic_error(struct bt_call *call, const struct bt_mech *mech, int err);

/* bt_call_add_order - the supplementary bits for where a received message stands. RFC 2743 §1.2.3. */
void bt_call_add_order(struct bt_call *call, const struct bt_mech *mech, enum bt_msg_order order);

/* ---- arguments ---- */

/* bt_call_wants - a required output (or in-out) argument. routine_error is or'ed in if it is NULL. */
void bt_call_wants(struct bt_call *call, const void *output, OM_uint32 routine_error);

/* bt_call_input - a view of an input buffer, which may be empty but not NULL, nor have a length without a value. */
struct bt_bytes bt_call_input(struct bt_call *call, gss_const_buffer_t buffer, OM_uint32 routine_error);

/* bt_call_input_filled - as bt_call_input; empty is a failure too. */
struct bt_bytes bt_call_input_filled(struct bt_call *call, gss_const_buffer_t buffer, OM_uint32 routine_error);

/* bt_call_input_optional - NULL counts as empty. */
struct bt_bytes bt_call_input_optional(struct bt_call *call, gss_const_buffer_t buffer);

/* bt_call_oid - a view of a required OID. */
struct bt_bytes bt_call_oid(struct bt_call *call, gss_const_OID oid);

/* bt_call_mech - the mechanism of an OID, NULL for the default one. Failure: GSS_S_BAD_MECH. wire_oid may be NULL. */
const struct bt_mech *bt_call_mech(struct bt_call *call, gss_const_OID oid, struct bt_bytes *wire_oid);

/*
 * bt_call_versioned - a required structure of size bytes that begins with the version the caller knows, which stays; the rest is emptied.
 * Versions only ever add members: a caller of a later one than this library's is refused.
 */
void bt_call_versioned(struct bt_call *call, void *structure, size_t size, uint32_t version);

/* ---- handles; what they are is in handle.h ---- */

/* bt_call_context - the context behind a handle, in any stage, to be asked for what it is. NULL: failed. */
struct bt_ctx *bt_call_context(struct bt_call *call, gss_ctx_id_t handle);

/*
 * bt_call_context_to_use - the same, to protect messages with it, move it, or hand out its keys: of the processes that a fork has
 * made of one, only the first to ask for it gets it from then on. NULL: failed.
 */
struct bt_ctx *bt_call_context_to_use(struct bt_call *call, gss_ctx_id_t handle);

/*
 * bt_call_give_context - before a context that is to be used leaves this process: it is lost to copies that a fork has made meanwhile, too.
 * bt_claim_own_keep, if it stays.
 */
void bt_call_give_context(struct bt_call *call, gss_ctx_id_t handle);

/* bt_call_msg - its per-message side, if it is open and the quality of protection is the default one. NULL: failed. */
struct bt_msg *bt_call_msg(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t qop);

/* bt_call_name - a name that was given. NULL: failed. */
struct gss_name_struct *bt_call_name(struct bt_call *call, gss_const_name_t name);

/* bt_call_cred - a credential; NULL also if none was given, which is no failure. */
struct gss_cred_id_struct *bt_call_cred(struct bt_call *call, gss_const_cred_id_t cred);

/* ---- outputs; all take NULL for an output that the caller does not want ---- */

static inline void
bt_call_empty(gss_buffer_t out)
{
	if (out != NULL)
		*out = (gss_buffer_desc){0};
}

static inline void
bt_call_empty_u32(OM_uint32 *out)
{
	if (out != NULL)
		*out = 0;
}

static inline void
bt_call_empty_int(int *out)
{
	if (out != NULL)
		*out = 0;
}

static inline void
bt_call_empty_oid(gss_OID *out)
{
	if (out != NULL)
		*out = GSS_C_NO_OID;
}

static inline void
bt_call_empty_oid_set(gss_OID_set *out)
{
	if (out != NULL)
		*out = GSS_C_NO_OID_SET;
}

/* bt_call_give - move bytes to an output, or free them if the call has failed or nobody wants them. */
void bt_call_give(const struct bt_call *call, struct bt_buf *from, gss_buffer_t out);

/* bt_call_give_text - a copy of text, without its NUL. Failure: no memory. */
void bt_call_give_text(struct bt_call *call, struct bt_bytes text, gss_buffer_t out);

/* bt_call_lifetime_s - seconds from now to a time: 0 if it is past, GSS_C_INDEFINITE for BT_CTX_NEVER. */
OM_uint32 bt_call_lifetime_s(int64_t expires_at);

#endif
