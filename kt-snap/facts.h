/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a stream says of the machine and of how it was made, as names and texts. */
#ifndef KT_SNAP_FACTS_H
#define KT_SNAP_FACTS_H

#include <jansson.h>
#include <stddef.h>

struct fact {
	char *name; /* "kernel_release", "sched_tunables.sched_rt_runtime_us" */
	char *text; /* NULL: null */
};

/* Shared by the snapshots of a stream. */
struct facts {
	unsigned int refs;
	struct fact *fact; /* sorted by name */
	size_t n, cap;
};

struct facts *facts_new(void); /* with one reference; NULL: no memory */
struct facts *facts_ref(struct facts *f);
void facts_unref(struct facts *f); /* NULL is fine */

/* facts_take - all of a record that stays the same as long as nobody changes the machine: no times,
 * no free memory. What was there before stays. Returns 0 or -ENOMEM. */
int facts_take(struct facts *f, const json_t *rec);

/* facts_get - the text, or NULL. */
const char *facts_get(const struct facts *f, const char *name);

/* facts_differ - fn for each name that the two do not agree on, in order. Either text may be NULL.
 * Returns 0, or what fn returned to end it. */
int facts_differ(const struct facts *a, const struct facts *b,
		 int (*fn)(const char *name, const char *before, const char *after, void *arg),
		 void *arg);

#endif
