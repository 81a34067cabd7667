/*
 * Exported names, plain and with attributes. What is imported is a name of one mechanism, whose export is one spelling: imported again, it
 * equals the first, unless it is nobody's, and is exported in the same bytes.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include <stdbool.h>
#include <string.h>

#include "../wire/must.h"
#include "quiet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef OM_uint32 export_fn(OM_uint32 *minor, gss_name_t name, gss_buffer_t out);

static OM_uint32
export_plain(OM_uint32 *minor, gss_name_t name, gss_buffer_t out)
{
	return gss_export_name(minor, name, out);
}

static bool
is_anonymous(gss_name_t name)
{
	gss_buffer_desc text;
	OM_uint32 minor;
	gss_OID type;

	must(gss_display_name(&minor, name, &text, &type) == GSS_S_COMPLETE && text.value != NULL);
	gss_release_buffer(&minor, &text);
	return gss_oid_equal(type, GSS_C_NT_ANONYMOUS);
}

static void
goes_round(gss_name_t name, export_fn *export, gss_OID type)
{
	gss_buffer_desc once, twice;
	int is_mn = 0, is_equal = 0;
	OM_uint32 minor;
	gss_name_t again;

	must(export(&minor, name, &once) == GSS_S_COMPLETE);
	must(gss_import_name(&minor, &once, type, &again) == GSS_S_COMPLETE);
	must(gss_inquire_name(&minor, again, &is_mn, NULL, NULL) == GSS_S_COMPLETE && is_mn);
	must(gss_compare_name(&minor, name, again, &is_equal) == GSS_S_COMPLETE);
	must(is_equal != is_anonymous(name));
	must(export(&minor, again, &twice) == GSS_S_COMPLETE);
	must(once.length == twice.length && memcmp(once.value, twice.value, once.length) == 0);
	gss_release_buffer(&minor, &once);
	gss_release_buffer(&minor, &twice);
	gss_release_name(&minor, &again);
}

static void
try_as(gss_buffer_t input, gss_OID type)
{
	gss_name_t name;
	OM_uint32 minor;

	if (gss_import_name(&minor, input, type, &name) != GSS_S_COMPLETE) {
		must(name == GSS_C_NO_NAME);
		return;
	}
	goes_round(name, export_plain, GSS_C_NT_EXPORT_NAME);
	goes_round(name, gss_export_name_composite, GSS_C_NT_COMPOSITE_EXPORT);
	gss_release_name(&minor, &name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	gss_buffer_desc input = {len, (void *)(uintptr_t)data};

	try_as(&input, GSS_C_NT_EXPORT_NAME);
	try_as(&input, GSS_C_NT_COMPOSITE_EXPORT);
	return 0;
}
