/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real-time thread that looks at every worker's progress each 10 ms. It sees those that never ran
 * again, which no look from inside can, and it knows how late it was itself. */
#ifndef KT_WORK_MONITOR_H
#define KT_WORK_MONITOR_H

#include "group.h"

#define MONITOR_PERIOD_NS UINT64_C(10000000)
#define MONITOR_PRIO 99

/* monitor_start - makes the thread: SCHED_FIFO where that is permitted. Returns 0 or -errno; the
 * caller ends it with monitor_end. */
int monitor_start(struct monitor **ret);
void monitor_end(struct monitor *m);

bool monitor_is_fifo(const struct monitor *m);

/* monitor_add - watch a started group. monitor_del - stop that, close its gaps as of `now`. */
void monitor_add(struct monitor *m, struct group *g);
void monitor_del(struct monitor *m, struct group *g, uint64_t now);

/* monitor_dead - one of its workers has ended by itself. */
void monitor_dead(struct monitor *m, struct group *g, unsigned int worker, uint64_t now);

#endif
