#include "base/err.h"
#include "base/mem.h"
#include "mech/sanon/sanon.h"

struct bt_mcred {
	enum bt_usage usage;
	struct bt_mn *name; /* NULL: the default */
};

int
bt_sanon_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out)
{
	struct bt_mcred *cred;

	*out = NULL;
	/* Nothing here proves a name. An initiator may have one all the same, and be anonymous when it asks to. draft §4.1 */
	if (request->password.ptr != NULL)
		return BT_ERR_NO_CRED;
	if (request->usage != BT_USAGE_INITIATE && request->name != NULL && !request->name->is_anonymous)
		return BT_ERR_NO_CRED;
	if ((cred = bt_mem_alloc(sizeof *cred)) == NULL)
		return BT_ERR_NOMEM;
	cred->usage = request->usage;
	if (request->name != NULL) {
		cred->name = bt_mn_new(request->name->kind, request->name->is_anonymous, bt_bytes_of_str(request->name->text), NULL,
				       NULL);
		if (cred->name == NULL) {
			bt_mem_free(cred);
			return BT_ERR_NOMEM;
		}
	}
	*out = cred;
	return 0;
}

int
bt_sanon_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out)
{
	*out = (struct bt_cred_facts){
	    .name = cred != NULL ? bt_mn_share(cred->name) : NULL,
	    .usage = cred != NULL ? cred->usage : BT_USAGE_INITIATE,
	    .initiator_expires_at = BT_CTX_NEVER,
	    .acceptor_expires_at = BT_CTX_NEVER,
	};
	return 0;
}

void
bt_sanon_cred_free(struct bt_mcred *cred)
{
	if (cred == NULL)
		return;
	bt_mn_free(cred->name);
	bt_mem_free(cred);
}

bool
bt_sanon_cred_may(const struct bt_mcred *cred, enum bt_usage usage)
{
	if (cred == NULL)
		return usage == BT_USAGE_INITIATE;
	return cred->usage == BT_USAGE_BOTH || cred->usage == usage;
}

const struct bt_mn *
bt_sanon_cred_name(const struct bt_mcred *cred)
{
	return cred != NULL ? cred->name : NULL;
}
