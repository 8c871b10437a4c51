/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report records of a stopped group. */
#ifndef KT_WORK_REPORT_H
#define KT_WORK_REPORT_H

#include "group.h"
#include "jsonw.h"
#include "missing.h"

/* report_write - one worker's record. Returns what jsonw_end does. */
int report_write(struct jsonw *w, const struct site *s, const struct group *g, unsigned int worker,
		 struct missing *missing);

#endif
