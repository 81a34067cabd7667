/* The AP-REQ peek: what it takes out lies inside the request, and a refused one gives nothing. */
#include "../wire/must.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_inside(struct bt_bytes part, struct bt_bytes whole)
{
	return part.ptr >= whole.ptr && part.len <= whole.len && (size_t)(part.ptr - whole.ptr) <= whole.len - part.len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len);
	struct bt_krb5_request request;
	struct bt_wr wr;

	if (bt_krb5_request_read(input, &request) != 0) {
		must(request.ticket.len == 0 && request.realm.len == 0 && request.sname.len == 0 && request.cipher.len == 0);
		return 0;
	}
	must(is_inside(request.ticket, input) && is_inside(request.cipher, input));
	must(is_inside(request.realm, request.ticket) && is_inside(request.sname, request.ticket));
	/* A refusal can be made of it, and is read for what it says. */
	bt_wr_init(&wr);
	bt_krb5_error_write(KRB5KRB_AP_ERR_REPEAT, &request, 1700000000, &wr);
	must(!wr.failed && bt_krb5_error_read(bt_wr_written(&wr)) == KRB5KRB_AP_ERR_REPEAT);
	bt_wr_done(&wr);
	return 0;
}
