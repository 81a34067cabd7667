#include "gss/call.h"
#include "gss/mechs.h"
#include "gss/oid_set.h"
#include "gss/oids.h"
#include "mech/plugin/plugin.h"

/* RFC 5587: mechanisms told apart by what they can do. */

struct attribute {
	enum bt_oid_id id;
	const char *name, *in_short, *in_words;
};

#define ATTRIBUTE(id, in_short, in_words) {BT_OID_MA_##id, "GSS_C_MA_" #id, in_short, in_words}

/*
 * RFC 5587 §3.3, and MIT's one of its own. The short forms are fixed by that document, the sentences are ours,
 * with two exceptions, whose full stops give them away: python-gssapi's tests ask for these words.
 */
static const struct attribute attributes[] = {
	ATTRIBUTE(MECH_CONCRETE, "concrete-mech", "Mechanism is neither a pseudo-mechanism nor a composite mechanism."),
	ATTRIBUTE(MECH_PSEUDO, "pseudo-mech", "A mechanism that needs another one below it"),
	ATTRIBUTE(MECH_COMPOSITE, "composite-mech", "A mechanism made of several"),
	ATTRIBUTE(MECH_NEGO, "mech-negotiation-mech", "A mechanism that finds out which other one to use"),
	ATTRIBUTE(MECH_GLUE, "mech-glue", "The GSS-API itself, which has an OID but is no mechanism"),
	ATTRIBUTE(NOT_MECH, "not-mech", "A known OID that names no mechanism"),
	ATTRIBUTE(DEPRECATED, "mech-deprecated", "A mechanism no longer to be used"),
	ATTRIBUTE(NOT_DFLT_MECH, "mech-not-default", "A mechanism to be used only when asked for by name"),
	ATTRIBUTE(ITOK_FRAMED, "initial-is-framed", "Its first token has the framing of RFC 2743"),
	ATTRIBUTE(AUTH_INIT, "auth-init-princ", "Authenticates the initiator to the acceptor"),
	ATTRIBUTE(AUTH_TARG, "auth-targ-princ", "Authenticates the acceptor to the initiator"),
	ATTRIBUTE(AUTH_INIT_INIT, "auth-init-princ-initial", "Authenticates the initiator by its initial credentials"),
	ATTRIBUTE(AUTH_TARG_INIT, "auth-target-princ-initial", "Authenticates the acceptor by its initial credentials"),
	ATTRIBUTE(AUTH_INIT_ANON, "auth-init-princ-anon", "The initiator may stay anonymous"),
	ATTRIBUTE(AUTH_TARG_ANON, "auth-targ-princ-anon", "The acceptor may stay anonymous"),
	ATTRIBUTE(DELEG_CRED, "deleg-cred", "Can hand the initiator's credential to the acceptor"),
	ATTRIBUTE(INTEG_PROT, "integ-prot", "Protects messages against change"),
	ATTRIBUTE(CONF_PROT, "conf-prot", "Protects messages against being read"),
	ATTRIBUTE(MIC, "mic", "Makes and checks message integrity codes"),
	ATTRIBUTE(WRAP, "wrap", "Wraps messages"),
	ATTRIBUTE(PROT_READY, "prot-ready", "Can protect messages before the context is fully established"),
	ATTRIBUTE(REPLAY_DET, "replay-detection", "Notices messages that come twice"),
	ATTRIBUTE(OOS_DET, "oos-detection", "Notices messages out of their order"),
	ATTRIBUTE(CBINDINGS, "channel-bindings", "Mechanism supports channel bindings."),
	ATTRIBUTE(PFS, "pfs", "Keeps past messages safe when a long-term key is lost"),
	ATTRIBUTE(COMPRESS, "compress", "Compresses what it wraps"),
	ATTRIBUTE(CTX_TRANS, "context-transfer", "Its contexts can be exported and imported"),
	ATTRIBUTE(NEGOEX_AND_SPNEGO, "negoex-only", "Can be negotiated by NegoEx and by SPNEGO itself"),
};

enum { NUM_ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

OM_uint32
gss_display_mech_attr(OM_uint32 *minor_status, gss_const_OID mech_attr, gss_buffer_t name, gss_buffer_t short_desc,
		      gss_buffer_t long_desc)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct attribute *found = NULL;

