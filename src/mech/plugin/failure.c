#include "mech/plugin/plugin.h"

/* A number for each of a thread's last failures: a negotiation keeps the first one while it tries others. */
enum { FIRST = 0x54420000, NUM_KEPT = 8 };

static _Thread_local struct {
	struct {
		const struct bt_mech *mech;
		OM_uint32 major, minor;
	} kept[NUM_KEPT];
	unsigned next;
} failures;

int
bt_plugin_fail(const struct bt_mech *mech, OM_uint32 major, OM_uint32 minor)
{
	unsigned i = failures.next++ % NUM_KEPT;

	failures.kept[i].mech = mech;
	/* What the bits beside say is of no use once it has failed. */
	failures.kept[i].major = GSS_ERROR(major) != 0 ? GSS_ERROR(major) : GSS_S_FAILURE;
	failures.kept[i].minor = minor;
	return FIRST + (int)i;
}

bool
bt_plugin_failure(int err, const struct bt_mech **mech, OM_uint32 *major, OM_uint32 *minor)
{
	unsigned i = (unsigned)(err - FIRST);

	if (err < FIRST || i >= NUM_KEPT || failures.kept[i].mech == NULL)
		return false;
	*mech = failures.kept[i].mech;
	*major = failures.kept[i].major;
	*minor = failures.kept[i].minor;
	return true;
}
