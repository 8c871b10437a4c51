/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the threads of a process in this cgroup may be in different ones: where cgroups are of
 * type "threaded", or have such children. Else the cgroup is read once for the process. */
#ifndef KT_SNAP_THREADED_H
#define KT_SNAP_THREADED_H

#include "machine.h"

struct threaded;

/* threaded_new - m is borrowed. NULL: no memory. */
struct threaded *threaded_new(const struct machine *m);
void threaded_free(struct threaded *t);

/* threaded_reset - forget what was learnt: types change. */
void threaded_reset(struct threaded *t);

/* threaded_is - path as /proc shows it. What cannot be found out is true. */
bool threaded_is(struct threaded *t, const char *path);

#endif
