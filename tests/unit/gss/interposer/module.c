/*
 * An interposer as small as one can be: it takes SAnon over, counts what it is called for, and has the mechanism behind
 * itself do it. Its handles are that one's.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define SELF "\x2b\x06\x01\x04\x01\x01"
#define SANON "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"

static gss_OID_desc sanon = {sizeof SANON - 1, (void *)SANON};
static gss_OID_desc behind = {sizeof SELF SANON - 1, (void *)SELF SANON};
static gss_OID_set_desc only_behind = {1, &behind};

/* For the test. */
EXPORT int interposer_calls;
EXPORT int interposer_wraps;
EXPORT OM_uint32 interposer_imports(gss_buffer_t token, gss_ctx_id_t *context);
EXPORT gss_OID_set gss_mech_interposer(gss_OID self);

gss_OID_set
gss_mech_interposer(gss_OID self)
{
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 minor;

	if (self->length != sizeof SELF - 1 || memcmp(self->elements, SELF, sizeof SELF - 1) != 0 ||
	    getenv("INTERPOSER_IS_IDLE") != NULL)
		return GSS_C_NO_OID_SET;
	/* Nothing to do, for want of memory, would be for good: one allocation of a test's may fail. */
	for (int i = 0; i < 2 && set == GSS_C_NO_OID_SET; i++)
		if (gss_create_empty_oid_set(&minor, &set) != GSS_S_COMPLETE ||
		    gss_add_oid_set_member(&minor, &sanon, &set) != GSS_S_COMPLETE)
			gss_release_oid_set(&minor, &set);
	return set;
}

/* Not the last thing it does: who calls is seen by where the call returns to. */
OM_uint32
interposer_imports(gss_buffer_t token, gss_ctx_id_t *context)
{
	OM_uint32 minor, major = gss_import_sec_context(&minor, token, context);

	interposer_calls++;
	return major;
}

EXPORT OM_uint32
gssi_import_name_by_mech(OM_uint32 *minor, gss_OID mech, gss_buffer_t text, gss_OID type, gss_name_t *name)
{
	gss_name_t plain;
	OM_uint32 major, unused;

	interposer_calls++;
	if (!gss_oid_equal(mech, &sanon))
		return GSS_S_BAD_MECH;
	if ((major = gss_import_name(minor, text, type, &plain)) != GSS_S_COMPLETE)
		return major;
	major = gss_canonicalize_name(minor, plain, &behind, name);
	gss_release_name(&unused, &plain);
	return major;
}

EXPORT OM_uint32
gssi_display_name(OM_uint32 *minor, gss_name_t name, gss_buffer_t text, gss_OID *type)
{
	return gss_display_name(minor, name, text, type);
}

EXPORT OM_uint32
gssi_release_name(OM_uint32 *minor, gss_name_t *name)
{
	return gss_release_name(minor, name);
}

EXPORT OM_uint32
gssi_acquire_cred_from(OM_uint32 *minor, gss_name_t name, OM_uint32 time, gss_OID_set mechs, gss_cred_usage_t usage,
		       gss_const_key_value_set_t store, gss_cred_id_t *cred, gss_OID_set *actual, OM_uint32 *time_rec)
{
	interposer_calls++;
	if (mechs == NULL || mechs->count != 1 || !gss_oid_equal(&mechs->elements[0], &sanon))
		return GSS_S_BAD_MECH;
	return gss_acquire_cred_from(minor, name, time, &only_behind, usage, store, cred, actual, time_rec);
}

EXPORT OM_uint32
gssi_release_cred(OM_uint32 *minor, gss_cred_id_t *cred)
{
	return gss_release_cred(minor, cred);
}

EXPORT OM_uint32
gssi_init_sec_context(OM_uint32 *minor, gss_cred_id_t cred, gss_ctx_id_t *context, gss_name_t target, gss_OID mech, OM_uint32 flags,
		      OM_uint32 time, gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *actual, gss_buffer_t out,
		      OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	interposer_calls++;
	if (!gss_oid_equal(mech, &sanon))
		return GSS_S_BAD_MECH;
	return gss_init_sec_context(minor, cred, context, target, &behind, flags, time, bindings, in, actual, out, ret_flags, time_rec);
}

EXPORT OM_uint32
gssi_accept_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_cred_id_t cred, gss_buffer_t in, gss_channel_bindings_t bindings,
			gss_name_t *name, gss_OID *mech, gss_buffer_t out, OM_uint32 *ret_flags, OM_uint32 *time_rec,
			gss_cred_id_t *delegated)
{
	interposer_calls++;
	return gss_accept_sec_context(minor, context, cred, in, bindings, name, mech, out, ret_flags, time_rec, delegated);
}

EXPORT OM_uint32
gssi_delete_sec_context(OM_uint32 *minor, gss_ctx_id_t *context, gss_buffer_t out)
{
	return gss_delete_sec_context(minor, context, out);
}

EXPORT OM_uint32
gssi_inquire_context(OM_uint32 *minor, gss_ctx_id_t context, gss_name_t *source, gss_name_t *target, OM_uint32 *lifetime, gss_OID *mech,
		     OM_uint32 *flags, int *is_local, int *is_open)
{
	interposer_calls++;
	return gss_inquire_context(minor, context, source, target, lifetime, mech, flags, is_local, is_open);
}

EXPORT OM_uint32
gssi_wrap(OM_uint32 *minor, gss_ctx_id_t context, int conf, gss_qop_t qop, gss_buffer_t text, int *conf_state, gss_buffer_t token)
{
	interposer_wraps++;
	return gss_wrap(minor, context, conf, qop, text, conf_state, token);
}

EXPORT OM_uint32
gssi_unwrap(OM_uint32 *minor, gss_ctx_id_t context, gss_buffer_t token, gss_buffer_t text, int *conf_state, gss_qop_t *qop)
{
	interposer_wraps++;
	return gss_unwrap(minor, context, token, text, conf_state, qop);
}

EXPORT OM_uint32
gssi_get_mic(OM_uint32 *minor, gss_ctx_id_t context, gss_qop_t qop, gss_buffer_t text, gss_buffer_t token)
{
	return gss_get_mic(minor, context, qop, text, token);
}

EXPORT OM_uint32
gssi_verify_mic(OM_uint32 *minor, gss_ctx_id_t context, gss_buffer_t text, gss_buffer_t token, gss_qop_t *qop)
{
	return gss_verify_mic(minor, context, text, token, qop);
}

/* One that has nothing of its contexts here until they are open can be asked nothing. */
EXPORT OM_uint32
gssi_inquire_sec_context_by_oid(OM_uint32 *minor, gss_ctx_id_t context, gss_OID what, gss_buffer_set_t *answer)
{
	int is_open;

	interposer_calls++;
	if (getenv("INTERPOSER_HAS_NOTHING") != NULL &&
	    (gss_inquire_context(minor, context, NULL, NULL, NULL, NULL, NULL, NULL, &is_open) != GSS_S_COMPLETE || !is_open))
		return GSS_S_UNAVAILABLE;
	return gss_inquire_sec_context_by_oid(minor, context, what, answer);
}

EXPORT OM_uint32
gssi_display_status(OM_uint32 *minor, OM_uint32 status, int type, gss_OID mech, OM_uint32 *context, gss_buffer_t text)
{
	return gss_display_status(minor, status, type, &behind, context, text);
}
