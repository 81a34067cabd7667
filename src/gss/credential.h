/*
 * credential - credential handles from inside the room: made of counted elements, one a mechanism.
 */
#ifndef BT_GSS_CREDENTIAL_H
#define BT_GSS_CREDENTIAL_H

#include "gss/call.h"
#include "gss/handle.h"
#include "gss/mechs.h"

/* bt_cred_element_new - takes mcred over, also on failure. NULL: no memory. */
struct bt_cred_element *bt_cred_element_new(const struct bt_mech *mech, struct bt_mcred *mcred);
/* bt_cred_element_over - for a mechanism that negotiates; takes under over, also on failure. NULL: no memory. */
struct bt_cred_element *bt_cred_element_over(const struct bt_mech *mech, struct gss_cred_id_struct *under);
struct bt_cred_element *bt_cred_element_share(struct bt_cred_element *element);
void bt_cred_element_free(struct bt_cred_element *element);

/* bt_cred_find - the element of a mechanism, or NULL. cred may be NULL. */
struct bt_cred_element *bt_cred_find(const struct gss_cred_id_struct *cred, const struct bt_mech *mech);

/*
 * bt_cred_speaker - who answers for a credential of mech, and with what: the mechanism itself, or the first one that a
 * negotiation could come out at. element NULL: the default credential.
 */
const struct bt_mech *bt_cred_speaker(const struct bt_mech *mech, const struct bt_cred_element *element,
				      struct bt_mcred **mcred);

/*
 * bt_cred_at_work - the nth of the credentials behind a handle that are a mechanism's own: its elements, and what is under those
 * that negotiate, each once. NULL: there are no more. cred may be NULL.
 */
const struct bt_cred_element *bt_cred_at_work(const struct gss_cred_id_struct *cred, size_t n);

/* bt_cred_new_from - a handle with the elements of old (may be NULL), shared, and room for one more. NULL: no memory. */
struct gss_cred_id_struct *bt_cred_new_from(const struct gss_cred_id_struct *old);

/* bt_cred_free - takes NULL. */
void bt_cred_free(struct gss_cred_id_struct *cred);

/* bt_cred_facts_of - what a mechanism says of a credential of its; empty if the call failed. The caller frees its name. */
struct bt_cred_facts bt_cred_facts_of(struct bt_call *call, const struct bt_mech *mech, struct bt_mcred *mcred, bool wants_name);

/* Seconds left: as one or the other, 0 for what it is not; and for all that it is for. */
OM_uint32 bt_cred_initiator_lifetime_s(const struct bt_cred_facts *facts);
OM_uint32 bt_cred_acceptor_lifetime_s(const struct bt_cred_facts *facts);
OM_uint32 bt_cred_lifetime_s(const struct bt_cred_facts *facts);

/* bt_cred_give_mechs, bt_cred_give_time - mechanisms, and the shortest lifetime, of all elements. out may be NULL. */
void bt_cred_give_mechs(struct bt_call *call, const struct gss_cred_id_struct *cred, gss_OID_set *out);
void bt_cred_give_time(struct bt_call *call, const struct gss_cred_id_struct *cred, OM_uint32 *out);

/* bt_cred_put_parts - a credential as gss_export_cred writes it, appended to out. Secret. */
void bt_cred_put_parts(struct bt_call *call, const struct gss_cred_id_struct *cred, struct bt_wr *out);

/* bt_cred_of_parts - the credential of such bytes; NULL: failed. */
struct gss_cred_id_struct *bt_cred_of_parts(struct bt_call *call, struct bt_bytes bytes);

/* bt_cred_check_store - a store that a program gave, if it did. Failure: GSS_S_DUPLICATE_ELEMENT for a key that is there twice. */
void bt_cred_check_store(struct bt_call *call, gss_const_key_value_set_t store);

/* bt_cred_store_entries - its entries as mechanisms read them; the caller frees the array alone. NULL: failed. */
struct bt_store_entry *bt_cred_store_entries(struct bt_call *call, gss_const_key_value_set_t store, size_t *num);

#endif
