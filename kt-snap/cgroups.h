/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroups of the threads of a snapshot: each is read once, after the threads. */
#ifndef KT_SNAP_CGROUPS_H
#define KT_SNAP_CGROUPS_H

#include "jsonw.h"
#include "machine.h"
#include "tally.h"

struct cgroups;

/* cgroups_new - m is borrowed. NULL: no memory. */
struct cgroups *cgroups_new(const struct machine *m);
void cgroups_free(struct cgroups *c);

/* cgroups_reset - forget the paths: a new snapshot begins. */
void cgroups_reset(struct cgroups *c);

/* cgroups_note - a thread is in this one. Returns 0 or -ENOMEM. */
int cgroups_note(struct cgroups *c, const char *path, size_t n);

/* cgroups_write - a `cgroup` record for each path, in the order of the bytes, handed to `write`,
 * whose negative return ends it. What could not be read is null and counted in missing. Returns 0
 * or -errno. */
int cgroups_write(struct cgroups *c, struct tally *missing,
		  int (*write)(void *arg, const void *p, size_t n), void *arg);

#endif
