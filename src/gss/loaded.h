/*
 * loaded - the other of the two ways in which an open context does its work: the library of its mechanism is asked.
 *
 * Who protects messages by RFC 4121 has ctx->msg and never comes here. Arguments were looked at before, outputs are empty;
 * each function makes the one call and says by the frame how it went, in the library's own words. What a library lacks is
 * done with what it has where MIT's library does so too, and else is GSS_S_UNAVAILABLE.
 */
#ifndef BT_GSS_LOADED_H
#define BT_GSS_LOADED_H

#include <gssapi/gssapi_ext.h>

#include "gss/call.h"
#include "gss/handle.h"
#include "mech/plugin/table.h"

/* bt_gss_is_loaded - is it a library's context that the call is about? ctx may be NULL if the call has failed. */
static inline bool
bt_gss_is_loaded(const struct bt_call *call, const struct bt_ctx *ctx)
{
	return !bt_call_failed(call) && ctx->msg == NULL && ctx->mech->is_loaded;
}

/* bt_gss_loaded_table - its functions, and its own context, which may be none yet. NULL: failed. */
const struct bt_plugin_table *bt_gss_loaded_table(struct bt_call *call, const struct bt_ctx *ctx, gss_ctx_id_t **own);

/*
 * bt_gss_loaded_answer - what a library answered; by address, so that it is read after the call. A success may have
 * supplementary bits.
 */
void bt_gss_loaded_answer(struct bt_call *call, const struct bt_ctx *ctx, OM_uint32 major, const OM_uint32 *minor);

void bt_gss_loaded_wrap(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, gss_buffer_t text,
			int *conf_state, gss_buffer_t token);
void bt_gss_loaded_unwrap(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token, gss_buffer_t text,
			  int *conf_state, gss_qop_t *qop_state);
void bt_gss_loaded_get_mic(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t qop, gss_buffer_t text,
			   gss_buffer_t token);
void bt_gss_loaded_verify_mic(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t text, gss_buffer_t token,
			      gss_qop_t *qop_state);
void bt_gss_loaded_size_limit(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, OM_uint32 output_size,
			      OM_uint32 *max_input_size);

/* associated may be NULL. */
void bt_gss_loaded_wrap_aead(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, gss_buffer_t associated,
			     gss_buffer_t text, int *conf_state, gss_buffer_t token);
void bt_gss_loaded_unwrap_aead(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token, gss_buffer_t associated,
			       gss_buffer_t text, int *conf_state, gss_qop_t *qop_state);

/* is_length: only the lengths are asked for. */
void bt_gss_loaded_wrap_iov(struct bt_call *call, const struct bt_ctx *ctx, bool is_length, int conf, gss_qop_t qop,
			    int *conf_state, gss_iov_buffer_desc *iov, int num_iov);
void bt_gss_loaded_unwrap_iov(struct bt_call *call, const struct bt_ctx *ctx, int *conf_state, gss_qop_t *qop_state,
			      gss_iov_buffer_desc *iov, int num_iov);
void bt_gss_loaded_get_mic_iov(struct bt_call *call, const struct bt_ctx *ctx, bool is_length, gss_qop_t qop,
			       gss_iov_buffer_desc *iov, int num_iov);
void bt_gss_loaded_verify_mic_iov(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t *qop_state,
				  gss_iov_buffer_desc *iov, int num_iov);

void bt_gss_loaded_prf(struct bt_call *call, const struct bt_ctx *ctx, int key, gss_buffer_t input, ssize_t output_len,
		       gss_buffer_t out);
void bt_gss_loaded_process_token(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token);
void bt_gss_loaded_time(struct bt_call *call, const struct bt_ctx *ctx, OM_uint32 *time_rec);
void bt_gss_loaded_set_option(struct bt_call *call, struct bt_ctx *ctx, gss_OID what, gss_buffer_t value);
void bt_gss_loaded_complete(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t message);

/*
 * Names, RFC 6680: each of a loaded mechanism. What a library lacks is GSS_S_UNAVAILABLE.
 * bt_gss_loaded_translates   shows it a name as one of another type? name may be of no mechanism
 * set, delete                only this handle's name changes, whoever it was shared with
 */
bool bt_gss_loaded_translates(const struct gss_name_struct *name);
void bt_gss_loaded_display_ext(struct bt_call *call, const struct gss_name_struct *name, gss_OID type, gss_buffer_t out);
void bt_gss_loaded_export_composite(struct bt_call *call, const struct gss_name_struct *name, gss_buffer_t out);
void bt_gss_loaded_set_attribute(struct bt_call *call, struct gss_name_struct *name, int complete, gss_buffer_t attribute,
				 gss_buffer_t value);
void bt_gss_loaded_delete_attribute(struct bt_call *call, struct gss_name_struct *name, gss_buffer_t attribute);
void bt_gss_loaded_map(struct bt_call *call, const struct gss_name_struct *name, int authenticated, gss_buffer_t type,
		       gss_any_t *out);
void bt_gss_loaded_unmap(struct bt_call *call, const struct gss_name_struct *name, gss_buffer_t type, gss_any_t *object);

/*
 * What a library says of its context. Names are asked for if the program wants them: there are libraries that fall over
 * others.
 */
struct bt_gss_loaded_facts {
	struct bt_mn *initiator, *acceptor; /* the caller frees them; NULL: not known */
	OM_uint32 lifetime_s, flags;
	int is_open;
};
void bt_gss_loaded_inquire(struct bt_call *call, const struct bt_ctx *ctx, bool wants_initiator, bool wants_acceptor,
			   struct bt_gss_loaded_facts *out);

#endif
