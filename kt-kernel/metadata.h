/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata.json of an entry in the cache. */
#ifndef KT_METADATA_H
#define KT_METADATA_H

#include "buf.h"
#include "kernel.h"

/* metadata_read - what the entry's metadata.json says, into k; k->damage when it cannot be trusted.
 * Returns 0 or -ENOMEM. */
int metadata_read(int dir_fd, struct kernel *k);

/* metadata_parse - the same of the file's text, which is not empty. */
void metadata_parse(const char *text, size_t len, struct kernel *k);

/* metadata_text - append what metadata_parse() reads. Returns 0 or -ENOMEM. */
int metadata_text(const struct kernel *k, struct buf *ret);

/* metadata_write - replace it, in one step; on the disk when it returns. Returns 0 or -errno. */
int metadata_write(int dir_fd, const struct kernel *k);

#endif
