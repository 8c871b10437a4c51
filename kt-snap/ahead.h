/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading beside what is done with it: while one block is taken, a thread fills the next. */
#ifndef KT_SNAP_AHEAD_H
#define KT_SNAP_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AHEAD_BYTES (128 << 10) /* of a block: the other thread is woken up this often */

struct ahead {
	/* Fill a block by more than half, unless that is all: returns bytes, 0 at the end, or
	 * -errno. Called by one thread at a time. */
	ssize_t (*fill)(void *arg, char *block, size_t cap);
	int (*take)(void *arg, const char *block, size_t n); /* 0, or -errno ends it */
	void *arg;
	bool alone; /* without another thread */
};

/* ahead_run - fill and take until the end; a thread is started with the second block. Returns 0, or
 * what `fill` or `take` failed with, or -ENOMEM. */
int ahead_run(const struct ahead *a);

#endif
