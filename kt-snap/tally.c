/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts by what and why. */
#include "tally.h"

#include <stdbool.h>
#include <string.h>

static bool is(const struct tally_count *c, const char *what, const char *why)
{
	return (c->what == what || strcmp(c->what, what) == 0) &&
	       (c->why == why || strcmp(c->why, why) == 0);
}

void tally_add(struct tally *t, const char *what, const char *why, uint64_t n)
{
	unsigned int i;

	if (n == 0)
		return;
	for (i = 0; i < t->n; i++) { /* a walk adds the same few in the same order */
		struct tally_count *c = &t->count[(t->last + 1 + i) % t->n];

		if (is(c, what, why)) {
			c->n += n;
			t->last = (unsigned int)(c - t->count);
			return;
		}
	}
	if (t->n == TALLY_MAX) {
		t->count[TALLY_MAX - 1].n += n;
		return;
	}
	t->last = t->n;
	t->count[t->n++] = (struct tally_count){ what, why, n };
}

void tally_rc(struct tally *t, const char *what, int rc)
{
	const char *name = strerrorname_np(-rc);

	tally_add(t, what, name ? name : "EUNKNOWN", 1);
}

void tally_merge(struct tally *to, const struct tally *from)
{
	unsigned int i;

	for (i = 0; i < from->n; i++)
		tally_add(to, from->count[i].what, from->count[i].why, from->count[i].n);
}

uint64_t tally_sum(const struct tally *t)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < t->n; i++)
		sum += t->count[i].n;
	return sum;
}

/* Whether an earlier entry has the same name. */
static bool seen(const struct tally *t, unsigned int i, bool why)
{
	unsigned int k;

	for (k = 0; k < i; k++)
		if (strcmp(why ? t->count[k].why : t->count[k].what,
			   why ? t->count[i].why : t->count[i].what) == 0)
			return true;
	return false;
}

void tally_write(const struct tally *t, const char *key, struct jsonw *w)
{
	unsigned int i, k;

	jsonw_obj(w, key);
	for (i = 0; i < t->n; i++) {
		if (seen(t, i, false))
			continue;
		jsonw_obj(w, t->count[i].what);
		for (k = i; k < t->n; k++)
			if (strcmp(t->count[k].what, t->count[i].what) == 0)
				jsonw_u64(w, t->count[k].why, t->count[k].n);
		jsonw_obj_end(w);
	}
	jsonw_obj_end(w);
}

void tally_write_flat(const struct tally *t, const char *key, struct jsonw *w)
{
	unsigned int i, k;

	jsonw_obj(w, key);
	for (i = 0; i < t->n; i++) {
		uint64_t sum = 0;

		if (seen(t, i, true))
			continue;
		for (k = i; k < t->n; k++)
			if (strcmp(t->count[k].why, t->count[i].why) == 0)
				sum += t->count[k].n;
		jsonw_u64(w, t->count[i].why, sum);
	}
	jsonw_obj_end(w);
}
