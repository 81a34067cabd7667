#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stddef.h>

#include "mech/mech.h"

/* Programs compiled against other headers hand over structs of these layouts: 64-bit Linux, as MIT's library has them. */

#define LAYOUT(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#define PLACE(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")

LAYOUT(OM_uint32, 4);
LAYOUT(gss_qop_t, 4);
LAYOUT(gss_cred_usage_t, 4);

LAYOUT(gss_OID_desc, 16);
PLACE(gss_OID_desc, length, 0);
PLACE(gss_OID_desc, elements, 8);

LAYOUT(gss_OID_set_desc, 16);
PLACE(gss_OID_set_desc, count, 0);
PLACE(gss_OID_set_desc, elements, 8);

LAYOUT(gss_buffer_desc, 16);
PLACE(gss_buffer_desc, length, 0);
PLACE(gss_buffer_desc, value, 8);

LAYOUT(struct gss_channel_bindings_struct, 64);
PLACE(struct gss_channel_bindings_struct, initiator_addrtype, 0);
PLACE(struct gss_channel_bindings_struct, initiator_address, 8);
PLACE(struct gss_channel_bindings_struct, acceptor_addrtype, 24);
PLACE(struct gss_channel_bindings_struct, acceptor_address, 32);
PLACE(struct gss_channel_bindings_struct, application_data, 48);

LAYOUT(gss_buffer_set_desc, 16);
PLACE(gss_buffer_set_desc, count, 0);
PLACE(gss_buffer_set_desc, elements, 8);

LAYOUT(gss_iov_buffer_desc, 24);
PLACE(gss_iov_buffer_desc, type, 0);
PLACE(gss_iov_buffer_desc, buffer, 8);

LAYOUT(gss_key_value_element_desc, 16);
PLACE(gss_key_value_element_desc, key, 0);
PLACE(gss_key_value_element_desc, value, 8);

LAYOUT(gss_key_value_set_desc, 16);
PLACE(gss_key_value_set_desc, count, 0);
PLACE(gss_key_value_set_desc, elements, 8);

LAYOUT(gss_name_t, 8);
LAYOUT(gss_cred_id_t, 8);
LAYOUT(gss_ctx_id_t, 8);

/* The mechanisms' flags are the public ones. */
#define SAME(ours, public) _Static_assert((ours) == (public), #ours " is not " #public)

SAME(BT_CTX_DELEG, GSS_C_DELEG_FLAG);
SAME(BT_CTX_MUTUAL, GSS_C_MUTUAL_FLAG);
SAME(BT_CTX_REPLAY, GSS_C_REPLAY_FLAG);
SAME(BT_CTX_SEQUENCE, GSS_C_SEQUENCE_FLAG);
SAME(BT_CTX_CONF, GSS_C_CONF_FLAG);
SAME(BT_CTX_INTEG, GSS_C_INTEG_FLAG);
SAME(BT_CTX_ANON, GSS_C_ANON_FLAG);
SAME(BT_CTX_PROT_READY, GSS_C_PROT_READY_FLAG);
SAME(BT_CTX_TRANS, GSS_C_TRANS_FLAG);
SAME(BT_CTX_CHANNEL_BOUND, GSS_C_CHANNEL_BOUND_FLAG);
SAME(BT_CTX_DCE_STYLE, GSS_C_DCE_STYLE);
SAME(BT_CTX_IDENTIFY, GSS_C_IDENTIFY_FLAG);
SAME(BT_CTX_EXTENDED_ERROR, GSS_C_EXTENDED_ERROR_FLAG);
SAME(BT_CTX_DELEG_POLICY, GSS_C_DELEG_POLICY_FLAG);

SAME(BT_USAGE_BOTH, GSS_C_BOTH);
SAME(BT_USAGE_INITIATE, GSS_C_INITIATE);
SAME(BT_USAGE_ACCEPT, GSS_C_ACCEPT);
