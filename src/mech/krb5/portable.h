/*
 * portable - a credential as the text that gss_export_cred gives and gss_import_cred takes, in the words of MIT's library, so
 * that each reads the other's: ["K5C1",[usage,[principal,service,host],impersonator,default,iakerb,keytab,rcache,ccache,
 * client keytab,has a TGT,end,refresh,[enctypes],password]].
 *
 * Caches and keytabs are names, except a MEMORY cache, which is [principal, ticket...]: another process could not find it.
 * This file knows text alone and opens nothing. All of it may be secret.
 */
#ifndef BT_MECH_KRB5_PORTABLE_H
#define BT_MECH_KRB5_PORTABLE_H

#include "base/bytes.h"

/* How many there may be of anything: more than libkrb5 or any realm makes. */
enum { BT_KRB5_PORTABLE_MAX = 1024 };

/* Addresses and authorisation data: a type and bytes. */
struct bt_krb5_typed {
	int32_t type;
	struct bt_buf bytes;
};

struct bt_krb5_typed_list {
	bool is_there; /* null and [] are not the same */
	struct bt_krb5_typed *items;
	size_t num;
};

struct bt_krb5_portable_ticket {
	char *client, *server; /* NULL: null, as of all strings here */
	int32_t enctype;
	struct bt_buf key;
	int32_t times[4]; /* authtime, starttime, endtime, renew_till, as krb5_timestamp */
	bool is_skey;
	int32_t flags;
	struct bt_krb5_typed_list addresses;
	struct bt_buf ticket, second_ticket;
	struct bt_krb5_typed_list authdata;
};

struct bt_krb5_portable {
	uint8_t usage; /* 0..2, enum bt_usage */
	bool has_name;
	char *principal, *service, *host;
	char *impersonator;
	bool is_default, is_iakerb;
	char *keytab, *rcache;
	char *ccache; /* by name; or by content: */
	bool has_contents;
	char *owner;
	struct bt_krb5_portable_ticket *tickets;
	size_t num_tickets;
	char *client_keytab;
	bool has_tgt;
	int64_t ends_at, refresh_at;
	bool has_enctypes;
	int32_t enctypes[BT_KRB5_PORTABLE_MAX];
	size_t num_enctypes;
	char *password;
};

/* bt_krb5_portable_read - Errors: DEFECTIVE_TOKEN, NOMEM; then out is empty. The caller frees what it holds. */
int bt_krb5_portable_read(struct bt_bytes text, struct bt_krb5_portable *out);

void bt_krb5_portable_write(const struct bt_krb5_portable *portable, struct bt_wr *out);

/* bt_krb5_portable_done - wipe and free what it holds, and empty it. */
void bt_krb5_portable_done(struct bt_krb5_portable *portable);

#endif
