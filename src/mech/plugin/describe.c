#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "mech/plugin/operations.h"
#include "wire/der.h"

/* The text of one of the library's minor statuses. */
static void
error_text(const struct bt_mech *mech, int err, char *text, size_t text_len)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);
	gss_buffer_desc sentence = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor = 0, context = 0;
	size_t len;

	text[0] = '\0';
	if (plugin->table->gss_display_status == NULL)
		return;
	major = plugin->table->gss_display_status(&minor, (OM_uint32)err, GSS_C_MECH_CODE, bt_plugin_oid(plugin), &context,
						  &sentence);
	if (GSS_ERROR(major) == 0 && sentence.value != NULL) {
		len = sentence.length < text_len ? sentence.length : text_len - 1;
		memcpy(text, sentence.value, len);
		text[len] = '\0';
	}
	bt_plugin_buffer_free(&sentence);
}

int
bt_plugin_invoke(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);
	gss_OID_desc object = {(OM_uint32)what.len, (void *)(uintptr_t)what.ptr};
	gss_buffer_desc buffer = {len, value};
	OM_uint32 major, minor = 0;

	major = plugin->table->gssspi_mech_invoke(&minor, bt_plugin_oid(plugin), &object, &buffer);
	return GSS_ERROR(major) != 0 ? bt_plugin_fail(mech, major, minor) : 0;
}

/* ---- facts: asked once, kept for ever ---- */

static const struct bt_bytes *
ask_attributes(struct bt_plugin *plugin)
{
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 minor = 0;

	if (plugin->table->gss_inquire_attrs_for_mech != NULL)
		plugin->table->gss_inquire_attrs_for_mech(&minor, &plugin->oid, &set, NULL);
	return bt_plugin_oids_take(&set);
}

static const struct bt_bytes *
ask_name_types(struct bt_plugin *plugin)
{
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 minor = 0;

	if (plugin->table->gss_inquire_names_for_mech != NULL)
		plugin->table->gss_inquire_names_for_mech(&minor, &plugin->oid, &set);
	return bt_plugin_oids_take(&set);
}

/* NULL: no memory, or there is none. */
static const char *
take_text(gss_buffer_t from)
{
	const char *text = from->length != 0 ? bt_mem_strdup(from->value, from->length) : NULL;

	bt_plugin_buffer_free(from);
	return text;
}

/* The name of a mechanism that has none registered: "GS2-" and 55 bits of a hash of its OID, in base 32. RFC 5801 §3.1. */
static const char *
name_of_oid(struct bt_bytes oid)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t head[] = {BT_DER_OID, (uint8_t)oid.len}, hash[BT_CRYPTO_STATE_MAX];
	struct bt_crypto_digest digest;
	char name[] = "GS2-...........";
	uint64_t bits;

	bt_crypto_digest_init(&digest, &bt_crypto_sha1, bt_crypto_sha1.initial.bytes, 0);
	bt_crypto_digest_update(&digest, head, sizeof head);
	bt_crypto_digest_update(&digest, oid.ptr, oid.len);
	bt_crypto_digest_final(&digest, hash);
	bits = bt_load_be64(hash);
	for (size_t i = 4; i < sizeof name - 1; i++) {
		name[i] = digits[bits >> 59];
		bits <<= 5;
	}
	return bt_mem_strdup(name, sizeof name - 1);
}

/* RFC 5801. */
static void
ask_sasl_name(struct bt_plugin *plugin)
{
	gss_buffer_desc sasl = GSS_C_EMPTY_BUFFER, name = GSS_C_EMPTY_BUFFER, words = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor = 0;

	if (plugin->table->gss_inquire_saslname_for_mech != NULL)
		plugin->table->gss_inquire_saslname_for_mech(&minor, &plugin->oid, &sasl, &name, &words);
	if ((plugin->mech.sasl_name = take_text(&sasl)) == NULL)
		plugin->mech.sasl_name = name_of_oid(plugin->mech.oid);
	plugin->mech.short_name = take_text(&name);
	plugin->mech.description = take_text(&words);
}

/* Operations of which the library lacks the function, and that are asked for by being there. */
static void
leave_out(struct bt_plugin *plugin)
{
	struct bt_mech *mech = &plugin->mech;

	if (plugin->table->gssspi_authorize_localname == NULL)
		mech->name_may_use = NULL;
	if (plugin->table->gssspi_mech_invoke == NULL)
		mech->invoke = NULL;
	if (plugin->table->gss_get_name_attribute == NULL)
		mech->name_attribute = NULL;
}

void
bt_plugin_operate(struct bt_plugin *plugin)
{
	plugin->mech = (struct bt_mech){
		.is_loaded = true,
		.name_import = bt_plugin_name_import,
		.name_type = bt_plugin_name_type,
		.name_export = bt_plugin_name_export,
		.name_equal = bt_plugin_name_equal,
		.name_account = bt_plugin_name_account,
		.name_may_use = bt_plugin_name_may_use,
		.name_attributes = bt_plugin_name_attributes,
		.name_attribute = bt_plugin_name_attribute,
		.cred_acquire = bt_plugin_cred_acquire,
		.cred_inquire = bt_plugin_cred_inquire,
		.cred_free = bt_plugin_cred_free,
		.cred_store = bt_plugin_cred_store,
		.cred_impersonate = bt_plugin_cred_impersonate,
		.cred_set = bt_plugin_cred_set,
		.cred_ask = bt_plugin_cred_ask,
		.cred_export = bt_plugin_cred_export,
		.cred_import = bt_plugin_cred_import,
		.init = bt_plugin_init,
		.accept = bt_plugin_accept,
		.pending_save = bt_plugin_pending_save,
		.pending_load = bt_plugin_pending_load,
		.pending_free = bt_plugin_pending_free,
		.list_mic_is_due = bt_plugin_list_mic_is_due,
		.list_mic_make = bt_plugin_list_mic_make,
		.list_mic_check = bt_plugin_list_mic_check,
		.inquire = bt_plugin_inquire,
		.invoke = bt_plugin_invoke,
		.error_text = error_text,
	};
	leave_out(plugin);
}

/* All but its OID. */
static void
forget(struct bt_mech *mech)
{
	bt_mem_free((void *)(uintptr_t)mech->attributes);
	bt_mem_free((void *)(uintptr_t)mech->name_types);
	bt_mem_free((void *)(uintptr_t)mech->sasl_name);
	bt_mem_free((void *)(uintptr_t)mech->short_name);
	bt_mem_free((void *)(uintptr_t)mech->description);
	*mech = (struct bt_mech){.oid = mech->oid};
}

int
bt_plugin_describe(struct bt_plugin *plugin)
{
	const struct bt_bytes *attributes = ask_attributes(plugin), *name_types = ask_name_types(plugin);
	struct bt_bytes oid = plugin->mech.oid;

	bt_plugin_operate(plugin);
	plugin->mech.oid = oid;
	plugin->mech.attributes = attributes;
	plugin->mech.name_types = name_types;
	ask_sasl_name(plugin);
	if (attributes != NULL && name_types != NULL && plugin->mech.sasl_name != NULL)
		return 0;
	forget(&plugin->mech);
	return BT_ERR_NOMEM;
}
