/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delay accounting of a thread, asked of the kernel by netlink (Documentation/accounting). */
#ifndef KT_SNAP_TASKSTATS_H
#define KT_SNAP_TASKSTATS_H

#include "thread.h"

#include <sys/types.h>

struct taskstats_link;

/* taskstats_open - a connection. Returns 0 or -errno: -ENOENT when the kernel has no taskstats. The
 * caller closes *ret. */
int taskstats_open(struct taskstats_link **ret);

/* taskstats_read - set the fields of GROUP_DELAY. Returns 0; -ESRCH: no such thread; -EPERM: it
 * needs CAP_NET_ADMIN; or another -errno. */
int taskstats_read(struct taskstats_link *l, pid_t tid, struct thread_rec *t);

void taskstats_close(struct taskstats_link *l);

/* taskstats_parse - the reply to such a question. Returns 0 or -errno, which may be the one that
 * the kernel replies. Exposed for tests. */
int taskstats_parse(const void *msg, size_t n, struct thread_rec *t);

#endif
