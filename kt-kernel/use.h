/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses an entry of the cache: who holds the lock kernel-KEY. */
#ifndef KT_USE_H
#define KT_USE_H

#include "holders.h"
#include "kernel.h"

#include <stddef.h>

/* The holders of several entries' locks, at one instant. */
struct use {
	struct holders *file; /* one for each entry, in their order */
	char (*path)[PATH_MAX];
	size_t n;
};

/* use_look - find the holders of n entries and set their in_use, which lives as long as `ret`.
 * in_use stays NULL where nobody can tell. Returns 0 or -errno; use_free() in any case. */
int use_look(struct kernel *v, size_t n, struct use *ret);
void use_free(struct use *u);

/* use_claim - take the entry's lock exclusively, now or not at all. Returns an fd, -EWOULDBLOCK
 * with its holders in words in who, or another -errno. */
int use_claim(const char *key, char *who, size_t cap);

#endif
