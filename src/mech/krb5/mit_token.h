/*
 * mit_token - a context as MIT's library exports it: the layout of its releases 1.19 and later.
 *
 * Such a token is not sealed: its keys are in clear, it works any number of times, and nothing in it says which release
 * wrote it. So it is read strictly, and only from where it may come (transfer/). doc/format/mit-token.md describes the
 * layout.
 *
 * What is read is views of the token; nothing is allocated. Kept is what a context needs; the rest (the exporter's
 * configuration, addresses) is read for its form and dropped.
 */
#ifndef BT_MECH_KRB5_MIT_TOKEN_H
#define BT_MECH_KRB5_MIT_TOKEN_H

#include "base/bytes.h"

/* Every object has its number before and behind it: com_err codes of libkrb5 and its GSS library. */
enum bt_krb5_mit_magic {
	BT_KRB5_MIT_CONTEXT = 0x025ea108, /* the first and the last thing in a token */
};

/* Secret. Without bytes: none was there. */
struct bt_krb5_mit_key {
	int32_t enctype;
	struct bt_bytes bytes;
};

/* Which of the peer's numbers have come; counted as struct bt_msg_state does. */
struct bt_krb5_mit_window {
	bool is_there;
	bool detects_replay, detects_sequence;
	bool is_wide; /* numbers are of 64 bits; else of 32 */
	uint64_t first, next, seen;
};

struct bt_krb5_mit_token {
	bool is_initiator, is_open;
	uint32_t flags;
	int64_t authtime, endtime; /* Kerberos time */
	int32_t clock_ahead_s;     /* of the host's: a KDC has corrected the exporter's clock by so much */
	uint32_t ticket_flags;
	uint64_t send_next, recv_first;
	struct bt_bytes oid;           /* empty: not said */
	struct bt_bytes here, there;   /* names as libkrb5 writes them; empty: not known */
	struct bt_krb5_mit_key subkey, acceptor_subkey;
	struct bt_krb5_mit_key cipher_key, number_key; /* of RFC 1964 tokens */
	struct bt_krb5_mit_window window;
	bool is_rfc4121;               /* the kind of tokens that are sent */

	/* What an initiator compares the reply with. */
	struct bt_krb5_mit_key session;
	bool has_authenticator;
	int64_t ctime;
	uint32_t cusec;

	struct bt_bytes authdata;      /* for bt_krb5_mit_token_authdata */
	size_t num_authdata;
	struct bt_bytes pac;           /* as the exporter found it */
	bool pac_is_good;
	struct bt_bytes indicators;    /* each a length of 32 bits and a text; found good */
	uint32_t num_indicators;
};

/*
 * bt_krb5_mit_token_read - the token of the mechanism, without the prefix that names it.
 * Errors: MALFORMED (also of one that ends too soon), TRAILING; then out is empty.
 */
int bt_krb5_mit_token_read(struct bt_bytes token, struct bt_krb5_mit_token *out);

/* bt_krb5_mit_token_authdata - the next element of token->authdata, read from a cursor over it. */
void bt_krb5_mit_token_authdata(struct bt_rd *authdata, int32_t *type, struct bt_bytes *contents);

/* bt_krb5_mit_token_is - does it begin as one? */
bool bt_krb5_mit_token_is(struct bt_bytes token);

#endif
