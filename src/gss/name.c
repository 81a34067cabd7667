#include "base/mem.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/mechs.h"
#include "gss/oids.h"
#include "wire/frame.h"

/*
 * A name keeps what it was imported from, because only the mechanism that uses it later knows how to read that. A
 * mechanism name ("MN") has the mechanism's form instead. One that is a negotiation's keeps both: it is exported as an MN, and
 * what the negotiation comes out at reads the text.
 */

static struct gss_name_struct *
new_name(struct bt_bytes text, struct bt_bytes type)
{
	struct gss_name_struct *name = bt_mem_alloc(sizeof *name + text.len + type.len);
	uint8_t *behind;

	if (name == NULL)
		return NULL;
	behind = (uint8_t *)(name + 1);
	name->magic = BT_HANDLE_NAME;
	if (type.len != 0 && (name->type = bt_oid_static(type)) == NULL) {
		memcpy(behind, type.ptr, type.len);
		name->own_type = (gss_OID_desc){(OM_uint32)type.len, behind};
		name->type = &name->own_type;
	}
	if (text.len != 0)
		memcpy(behind + type.len, text.ptr, text.len);
	name->text = bt_bytes_of(behind + type.len, text.len);
	return name;
}

/* A mechanism's form of a name that was imported as something else. */
static gss_name_t
mn_of(const struct gss_name_struct *name, const struct bt_mech *mech, struct bt_mn *mn)
{
	gss_name_t new = bt_name_of_mn(mech, mn);

	/* For gss_display_name_ext. */
	if (new != NULL && name->type != GSS_C_NO_OID)
		new->type = bt_oid_static(bt_oid_view(name->type));
	return new;
}

gss_name_t
bt_name_of_mn(const struct bt_mech *mech, struct bt_mn *mn)
{
	struct gss_name_struct *name;

	if (mn == NULL || (name = new_name((struct bt_bytes){0}, (struct bt_bytes){0})) == NULL)
		return NULL;
	name->mech = mech;
	name->mn = bt_mn_share(mn);
	return name;
}

struct gss_name_struct *
bt_call_name(struct bt_call *call, gss_const_name_t name)
{
	if (name == NULL)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_BAD_NAME, 0);
	else if (name->magic != BT_HANDLE_NAME)
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE | GSS_S_BAD_NAME, 0);
	return bt_call_failed(call) ? NULL : (struct gss_name_struct *)(uintptr_t)name;
}

static struct gss_name_struct *
name_of_negotiator(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type)
{
	struct gss_name_struct *name = new_name(text, type);

	if (name != NULL)
		name->negotiator = mech;
	return name;
}

/* Text and type as gss_display_name shows them. */
static struct bt_bytes
text_of(const struct gss_name_struct *name)
{
	return name->mn != NULL ? bt_bytes_of_str(name->mn->text) : name->text;
}

static struct bt_bytes
type_of(const struct gss_name_struct *name)
{
	return name->mn != NULL ? name->mech->name_type(name->mn) : bt_oid_view(name->type);
}

int
bt_name_to_mn(const struct gss_name_struct *name, const struct bt_mech *mech, struct bt_mn **out)
{
	*out = NULL;
	if (name->mech == mech) {
		*out = bt_mn_share(name->mn);
		return 0;
	}
	return mech->name_import(mech, text_of(name), type_of(name), out);
}

/* Whoever exported it, a program brought it here, so nobody vouches for the attributes. */
static int
add_attributes(struct bt_mn **mn, struct bt_bytes attributes)
{
	struct bt_mn *with = bt_mn_with_attributes(*mn, attributes, false);

	if (with == NULL)
		return BT_ERR_NOMEM;
	bt_mn_free(*mn);
	*mn = with;
	return 0;
}

