/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario must know of the work types: their names, parameters and group sizes. kt-work
 * owns them ("kt-work types"); a test compares the two. */
#ifndef KT_WORKS_H
#define KT_WORKS_H

#include <jansson.h>

struct work_type {
	const char *name;
	unsigned int unit; /* workers that belong together; counts are multiples of it */
	const char *unit_param; /* this parameter is added to unit, or NULL */
	unsigned int unit_dflt; /* what that parameter is when not given */
	const char *params[5]; /* names, ends with NULL */
};

/* works_find - the type, or NULL. */
const struct work_type *works_find(const char *name);

/* works_at - type i, from 0; NULL past the last. */
const struct work_type *works_at(unsigned int i);

/* works_unit - the group size with these parameters (an object, or NULL). */
unsigned int works_unit(const struct work_type *t, const json_t *params);

#endif
