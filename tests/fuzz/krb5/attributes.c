/*
 * A name's attributes as they come in an exported name: what is listed can be read to its end, or not at all, and none
 * of it is vouched for.
 */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A part that a PAC has twice, or that is numbered 0, is listed and cannot be had. */
static void
read_all(const struct bt_mn *mn, struct bt_bytes attribute, size_t len)
{
	size_t total = 0;
	int more = -1, before, e;

	do {
		struct bt_attribute found;

		before = more;
		e = bt_krb5_name_attribute(mn, attribute, &more, &found);
		must(!found.is_authenticated && (more == 0 || more > before));
		must(e == 0 || (before == -1 && more == 0 && found.value.ptr == NULL));
		total += found.value.len;
		bt_buf_free(&found.value);
	} while (more != 0);
	must(total <= len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_mn *plain = bt_mn_new(1, false, bt_bytes_of_str("u@R"), NULL, NULL);
	struct bt_mn *mn = bt_mn_with_attributes(plain, bt_bytes_of(data, len), false);
	struct bt_answers names;
	void *pac;

	must(mn != NULL);
	if (bt_krb5_name_attributes(mn, &names) == 0)
		for (size_t i = 0; i < names.num_items; i++)
			read_all(mn, bt_bytes_of_buf(&names.items[i]), len);
	else
		must(names.num_items == 0);
	bt_answers_free(&names);
	if (bt_krb5_name_map(mn, bt_bytes_of_str("mspac"), &pac) == 0)
		must(bt_krb5_name_unmap(NULL, bt_bytes_of_str("mspac"), pac) == 0);
	else
		must(pac == NULL);
	bt_mn_free(mn);
	bt_mn_free(plain);
	return 0;
}