/* An exported name says whose it is. RFC 2743 §3.2, RFC 6680 §7.8. */
static gss_name_t
import_exported(struct bt_call *call, struct bt_bytes exported)
{
	struct bt_bytes oid, text, type = bt_oid_view(&bt_oids[BT_OID_NT_EXPORT_NAME]), attributes = {0};
	bool is_composite;
	const struct bt_mech *mech;
	struct bt_mn *mn = NULL;
	gss_name_t name = NULL;

	is_composite = bt_frame_read_name(exported, &oid, &text) != 0;
	if (is_composite && bt_frame_read_composite(exported, &oid, &text, &attributes) != 0) {
		bt_call_refuse(call, GSS_S_BAD_NAME, 0);
		return NULL;
	}
	if ((mech = bt_mechs_find(oid, NULL)) == NULL) {
		bt_call_refuse(call, GSS_S_BAD_MECH, 0);
		return NULL;
	}
	if (bt_mechs_negotiates(mech)) {
		if ((name = name_of_negotiator(mech, text, (struct bt_bytes){0})) == NULL)
			bt_call_error(call, NULL, BT_ERR_NOMEM);
		return name;
	}
	/* A library reads it as a whole. */
	if (mech->is_loaded) {
		text = exported;
		attributes = (struct bt_bytes){0};
		if (is_composite)
			type = bt_oid_view(&bt_oids[BT_OID_NT_COMPOSITE_EXPORT]);
	}
	bt_call_error_else(call, mech, mech->name_import(mech, text, type, &mn), GSS_S_BAD_NAME);
	if (!bt_call_failed(call) && attributes.len != 0)
		bt_call_error(call, NULL, add_attributes(&mn, attributes));
	if (!bt_call_failed(call) && (name = bt_name_of_mn(mech, mn)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	bt_mn_free(mn);
	return name;
}

OM_uint32
gss_import_name(OM_uint32 *minor_status, gss_buffer_t input_name_buffer, gss_OID input_name_type, gss_name_t *output_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes text, type = bt_oid_view(input_name_type);
	gss_name_t name = NULL;

	if (output_name != NULL)
		*output_name = GSS_C_NO_NAME;
	bt_call_wants(&call, output_name, 0);
	/* The one name without a text. */
	if (bt_bytes_equal(type, bt_oid_view(&bt_oids[BT_OID_NT_ANONYMOUS])))
		text = bt_call_input_optional(&call, input_name_buffer);
	else if ((text = bt_call_input(&call, input_name_buffer, GSS_S_BAD_NAME)).len == 0)
		bt_call_refuse(&call, GSS_S_BAD_NAME, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	if (bt_bytes_equal(type, bt_oid_view(&bt_oids[BT_OID_NT_EXPORT_NAME])) ||
	    bt_bytes_equal(type, bt_oid_view(&bt_oids[BT_OID_NT_COMPOSITE_EXPORT])))
		name = import_exported(&call, text);
	else if ((name = new_name(text, type)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	*output_name = name;
	return bt_call_end(&call);
}

OM_uint32
gss_display_name(OM_uint32 *minor_status, gss_name_t input_name, gss_buffer_t output_name_buffer, gss_OID *output_name_type)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *name;

	bt_call_empty(output_name_buffer);
	bt_call_empty_oid(output_name_type);
	bt_call_wants(&call, output_name_buffer, 0);
	name = bt_call_name(&call, input_name);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_call_give_text(&call, text_of(name), output_name_buffer);
	if (!bt_call_failed(&call) && output_name_type != NULL)
		*output_name_type = name->mn != NULL ? bt_oid_static(type_of(name)) : name->type;
	return bt_call_end(&call);
}

static bool
is_anonymous(const struct gss_name_struct *name)
{
	if (name->mn != NULL)
		return name->mn->is_anonymous;
	return bt_bytes_equal(type_of(name), bt_oid_view(&bt_oids[BT_OID_NT_ANONYMOUS]));
}

/* As the mechanism of one of them sees both; a name it cannot read is not the same name. */
static bool
is_equal_for(const struct bt_mech *mech, const struct gss_name_struct *a, const struct gss_name_struct *b)
{
	struct bt_mn *x = NULL, *y = NULL;
	bool equal = bt_name_to_mn(a, mech, &x) == 0 && bt_name_to_mn(b, mech, &y) == 0 && bt_mn_is_equal(mech, x, y);

	bt_mn_free(x);
	bt_mn_free(y);
	return equal;
}

static bool
is_equal(const struct gss_name_struct *a, const struct gss_name_struct *b)
{
	/* RFC 2744 §5.4: an anonymous name is the same as no other. */
	if (is_anonymous(a) || is_anonymous(b))
		return false;
	if ((a->mech != NULL && a->mech->authenticates_nobody) || (b->mech != NULL && b->mech->authenticates_nobody))
		return false;
	if (a->mech != NULL && b->mech != NULL && a->mech != b->mech)
		return false;
	if (a->mech != NULL || b->mech != NULL)
		return is_equal_for(a->mech != NULL ? a->mech : b->mech, a, b);
	return bt_bytes_equal(type_of(a), type_of(b)) && bt_bytes_equal(a->text, b->text);
}

OM_uint32
gss_compare_name(OM_uint32 *minor_status, gss_name_t name1, gss_name_t name2, int *name_equal)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *a, *b;

	bt_call_empty_int(name_equal);
	a = bt_call_name(&call, name1);
	b = bt_call_name(&call, name2);
	bt_call_wants(&call, name_equal, 0);
	if (!bt_call_failed(&call))
		*name_equal = is_equal(a, b);
	return bt_call_end(&call);
}

/* The one change that a name's handle can undergo, and the program that asks for it has nobody else use it meanwhile. */
static void
become_mn(struct gss_name_struct *name, const struct bt_mech *mech, struct bt_mn *mn)
{
	bt_mn_free(name->mn);
	name->mn = bt_mn_share(mn);
	name->mech = mech;
	name->negotiator = NULL;
}

/* For a negotiation: what there was of another mechanism's form is left behind. */
static gss_name_t
canonicalize_for(struct bt_call *call, const struct bt_mech *mech, struct gss_name_struct *name, bool in_place)
{
	gss_name_t new = NULL;

	if (in_place && name->mn == NULL)
		name->negotiator = mech;
	else if (in_place)
		bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
	else if ((new = name_of_negotiator(mech, text_of(name), type_of(name))) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	return new;
}

/* Without an output the input itself becomes a mechanism name, as with MIT's library: gssproxy's interposer calls it so. */
OM_uint32
gss_canonicalize_name(OM_uint32 *minor_status, const gss_name_t input_name, const gss_OID mech_type, gss_name_t *output_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_name_struct *name;
	const struct bt_mech *mech;
	struct bt_mn *mn = NULL;
	gss_name_t new = GSS_C_NO_NAME;

	if (output_name != NULL)
		*output_name = GSS_C_NO_NAME;
	name = bt_call_name(&call, input_name);
	bt_call_oid(&call, mech_type);
	mech = bt_call_mech(&call, mech_type, NULL);
	if (!bt_call_failed(&call) && bt_mechs_negotiates(mech)) {
		new = canonicalize_for(&call, mech, name, output_name == NULL);
	} else if (!bt_call_failed(&call)) {
		bt_call_error(&call, mech, bt_name_to_mn(name, mech, &mn));
		if (!bt_call_failed(&call) && output_name == NULL)
			become_mn(name, mech, mn);
		else if (!bt_call_failed(&call) && (new = mn_of(name, mech, mn)) == NULL)
			bt_call_error(&call, NULL, BT_ERR_NOMEM);
	}
	bt_mn_free(mn);
	if (output_name != NULL)
		*output_name = new;
	return bt_call_end(&call);
}

OM_uint32
gss_export_name(OM_uint32 *minor_status, const gss_name_t input_name, gss_buffer_t exported_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *name;
	struct bt_wr inner, framed;
	struct bt_buf out = {0};

	bt_call_empty(exported_name);
	bt_call_wants(&call, exported_name, 0);
	name = bt_call_name(&call, input_name);
	if (!bt_call_failed(&call) && name->mn == NULL && name->negotiator == NULL)
		bt_call_refuse(&call, GSS_S_NAME_NOT_MN, 0);
	bt_wr_init(&inner);
	bt_wr_init(&framed);
	if (!bt_call_failed(&call) && name->mn != NULL)
		bt_call_error(&call, name->mech, name->mech->name_export(name->mn, &inner));
	if (!bt_call_failed(&call)) {
		if (name->mn == NULL)
			bt_frame_write_name(&framed, name->negotiator->oid, name->text);
		else if (name->mech->is_loaded)
			bt_wr_bytes(&framed, bt_wr_written(&inner));
		else
			bt_frame_write_name(&framed, bt_mech_names_oid(name->mech), bt_wr_written(&inner));
		bt_call_error(&call, NULL, inner.failed ? BT_ERR_NOMEM : bt_wr_take(&framed, &out));
	}
	bt_wr_done(&inner);
	bt_wr_done(&framed);
	bt_call_give(&call, &out, exported_name);
	return bt_call_end(&call);
}

OM_uint32
gss_duplicate_name(OM_uint32 *minor_status, const gss_name_t src_name, gss_name_t *dest_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *name;

	if (dest_name != NULL)
		*dest_name = GSS_C_NO_NAME;
	bt_call_wants(&call, dest_name, 0);
	name = bt_call_name(&call, src_name);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	*dest_name = name->mn != NULL ? mn_of(name, name->mech, name->mn) :
					name_of_negotiator(name->negotiator, name->text, bt_oid_view(name->type));
	if (*dest_name == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	return bt_call_end(&call);
}

OM_uint32
gss_release_name(OM_uint32 *minor_status, gss_name_t *input_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_name_struct *name = input_name != NULL ? *input_name : NULL;

	if (input_name == NULL || (name != NULL && name->magic != BT_HANDLE_NAME))
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_BAD_NAME, 0);
	if (bt_call_failed(&call) || name == NULL)
		return bt_call_end(&call);
	bt_mn_free(name->mn);
	bt_mem_free_secret(name, sizeof *name);
	*input_name = GSS_C_NO_NAME;
	return bt_call_end(&call);
}
