/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that are the same everywhere for one seed. */
#ifndef KT_DRAW_H
#define KT_DRAW_H

#include "cpuset.h"

#include <stdint.h>

struct draw {
	uint64_t s[4];
};

/* draw_seed - a stream of its own for each name: what one scenario draws does not depend on which
 * others are expanded with it. */
void draw_seed(struct draw *d, uint64_t seed, const char *name);

uint64_t draw_u64(struct draw *d);

/* draw_below - uniform in [0, n); n > 0. */
uint64_t draw_below(struct draw *d, uint64_t n);

/* draw_subset - k distinct members of pool (all of them when k is no less than there are). */
void draw_subset(struct draw *d, const struct cpuset *pool, unsigned int k, struct cpuset *ret);

#endif
