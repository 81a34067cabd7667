/*
 * frame - one request or answer on the socket between a test driver and a peer.
 *
 * A frame is a 4-byte length and then fields one after the other: numbers of 4 bytes, and strings of a 4-byte length and their bytes, all in
 * host order, as both ends are on one machine. Reading past the end marks the frame as bad and yields zeroes. Tests only: out of memory aborts.
 */
#ifndef BATON_TESTS_FRAME_H
#define BATON_TESTS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
	const uint8_t *at;
	size_t len;
};

struct frame {
	uint8_t *at;
	size_t len, room, pos;
	bool is_bad;
};

void frame_clear(struct frame *f);
void frame_free(struct frame *f);
void frame_put_u32(struct frame *f, uint32_t value);
void frame_put_blob(struct frame *f, const void *at, size_t len);
uint32_t frame_get_u32(struct frame *f);

/* frame_get_blob - a view into the frame, good until it is cleared. */
struct blob frame_get_blob(struct frame *f);

/* frame_send, frame_receive - 0, or -1 when the other end is gone. */
int frame_send(int fd, const struct frame *f);
int frame_receive(int fd, struct frame *f);

#endif
