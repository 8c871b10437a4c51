/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kt-vm and kt-init say to each other on a port. A frame is u8 type, u32 little-endian length,
 * payload; numbers in payloads are little-endian too. */
#ifndef KT_FRAMES_H
#define KT_FRAMES_H

#include "buf.h"

#include <stddef.h>
#include <stdint.h>

enum frame_type {
	/* host to guest */
	FRAME_HELLO = 'H', /* u64 wall clock in ns since 1970: real clock only; the guest goes on */
	FRAME_STDIN_EOF = 'E', /* u64 bytes of standard input in all */
	FRAME_SIGNAL = 'S', /* u32 signal for the command's process group */
	FRAME_WINSIZE = 'W', /* u32 rows, u32 columns of the command's terminal */
	FRAME_BYE = 'B', /* all output has arrived */
	/* guest to host */
	FRAME_READY =
		'r', /* u64 CLOCK_MONOTONIC, u64 the same when kt-init began: it has its request */
	FRAME_RELEASE = 'v', /* FRAME_MAX bytes: the kernel's release, NULs behind it. Before ready,
			      * when the command is to have a terminal */
	FRAME_PARK = 'p', /* the next thing it does is to stop the machine, see page.h */
	FRAME_STARTED = 's', /* u64 CLOCK_MONOTONIC when hello was read, else when it was started */
	FRAME_TICK = 't', /* u64 CLOCK_MONOTONIC: one per second of guest time */
	FRAME_EXIT = 'x', /* u32 enum exit_kind, u32 value, u64 out bytes, u64 err bytes, u64 bytes
			   * of memory in use at most */
};

enum exit_kind {
	EXIT_CODE, /* value is the exit status */
	EXIT_SIGNAL, /* value is the signal that killed it */
	EXIT_NO_EXEC, /* value is the errno of execvp() */
};

#define FRAME_HEAD 5
#define FRAME_MAX 64 /* the longest payload */

struct frame {
	enum frame_type type;
	uint32_t len;
	uint8_t data[FRAME_MAX];
};

/* frame_make - write a whole frame to buf (FRAME_HEAD + FRAME_MAX bytes); returns its length. */
size_t frame_make(uint8_t *buf, enum frame_type type, const void *payload, uint32_t len);

/* frame_take - take the first frame off b. Returns 1; 0 when there is no whole one yet; -EPROTO for
 * something that is no frame. */
int frame_take(struct buf *b, struct frame *ret);

void put_u32(uint8_t *p, uint32_t v);
void put_u64(uint8_t *p, uint64_t v);
uint32_t get_u32(const uint8_t *p);
uint64_t get_u64(const uint8_t *p);

#endif
