/*
 * Probes for tracers, as in
 *
 *	bpftrace -e 'usdt:/usr/lib/x86_64-linux-gnu/libbaton.so.0:baton:refused { printf("%s\n", str(arg1)); }'
 *
 * A probe is one no-op, and a note in the library's file that says where it is and where its arguments are: arg0 the error, arg1 its
 * text, arg2 the mechanism, arg3 the audience, arg4 the claim, arg5 how many.
 */
#include "transfer/sinks.h"

#ifdef BT_HAVE_SDT
/* Tracers of any of them count themselves in the first half of bt_transfer_ears. */
#define baton_exported_semaphore bt_transfer_ears
#define baton_not_exported_semaphore bt_transfer_ears
#define baton_imported_semaphore bt_transfer_ears
#define baton_refused_semaphore bt_transfer_ears
#define baton_expired_semaphore bt_transfer_ears
#define baton_sent_semaphore bt_transfer_ears
#define baton_not_sent_semaphore bt_transfer_ears
#define baton_received_semaphore bt_transfer_ears
#define baton_taken_back_semaphore bt_transfer_ears
#define baton_lost_semaphore bt_transfer_ears
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define FIRE(probe) STAP_PROBE6(baton, probe, n->err, n->reason, n->mechanism, n->audience, n->claim, n->num)

void
bt_transfer_probe(const struct bt_transfer_news *n)
{
	switch (n->event) {
	case BT_TRANSFER_EXPORTED:
		FIRE(exported);
		break;
	case BT_TRANSFER_NOT_EXPORTED:
		FIRE(not_exported);
		break;
	case BT_TRANSFER_IMPORTED:
		FIRE(imported);
		break;
	case BT_TRANSFER_REFUSED:
		FIRE(refused);
		break;
	case BT_TRANSFER_EXPIRED:
		FIRE(expired);
		break;
	case BT_TRANSFER_SENT:
		FIRE(sent);
		break;
	case BT_TRANSFER_NOT_SENT:
		FIRE(not_sent);
		break;
	case BT_TRANSFER_RECEIVED:
		FIRE(received);
		break;
	case BT_TRANSFER_TAKEN_BACK:
		FIRE(taken_back);
		break;
	case BT_TRANSFER_LOST:
		FIRE(lost);
		break;
	}
}
#else
void
bt_transfer_probe(const struct bt_transfer_news *n)
{
	(void)n;
}
#endif
