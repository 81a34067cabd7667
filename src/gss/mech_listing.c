#include <baton/baton.h>
#include <stdio.h>

#include "gss/call.h"
#include "gss/mechs.h"
#include "mech/plugin/plugin.h"

/* What became of one usable line, copied while the lock of the list was held. */
struct fate {
	const struct bt_plugin_place *place;
	bool is_known; /* there is a mechanism of its OID, of this line or of another */
	bool is_of_line;
	enum bt_plugin_problem problem;
	char reason[512];
};

static int
see_fate(const struct bt_plugin *plugin, void *arg)
{
	struct fate *fate = arg;
	const struct bt_plugin_place *place = fate->place;

	if (!bt_bytes_equal(plugin->mech.oid, bt_bytes_of(place->line.oid, place->line.oid_len)))
		return 0;
	fate->is_known = true;
	fate->is_of_line = plugin->line_no == place->line_no && strcmp(plugin->file, place->file) == 0;
	fate->problem = plugin->state == BT_PLUGIN_BROKEN ? plugin->problem : BT_PLUGIN_NO_PROBLEM;
	snprintf(fate->reason, sizeof fate->reason, "%s", plugin->reason != NULL ? plugin->reason : "");
	return 1;
}

/* What is to be told of a line. */
static enum bt_plugin_problem
problem_of(const struct bt_plugin_place *place, struct fate *fate)
{
	struct bt_mechs built_in = bt_mechs_built_in();
	struct bt_bytes oid = bt_bytes_of(place->line.oid, place->line.oid_len);

	*fate = (struct fate){.place = place};
	if (place->problem != BT_PLUGIN_NO_PROBLEM)
		return place->problem;
	if (bt_mech_find(built_in.list, built_in.num, oid, NULL) != NULL)
		return BT_PLUGIN_BUILT_IN;
	(void)bt_plugin_each(built_in, see_fate, fate);
	if (!fate->is_known)
		return BT_PLUGIN_TOO_MANY;
	return fate->is_of_line ? fate->problem : BT_PLUGIN_DUPLICATE;
}

struct listing {
	baton_mech_fn fn;
	void *arg;
};

static int
tell_built_in(const struct bt_mech *mech, const struct listing *listing)
{
	gss_OID_desc oid = {(OM_uint32)mech->oid.len, (void *)(uintptr_t)mech->oid.ptr};
	struct baton_mech_info info = {
	    .version = BATON_MECH_INFO_VERSION,
	    .state = BATON_MECH_BUILT_IN,
	    .oid = &oid,
	    .name = mech->short_name,
	};

	return listing->fn(&info, listing->arg);
}

/* An empty text is none. */
static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int
tell_line(const struct bt_plugin_place *place, void *arg)
{
	gss_OID_desc oid = {(OM_uint32)place->line.oid_len, (void *)(uintptr_t)place->line.oid};
	const struct listing *listing = arg;
	struct baton_mech_info info = {.version = BATON_MECH_INFO_VERSION, .file = place->file, .line = place->line_no};
	char name[256], library[4096];
	enum bt_plugin_problem problem;
	struct fate fate;

	snprintf(name, sizeof name, "%.*s", (int)place->line.name.len, (const char *)place->line.name.ptr);
	snprintf(library, sizeof library, "%.*s", (int)place->line.library.len, (const char *)place->line.library.ptr);
	info.oid = place->line.oid_len != 0 ? &oid : GSS_C_NO_OID;
	info.name = text_or_null(name);
	info.library = text_or_null(library);
	problem = problem_of(place, &fate);
	if (problem != BT_PLUGIN_NO_PROBLEM) {
		info.state = BATON_MECH_BROKEN;
		info.problem = bt_plugin_problem_text(problem);
		info.reason = text_or_null(fate.reason);
		info.hint = bt_plugin_problem_hint(problem);
	} else {
		info.state = bt_plugin_line_is_interposer(&place->line) ? BATON_MECH_INTERPOSER : BATON_MECH_LOADED;
	}
	return listing->fn(&info, listing->arg);
}

OM_uint32
baton_each_mech(OM_uint32 *minor_status, baton_mech_fn fn, void *arg)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_mechs built_in = bt_mechs_built_in();
	struct listing listing = {fn, arg};
	int stop = 0;

	if (fn == NULL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	for (size_t i = 0; !bt_call_failed(&call) && stop == 0 && i < built_in.num; i++)
		stop = tell_built_in(built_in.list[i], &listing);
	/* All are loaded, so that what is wrong is known. */
	if (!bt_call_failed(&call) && stop == 0) {
		(void)bt_mechs_all();
		if (bt_plugin_config_walk(tell_line, &listing) == BT_ERR_NOMEM)
			bt_call_error(&call, NULL, BT_ERR_NOMEM);
	}
	return bt_call_end(&call);
}
