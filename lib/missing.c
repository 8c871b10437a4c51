/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readings that could not be had, counted by kind and reason. */
#include "missing.h"

#include <string.h>

void missing_add(struct missing *m, const char *what, int rc)
{
	unsigned int i, at = m->n;

	for (i = 0; i < m->n; i++) {
		if (strcmp(m->count[i].what, what) != 0)
			continue;
		at = i + 1; /* behind its kin */
		if (m->count[i].err == -rc) {
			m->count[i].n++;
			return;
		}
	}
	if (m->n == MISSING_MAX) { /* counted with another, so that the sum stays right */
		m->count[MISSING_MAX - 1].n++;
		return;
	}
	memmove(&m->count[at + 1], &m->count[at], (m->n - at) * sizeof(m->count[0]));
	m->count[at] = (struct missing_count){ what, -rc, 1 };
	m->n++;
}

void missing_write(const struct missing *m, struct jsonw *w)
{
	const char *open = NULL;
	unsigned int i;

	jsonw_obj(w, "missing");
	for (i = 0; i < m->n; i++) {
		const struct missing_count *c = &m->count[i];
		const char *name = strerrorname_np(c->err);

		if (!open || strcmp(open, c->what) != 0) {
			if (open)
				jsonw_obj_end(w);
			open = c->what;
			jsonw_obj(w, open);
		}
		jsonw_u64(w, name ? name : "EUNKNOWN", c->n);
	}
	if (open)
		jsonw_obj_end(w);
	jsonw_obj_end(w);
}
