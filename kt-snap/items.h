/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that wait for their other side: found by identity, kept in memory that is used again. */
#ifndef KT_SNAP_ITEMS_H
#define KT_SNAP_ITEMS_H

#include "agg.h"

struct pool {
	struct item *free;
	struct pool_block *blocks;
	uint64_t made; /* items that there is memory for */
};

void pool_free(struct pool *p);
struct item *pool_get(struct pool *p); /* NULL: no memory */
void pool_put(struct pool *p, struct item *it); /* NULL is fine */

struct items {
	struct item **slot;
	size_t n_slots, n;
};

/* items_add - takes the item over. Returns 0 or -ENOMEM. */
int items_add(struct items *t, struct item *it);

/* items_find - the same thread as `like`: tid, tgid and start time, compared in steps of tick_ns
 * (1: exactly); a start that is not known is no difference. NULL: there is none. items_take removes
 * it from the table too. */
struct item *items_find(const struct items *t, const struct item *like, uint64_t tick_ns);
struct item *items_take(struct items *t, const struct item *like, uint64_t tick_ns);

/* items_each - every item, in no particular order. fn returns 0, or what ends it. */
int items_each(struct items *t, int (*fn)(struct item *it, void *arg), void *arg);

/* items_clear - give all back; items_free: and the table's own memory. */
void items_clear(struct items *t, struct pool *p);
void items_free(struct items *t, struct pool *p);

#endif
