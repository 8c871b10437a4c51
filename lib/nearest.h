/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean …?": the nearest of some names. */
#ifndef KT_NEAREST_H
#define KT_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* A search: offer every name, then look at `name`. */
struct nearest {
	const char *want; /* what was typed; borrowed */
	bool within; /* it was to be found within a name, as a filter is */
	const char *name; /* the best so far, borrowed from the caller; NULL: none is near */
	size_t cost;
};

/* nearest_offer - take `name` if it is nearer than what there is: one that holds `want` whole, or
 * begins like it, or differs in at most one letter of three; with `within`, so does a part of the
 * name. The first of equals stays. */
void nearest_offer(struct nearest *n, const char *name);

#define NEAREST_HINT 128 /* room for any hint */

/* nearest_hint - "; did you mean 'NAME'?", or "" when nothing is near. Returns buf. */
const char *nearest_hint(const struct nearest *n, char buf[NEAREST_HINT]);

/* nearest_command - the hint for a word that is no command of a tool. What is one is in the usage
 * that its help begins with: "usage: TOOL a …", and below that "TOOL b|c …". Returns buf. */
const char *nearest_command(const char *help, const char *word, char buf[NEAREST_HINT]);

#endif
