#include "support/self.h"

#include <stdio.h>
#include <string.h>

bool
self_complain(const char *what, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text;
	OM_uint32 ignored, more = 0;

	fprintf(stderr, "%s: %08x", what, major);
	if (gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &text) == GSS_S_COMPLETE) {
		fprintf(stderr, " %.*s", (int)text.length, (char *)text.value);
		gss_release_buffer(&ignored, &text);
	}
	more = 0;
	if (gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &text) == GSS_S_COMPLETE) {
		fprintf(stderr, "; %u %.*s", minor, (int)text.length, (char *)text.value);
		gss_release_buffer(&ignored, &text);
	}
	fprintf(stderr, "\n");
	return false;
}

bool
self_establish(const char *service, OM_uint32 flags, gss_ctx_id_t *initiator, gss_ctx_id_t *acceptor)
{
	char name[128];
	gss_buffer_desc text = { (size_t)snprintf(name, sizeof(name), "%s@server.baton.test", service), name };
	gss_buffer_desc there = GSS_C_EMPTY_BUFFER, back = GSS_C_EMPTY_BUFFER;
	OM_uint32 major_i = GSS_S_CONTINUE_NEEDED, major_a = GSS_S_CONTINUE_NEEDED, minor, ignored;
	gss_name_t target = GSS_C_NO_NAME;
	bool ok = false;

	*initiator = *acceptor = GSS_C_NO_CONTEXT;
	if (gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target) != GSS_S_COMPLETE)
		return false;
	while (major_i == GSS_S_CONTINUE_NEEDED || major_a == GSS_S_CONTINUE_NEEDED) {
		if (major_i == GSS_S_CONTINUE_NEEDED) {
			major_i = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, initiator, target, GSS_C_NO_OID, flags, 0,
						       GSS_C_NO_CHANNEL_BINDINGS, &back, NULL, &there, NULL, NULL);
			gss_release_buffer(&ignored, &back);
			if (GSS_ERROR(major_i)) {
				self_complain("init", major_i, minor);
				goto out;
			}
		}
		if (major_a == GSS_S_CONTINUE_NEEDED) {
			major_a = gss_accept_sec_context(&minor, acceptor, GSS_C_NO_CREDENTIAL, &there, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL,
							 &back, NULL, NULL, NULL);
			gss_release_buffer(&ignored, &there);
			if (GSS_ERROR(major_a)) {
				self_complain("accept", major_a, minor);
				goto out;
			}
		}
	}
	ok = true;
out:
	gss_release_name(&ignored, &target);
	gss_release_buffer(&ignored, &there);
	gss_release_buffer(&ignored, &back);
	if (!ok) {
		gss_delete_sec_context(&ignored, initiator, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&ignored, acceptor, GSS_C_NO_BUFFER);
	}
	return ok;
}

bool
self_send(gss_ctx_id_t from, gss_ctx_id_t to, const char *text)
{
	gss_buffer_desc in = { strlen(text), (void *)text }, token = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored;
	bool ok;

	major = gss_wrap(&minor, from, 1, GSS_C_QOP_DEFAULT, &in, NULL, &token);
	if (major != GSS_S_COMPLETE)
		return self_complain("wrap", major, minor);
	major = gss_unwrap(&minor, to, &token, &out, NULL, NULL);
	gss_release_buffer(&ignored, &token);
	if (major != GSS_S_COMPLETE)
		self_complain("unwrap", major, minor);
	ok = major == GSS_S_COMPLETE && out.length == in.length && memcmp(out.value, in.value, in.length) == 0;
	gss_release_buffer(&ignored, &out);
	return ok;
}
