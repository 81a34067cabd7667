/*
 * A mechanism that is sloppy about exports, and completes with its first token. It needs no GSS-API library, and says nothing of the peer.
 */
#include "careless.h"

#include <gssapi/gssapi.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN int careless_live;
SHOWN enum careless_export careless_export;

SHOWN OM_uint32
gss_import_name(OM_uint32 *minor, gss_buffer_t text, gss_OID type, gss_name_t *out)
{
	*minor = 0;
	*out = calloc(1, 1);
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_display_name(OM_uint32 *minor, gss_name_t name, gss_buffer_t text, gss_OID *type)
{
	*minor = 0;
	text->value = strdup("somebody");
	text->length = 8;
	if (type != NULL)
		*type = GSS_C_NO_OID;
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_release_name(OM_uint32 *minor, gss_name_t *name)
{
	*minor = 0;
	free(*name);
	*name = GSS_C_NO_NAME;
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_init_sec_context(OM_uint32 *minor, gss_cred_id_t cred, gss_ctx_id_t *context, gss_name_t target, gss_OID mech, OM_uint32 flags,
		     OM_uint32 time, gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *actual, gss_buffer_t out,
		     OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	*minor = 0;
	*context = calloc(1, 1);
	careless_live++;
	out->value = strdup("token");
	out->length = 5;
	*ret_flags = GSS_C_TRANS_FLAG;
	*time_rec = GSS_C_INDEFINITE;
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_delete_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_buffer_t token)
{
	*minor = 0;
	free(*context);
	careless_live--;
	*context = GSS_C_NO_CONTEXT;
	return GSS_S_COMPLETE;
}

/* Never takes the context away, as it must. */
SHOWN OM_uint32
gss_export_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_buffer_t token)
{
	*minor = 0;
	*token = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
	if (careless_export == CARELESS_KEEPS) {
		token->value = strdup("exported");
		token->length = 8;
	}
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_import_sec_context(OM_uint32 *minor, gss_buffer_t token, gss_ctx_id_t *context)
{
	*minor = 0;
	if (token->length != 8 || memcmp(token->value, "exported", 8) != 0)
		return GSS_S_DEFECTIVE_TOKEN;
	*context = calloc(1, 1);
	careless_live++;
	return GSS_S_COMPLETE;
}
