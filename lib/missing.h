/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readings that could not be had, counted by kind and reason: "missing":{"cache":{"ENOENT":64}}. */
#ifndef KT_MISSING_H
#define KT_MISSING_H

#include "jsonw.h"

#define MISSING_MAX 32 /* kinds times the few reasons that occur */

struct missing {
	struct missing_count {
		const char *what; /* static text */
		int err; /* a positive errno */
		unsigned int n;
	} count[MISSING_MAX]; /* entries of one kind lie together */
	unsigned int n;
};

/* missing_add - count one; what is static text, rc a negative errno. */
void missing_add(struct missing *m, const char *what, int rc);

/* missing_write - the member "missing" of the record being written; {} when all was there. */
void missing_write(const struct missing *m, struct jsonw *w);

#endif
