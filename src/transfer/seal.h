/*
 * seal - the bytes around a state: mechanism prefix, header, and AES-256-GCM over all of it. doc/format/token.md.
 *
 * Knows the layout and nothing of contexts or claims' fate. The prefix and the header are readable by anybody and can be
 * altered by nobody: they are the additional data of the seal. Views in, nothing is allocated.
 */
#ifndef BT_TRANSFER_SEAL_H
#define BT_TRANSFER_SEAL_H

#include "base/bytes.h"
#include "claim/claim.h"
#include "crypto/crypto.h"
#include "transfer/audience.h"

enum {
	BT_SEAL_VERSION = 1,
	BT_SEAL_PREFIX_LEN = 4,  /* and the OID */
	BT_SEAL_HEADER_LEN = 48, /* and the values of its audience */
	BT_SEAL_TAG_LEN = BT_CRYPTO_AEAD_TAG_LEN,
};

struct bt_seal_header {
	struct bt_audience audience;
	uint32_t uid; /* the account that may import: the exporter's effective one, unless the audience says that it was named */
	struct bt_claim_ref claim;
};

/* A token taken apart; views of it. */
struct bt_seal_parts {
	struct bt_bytes oid; /* the mechanism's */
	struct bt_seal_header header;
	struct bt_bytes aad;    /* prefix and header */
	struct bt_bytes sealed; /* state and tag */
};

/* bt_seal_token_len - bytes of a token for a state of state_len, for an audience of these bits. */
size_t bt_seal_token_len(struct bt_bytes oid, uint8_t audience_bits, size_t state_len);

/* bt_seal_write_head - prefix and header, appended to wr. */
void bt_seal_write_head(struct bt_wr *wr, struct bt_bytes oid, const struct bt_seal_header *header);

/*
 * bt_seal_read - take a token apart. What comes out is not authenticated yet.
 * Errors: TOKEN_FORMAT (not ours), TOKEN_VERSION (also of an audience that this version does not know), TRUNCATED, TRAILING
 * (longer than any token).
 */
int bt_seal_read(struct bt_bytes token, struct bt_seal_parts *out);

/*
 * bt_seal_close - encrypt the state behind the head and write the tag.
 *   token    head_len bytes of prefix and header, room for the state and the tag
 *   state    may be where it goes
 * Errors: CRYPTO.
 */
int bt_seal_close(const uint8_t key[static BT_CLAIM_KEY_LEN], uint8_t *token, size_t head_len, struct bt_bytes state);

/* bt_seal_open - state gets sealed.len - BT_SEAL_TAG_LEN bytes. Errors: TOKEN_ALTERED (then state is wiped), CRYPTO. */
int bt_seal_open(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_seal_parts *parts, uint8_t *state);

#endif
