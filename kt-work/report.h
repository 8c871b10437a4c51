/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report records of a stopped group. */
#ifndef KT_WORK_REPORT_H
#define KT_WORK_REPORT_H

#include "group.h"
#include "jsonw.h"

/* What could not be read, by errno: small numbers, so that an array does. */
#define MISSING_ERRNOS 134
struct missing {
	uint64_t schedstat[MISSING_ERRNOS], numa[MISSING_ERRNOS];
};

/* report_write - one worker's record. Returns what jsonw_end does. */
int report_write(struct jsonw *w, const struct site *s, const struct group *g, unsigned int worker,
		 struct missing *missing);

/* missing_write - member "missing" of the end record. */
void missing_write(struct jsonw *w, const struct missing *missing);

#endif
