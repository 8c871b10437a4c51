/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person types, on its way to the guest: ^A is a prefix that is for us. */
#ifndef KT_ESCAPE_H
#define KT_ESCAPE_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

struct escape {
	bool armed; /* the last byte was ^A, and nobody has had it yet */
};

/* escape_feed - add to out what the guest is to get of n typed bytes: ^A a and ^A ^A are one ^A, ^A
 * and any other byte are both. Returns true for ^A x, or ^A X; what follows it is for nobody. */
bool escape_feed(struct escape *e, const char *in, size_t n, struct buf *out);

#endif
