#include "witness.h"

#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN struct witness witness;

static void
keep(char to[static 32], gss_buffer_t from)
{
	snprintf(to, 32, "%.*s", (int)from->length, (char *)from->value);
}

static void *
object(void)
{
	return calloc(1, 1);
}

static OM_uint32
drop(OM_uint32 *minor, void *handle)
{
	*minor = 0;
	free(*(void **)handle);
	*(void **)handle = NULL;
	return GSS_S_COMPLETE;
}

/* Of names: what was set. */
static char *
new_name(void)
{
	witness.names++;
	return calloc(1, 32);
}

SHOWN OM_uint32
gss_import_name(OM_uint32 *minor, gss_buffer_t text, gss_OID type, gss_name_t *out)
{
	*minor = 0;
	*out = (gss_name_t)new_name();
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
gss_duplicate_name(OM_uint32 *minor, const gss_name_t name, gss_name_t *out)
{
	*minor = 0;
	*out = (gss_name_t)new_name();
	memcpy(*out, name, 32);
	return GSS_S_COMPLETE;
}

static OM_uint32
say(OM_uint32 *minor, const char *text, gss_buffer_t out)
{
	*minor = 0;
	out->value = strdup(text);
	out->length = strlen(text);
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_display_name_ext(OM_uint32 *minor, gss_name_t name, gss_OID type, gss_buffer_t text)
{
	keep(witness.type, &(gss_buffer_desc){type->length, type->elements});
	return say(minor, "in another way", text);
}

SHOWN OM_uint32
gss_export_name_composite(OM_uint32 *minor, gss_name_t name, gss_buffer_t out)
{
	return say(minor, (char *)name, out);
}

SHOWN OM_uint32
gss_set_name_attribute(OM_uint32 *minor, gss_name_t name, int complete, gss_buffer_t attribute, gss_buffer_t value)
{
	*minor = 77;
	witness.complete = complete;
	keep(witness.attribute, attribute);
	keep(witness.value_set, value);
	if (value->length == 0)
		return GSS_S_UNAUTHORIZED;
	snprintf((char *)name, 32, "%.*s", (int)value->length, (char *)value->value);
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_delete_name_attribute(OM_uint32 *minor, gss_name_t name, gss_buffer_t attribute)
{
	*minor = 0;
	keep(witness.attribute, attribute);
	((char *)name)[0] = '\0';
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_get_name_attribute(OM_uint32 *minor, gss_name_t name, gss_buffer_t attribute, int *authenticated, int *complete, gss_buffer_t value,
		       gss_buffer_t shown, int *more)
{
	char letter[2] = {0};

	*minor = 0;
	keep(witness.attribute, attribute);
	if (strcmp(witness.attribute, "local-login-user") != 0) {
		say(minor, "for people", shown);
		*more = 0;
		return say(minor, (char *)name, value);
	}
	if (*more < 0)
		*more = 0;
	if ((letter[0] = witness.vouched[*more]) == '\0')
		return GSS_S_UNAVAILABLE;
	*authenticated = letter[0] >= 'A' && letter[0] <= 'Z';
	*complete = 1;
	*more = witness.vouched[*more + 1] != '\0' ? *more + 1 : 0;
	return say(minor, letter, value);
}

SHOWN OM_uint32
gss_map_name_to_any(OM_uint32 *minor, gss_name_t name, int authenticated, gss_buffer_t type, gss_any_t *out)
{
	*minor = 0;
	witness.authenticated = authenticated;
	keep(witness.type, type);
	*out = (gss_any_t)(witness.object = object());
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_release_any_name_mapping(OM_uint32 *minor, gss_name_t name, gss_buffer_t type, gss_any_t *mapped)
{
	keep(witness.type, type);
	witness.object = NULL;
	return drop(minor, mapped);
}

SHOWN OM_uint32
gss_release_name(OM_uint32 *minor, gss_name_t *name)
{
	witness.names--;
	return drop(minor, name);
}

OM_uint32 SHOWN gssspi_authorize_localname(OM_uint32 *minor, gss_name_t name, gss_buffer_t user, gss_OID type);

OM_uint32
gssspi_authorize_localname(OM_uint32 *minor, gss_name_t name, gss_buffer_t user, gss_OID type)
{
	*minor = 0;
	keep(witness.account, user);
	return witness.answer;
}

SHOWN OM_uint32
gss_acquire_cred_from(OM_uint32 *minor, gss_name_t name, OM_uint32 time, gss_OID_set mechs, gss_cred_usage_t usage,
		      gss_const_key_value_set_t store, gss_cred_id_t *cred, gss_OID_set *actual, OM_uint32 *time_rec)
{
	*minor = 0;
	witness.usage = usage;
	if (store != NULL) {
		snprintf(witness.key, sizeof witness.key, "%s", store->elements[0].key);
		snprintf(witness.value, sizeof witness.value, "%s", store->elements[0].value);
	}
	*cred = object();
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_release_cred(OM_uint32 *minor, gss_cred_id_t *cred)
{
	return drop(minor, cred);
}

SHOWN OM_uint32
gss_store_cred_into(OM_uint32 *minor, gss_cred_id_t cred, gss_cred_usage_t usage, gss_OID mech, OM_uint32 overwrite, OM_uint32 dflt,
		    gss_const_key_value_set_t store, gss_OID_set *stored, gss_cred_usage_t *usage_stored)
{
	*minor = 0;
	witness.stored_usage = usage;
	witness.overwrites = overwrite;
	witness.becomes_default = dflt;
	if (store != NULL) {
		snprintf(witness.stored_key, sizeof witness.stored_key, "%s", store->elements[0].key);
		snprintf(witness.stored_value, sizeof witness.stored_value, "%s", store->elements[0].value);
	}
	return GSS_S_COMPLETE;
}

static void
see_leg(gss_cred_id_t cred, gss_channel_bindings_t bindings)
{
	witness.had_cred = cred != GSS_C_NO_CREDENTIAL;
	witness.has_bindings = bindings != NULL;
	if (bindings == NULL)
		return;
	witness.initiator_addrtype = bindings->initiator_addrtype;
	witness.acceptor_addrtype = bindings->acceptor_addrtype;
	keep(witness.bindings, &bindings->application_data);
	keep(witness.address, &bindings->acceptor_address);
}

SHOWN OM_uint32
gss_init_sec_context(OM_uint32 *minor, gss_cred_id_t cred, gss_ctx_id_t *context, gss_name_t target, gss_OID mech, OM_uint32 flags,
		     OM_uint32 time, gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *actual, gss_buffer_t out,
		     OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	static const char token[] = "\x60\x07\x06\x04\x2a\x03\x04\x06!";

	*minor = 0;
	witness.flags = flags;
	witness.lifetime = time;
	see_leg(cred, bindings);
	*context = object();
	out->length = sizeof token - 1;
	out->value = malloc(out->length);
	memcpy(out->value, token, out->length);
	*ret_flags = 0;
	*time_rec = GSS_C_INDEFINITE;
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_accept_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_cred_id_t cred, gss_buffer_t in, gss_channel_bindings_t bindings,
		       gss_name_t *src, gss_OID *mech, gss_buffer_t out, OM_uint32 *ret_flags, OM_uint32 *time_rec,
		       gss_cred_id_t *delegated)
{
	*minor = 0;
	see_leg(cred, bindings);
	*context = object();
	*src = (gss_name_t)new_name();
	*delegated = object();
	*ret_flags = GSS_C_DELEG_FLAG;
	*time_rec = GSS_C_INDEFINITE;
	return GSS_S_COMPLETE;
}

SHOWN OM_uint32
gss_delete_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_buffer_t token)
{
	return drop(minor, context);
}