	bt_call_empty(name);
	bt_call_empty(short_desc);
	bt_call_empty(long_desc);
	for (size_t i = 0; i < NUM_ATTRIBUTES; i++)
		if (gss_oid_equal(mech_attr, &bt_oids[attributes[i].id]))
			found = &attributes[i];
	if (found == NULL)
		bt_call_refuse(&call, GSS_S_BAD_MECH_ATTR, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_call_give_text(&call, bt_bytes_of_str(found->name), name);
	bt_call_give_text(&call, bt_bytes_of_str(found->in_short), short_desc);
	bt_call_give_text(&call, bt_bytes_of_str(found->in_words), long_desc);
	if (bt_call_failed(&call)) {
		gss_release_buffer(&(OM_uint32){0}, name);
		gss_release_buffer(&(OM_uint32){0}, short_desc);
	}
	return bt_call_end(&call);
}

/* A library that tells of no attributes cannot be trusted to know any. mech may be NULL. */
static bool
knows_any(const struct bt_mech *mech)
{
	return mech == NULL || !mech->is_loaded || bt_plugin_of(mech)->table->gss_inquire_attrs_for_mech != NULL;
}

OM_uint32
gss_inquire_attrs_for_mech(OM_uint32 *minor_status, gss_const_OID mech, gss_OID_set *mech_attrs,
			   gss_OID_set *known_mech_attrs)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_OID_set has = GSS_C_NO_OID_SET, known = GSS_C_NO_OID_SET;
	const struct bt_mech *found;
	struct bt_bytes spelling = {0};

	bt_call_empty_oid_set(mech_attrs);
	bt_call_empty_oid_set(known_mech_attrs);
	found = bt_call_mech(&call, mech, &spelling);
	bt_oid_set_new(&call, &has);
	bt_oid_set_new(&call, &known);
	if (!bt_call_failed(&call))
		bt_oid_set_add_list(&call, has, found->attributes);
	/* Another spelling is what old peers have. RFC 5587 §3.3. */
	if (!bt_call_failed(&call) && !found->is_loaded && !bt_bytes_equal(spelling, found->oid))
		bt_oid_set_add(&call, has, bt_oid_view(&bt_oids[BT_OID_MA_DEPRECATED]));
	for (size_t i = 0; i < NUM_ATTRIBUTES && knows_any(found); i++)
		bt_oid_set_add(&call, known, bt_oid_view(&bt_oids[attributes[i].id]));
	bt_oid_set_give(&call, &has, mech_attrs);
	bt_oid_set_give(&call, &known, known_mech_attrs);
	return bt_call_end(&call);
}

/* Has all of, or any of, a set of attributes? */
static bool
has_all(const struct bt_mech *mech, gss_const_OID_set wanted)
{
	for (size_t i = 0; wanted != NULL && i < wanted->count; i++)
		if (!bt_mechs_has_attribute(mech, bt_oid_view(&wanted->elements[i])))
			return false;
	return true;
}

static bool
has_any(const struct bt_mech *mech, gss_const_OID_set unwanted)
{
	for (size_t i = 0; unwanted != NULL && i < unwanted->count; i++)
		if (bt_mechs_has_attribute(mech, bt_oid_view(&unwanted->elements[i])))
			return true;
	return false;
}

static bool
has_attribute(gss_const_OID_set set, gss_const_OID attribute)
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		if (gss_oid_equal(&set->elements[i], attribute))
			return true;
	return false;
}

/*
 * Who authenticates nobody, and who has a server carry strangers' messages to a KDC, is told of to those who wish for that, and not to
 * a server that takes all there are.
 */
static bool
is_for(const struct bt_mech *mech, gss_const_OID_set wanted)
{
	if (mech->authenticates_nobody)
		return has_attribute(wanted, &bt_oids[BT_OID_MA_AUTH_INIT_ANON]) ||
		       has_attribute(wanted, &bt_oids[BT_OID_MA_AUTH_TARG_ANON]);
	return mech->is_loaded || bt_mechs_is_by_default(mech) || has_attribute(wanted, &bt_oids[BT_OID_MA_AUTH_INIT_INIT]) ||
	       has_attribute(wanted, &bt_oids[BT_OID_MA_NOT_DFLT_MECH]);
}

/* Every mechanism here knows all attributes of the table. */
static bool
knows_all(gss_const_OID_set critical)
{
	for (size_t i = 0; critical != NULL && i < critical->count; i++) {
		bool known = false;

		for (size_t j = 0; j < NUM_ATTRIBUTES; j++)
			known |= gss_oid_equal(&critical->elements[i], &bt_oids[attributes[j].id]) != 0;
		if (!known)
			return false;
	}
	return true;
}

OM_uint32
gss_indicate_mechs_by_attrs(OM_uint32 *minor_status, gss_const_OID_set desired_mech_attrs,
			    gss_const_OID_set except_mech_attrs, gss_const_OID_set critical_mech_attrs, gss_OID_set *mechs)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_mechs all = bt_mechs_all();
	gss_OID_set set = GSS_C_NO_OID_SET;

	bt_call_empty_oid_set(mechs);
	bt_call_wants(&call, mechs, 0);
	bt_oid_set_new(&call, &set);
	for (size_t i = 0; i < all.num && knows_all(critical_mech_attrs); i++)
		if (is_for(all.list[i], desired_mech_attrs) && (critical_mech_attrs == NULL || knows_any(all.list[i])) && has_all(all.list[i], desired_mech_attrs) &&
		    !has_any(all.list[i], except_mech_attrs))
			bt_oid_set_add(&call, set, all.list[i]->oid);
	bt_oid_set_give(&call, &set, mechs);
	return bt_call_end(&call);
}
