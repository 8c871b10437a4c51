/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame around a worker's load, for worker.c. */
#ifndef KT_WORK_LAT_H
#define KT_WORK_LAT_H

#include "worker.h"

/* lat_base - the readings that the load's figures are differences to. */
void lat_base(struct wk *w);

/* lat_gate - wait until the group is started, and for this worker's own offset after that. */
void lat_gate(struct wk *w);

/* lat_end - the last readings. */
void lat_end(struct wk *w);

#endif
