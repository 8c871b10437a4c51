/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata.json of an entry in the cache. */
#ifndef KT_METADATA_H
#define KT_METADATA_H

#include "kernel.h"

/* metadata_read - what the entry's metadata.json says, into k; k->damage when it cannot be trusted.
 * Returns 0 or -ENOMEM. */
int metadata_read(int dir_fd, struct kernel *k);

/* metadata_write - replace it, in one step; on the disk when it returns. Returns 0 or -errno. */
int metadata_write(int dir_fd, const struct kernel *k);

#endif
