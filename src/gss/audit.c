#include <baton/baton.h>

#include "base/err.h"
#include "base/lock.h"
#include "gss/mechs.h"
#include "gss/status.h"
#include "transfer/event.h"

_Static_assert((int)BATON_EVENT_EXPORTED == (int)BT_TRANSFER_EXPORTED && (int)BATON_EVENT_LOST == (int)BT_TRANSFER_LOST &&
		   (int)BATON_EVENT_REFUSED == (int)BT_TRANSFER_REFUSED && (int)BATON_EVENT_TAKEN_BACK == (int)BT_TRANSFER_TAKEN_BACK,
	       "one list");

/* The lock protects the two, and is held to copy them. */
static struct {
	struct bt_lock lock;
	baton_audit_fn fn;
	void *arg;
} listener = {.lock = BT_LOCK_INIT(BT_LOCK_INNER)};
BT_LOCK_MINDS_FORKS(minds_forks, listener.lock);

/* As the call answers: to import, a context that has expired is one that is gone. */
static OM_uint32
major_of(const struct bt_transfer_news *news)
{
	if (news->err == 0)
		return GSS_S_COMPLETE;
	if (news->err == BT_ERR_CONTEXT_EXPIRED && news->event == BT_TRANSFER_REFUSED)
		return GSS_S_NO_CONTEXT;
	return bt_status_major(news->err, GSS_S_FAILURE);
}

static OM_uint32
minor_of(const struct bt_transfer_news *news)
{
	const struct bt_mech *mech = NULL;

	/* Where an import fails, no mechanism is to be named yet, and none to be loaded because a token names it. */
	if (news->err != 0 && news->event != BT_TRANSFER_REFUSED)
		mech = bt_mechs_find(news->oid, NULL);
	if (mech == NULL || bt_mechs_negotiates(mech))
		mech = bt_mechs_default();
	return news->err != 0 ? bt_minor_publish(mech, bt_status_minor(news->err)) : 0;
}

static void
tell_program(const struct bt_transfer_news *news)
{
	struct baton_event event = {
	    .version = BATON_EVENT_VERSION,
	    .kind = (int32_t)news->event,
	    .major_status = major_of(news),
	    .minor_status = minor_of(news),
	    .name = news->name,
	    .reason = news->reason,
	    .mechanism = news->mechanism,
	    .audience = news->audience,
	    .claim = news->claim,
	    .num = news->num,
	    .uid = news->uid,
	    .pid = news->pid,
	    .time_ms = news->at_ms,
	};
	baton_audit_fn fn;
	void *arg;

	bt_lock_enter(&listener.lock);
	fn = listener.fn;
	arg = listener.arg;
	bt_lock_leave(&listener.lock);
	if (fn != NULL)
		fn(&event, arg);
}

void
baton_audit(baton_audit_fn fn, void *arg)
{
	bt_lock_enter(&listener.lock);
	listener.fn = fn;
	listener.arg = arg;
	bt_transfer_listen(fn != NULL ? tell_program : NULL);
	bt_lock_leave(&listener.lock);
}
