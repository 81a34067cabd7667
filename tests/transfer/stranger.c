#include "stranger.h"

#include "support/self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

gss_OID_desc stranger_mech = { 10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e" };

void
stranger_establish(struct strangers *p)
{
	gss_buffer_desc text = { 12, (void *)"host@nowhere" }, there, back = GSS_C_EMPTY_BUFFER, none;
	gss_OID_set_desc only_sanon = { 1, &stranger_mech };
	gss_cred_id_t cred;
	gss_name_t target;
	OM_uint32 minor;

	*p = (struct strangers){ 0 };
	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target), GSS_S_COMPLETE);
	assert_int_equal(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &cred, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &p->i, target, &stranger_mech, GSS_C_ANON_FLAG, 0, NULL, &back, NULL,
					      &there, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&minor, &p->a, cred, &there, NULL, NULL, NULL, &back, NULL, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &p->i, target, &stranger_mech, GSS_C_ANON_FLAG, 0, NULL, &back, NULL,
					      &none, NULL, NULL),
			 GSS_S_COMPLETE);
	gss_release_buffer(&minor, &there);
	gss_release_buffer(&minor, &back);
	gss_release_cred(&minor, &cred);
	gss_release_name(&minor, &target);
}

void
stranger_finish(struct strangers *p)
{
	OM_uint32 minor;

	gss_delete_sec_context(&minor, &p->i, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &p->a, GSS_C_NO_BUFFER);
}

OM_uint32
stranger_export(struct strangers *p, const char *audience, gss_buffer_t token, OM_uint32 *minor)
{
	struct baton_transfer_options options = { .version = BATON_TRANSFER_OPTIONS_VERSION, .audience = audience };

	return baton_export_sec_context(minor, &p->a, &options, token);
}

/* An acceptor's end that was exported for an audience. */
void
stranger_token(struct strangers *p, const char *audience, gss_buffer_t token)
{
	OM_uint32 minor, major;

	stranger_establish(p);
	major = stranger_export(p, audience, token, &minor);
	if (major != GSS_S_COMPLETE)
		self_complain(audience, major, minor);
	assert_int_equal(major, GSS_S_COMPLETE);
	assert_null(p->a);
}

/* The failure is told, the token is none, and the context works on. */
void
stranger_refused(struct strangers *p, const char *audience, int error, const char *said)
{
	gss_buffer_desc token = { 7, &token }, text;
	OM_uint32 minor, unused, more = 0;

	assert_int_equal(stranger_export(p, audience, &token, &minor), GSS_S_FAILURE);
	assert_int_equal(minor, FIRST_MINOR + error);
	assert_int_equal(token.length, 0);
	assert_int_equal(gss_display_status(&unused, minor, GSS_C_MECH_CODE, &stranger_mech, &more, &text), GSS_S_COMPLETE);
	if (memmem(text.value, text.length, said, strlen(said)) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", (char *)text.value, said);
	gss_release_buffer(&unused, &text);
	assert_non_null(p->a);
	assert_true(self_send(p->i, p->a, "as before"));
	assert_true(self_send(p->a, p->i, "both ways"));
}

/* ---- importers ---- */

int
stranger_import(const gss_buffer_desc *token)
{
	gss_buffer_desc copy = *token;
	gss_ctx_id_t ctx;
	OM_uint32 minor;

	switch (gss_import_sec_context(&minor, &copy, &ctx)) {
	case GSS_S_COMPLETE:
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		return IMPORTED;
	case GSS_S_UNAUTHORIZED:
		return REFUSED;
	case GSS_S_NO_CONTEXT:
		return NONE;
	case GSS_S_DEFECTIVE_TOKEN:
		return DEFECTIVE;
	default:
		return OTHERWISE;
	}
}

int
stranger_status(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
stranger_in_child(int (*become)(void), const gss_buffer_desc *token)
{
	pid_t child = fork();

	if (child == 0)
		_exit(become != NULL && become() != 0 ? NOT_READY : stranger_import(token));
	return stranger_status(child);
}
