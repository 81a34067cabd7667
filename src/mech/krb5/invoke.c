#include <errno.h>

#include "base/err.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"

/* 1.2.840.113554.1.2.2.5: as the questions of inquire.c. */
#define DEMAND(last) BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05" last)

static int
free_lucid(void *value, size_t len)
{
	/* The argument's address is the context itself. */
	return bt_krb5_lucid_free(value);
}

/* Struct that libkrb5's users know from MIT's library. */
struct ccache_name {
	const char *name;
	const char **out_name;
};

static int
ccache_name(void *value, size_t len)
{
	const struct ccache_name *request = value;

	if (request == NULL || len != sizeof *request)
		return EINVAL;
	return bt_krb5_ccache_rename(request->name, request->out_name);
}

static int
use_kdc_context(void *value, size_t len)
{
	bt_krb5_use_kdc();
	return 0;
}

static int
register_acceptor_identity(void *value, size_t len)
{
	/* NUL-terminated; programs differ in what they call its length. */
	return bt_krb5_acceptor_register(value);
}

static const struct {
	struct bt_bytes what;
	int (*answer)(void *value, size_t len);
} demands[] = {
    {DEMAND("\x03"), ccache_name},
    {DEMAND("\x07"), free_lucid},
    {DEMAND("\x08"), use_kdc_context},
    {DEMAND("\x09"), register_acceptor_identity},
};

int
bt_krb5_invoke(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len)
{
	for (size_t i = 0; i < sizeof demands / sizeof demands[0]; i++)
		if (bt_bytes_has_prefix(what, demands[i].what))
			return demands[i].answer(value, len);
	return BT_ERR_UNAVAILABLE;
}
