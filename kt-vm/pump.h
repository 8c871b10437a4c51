/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from one descriptor to another, one buffer full at a time, counted. */
#ifndef KT_PUMP_H
#define KT_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pump {
	int from, to; /* owned; -1 once closed */
	size_t pos, len; /* what of buf waits to be written */
	uint64_t total; /* bytes read */
	uint64_t limit; /* read no more than this */
	char buf[64 << 10];
};

bool pump_eof(const struct pump *p);

/* pump_poll - how poll(2) is to look at it: for input when the buffer is empty, else for room. */
void pump_poll(const struct pump *p, struct pollfd *pf);

/* pump_step - one read or one write. Returns 0 or -errno. */
int pump_step(struct pump *p);

#endif
