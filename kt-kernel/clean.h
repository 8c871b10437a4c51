/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of kt-kernel clean share. */
#ifndef KT_CLEAN_H
#define KT_CLEAN_H

#include "cmd.h"

struct clean {
	struct stream s;
	int failed; /* things that were to go and are there still */
};

/* clean_put - a record, `removed` or `kept`. bytes: -1 when unknown; holders may be NULL. */
void clean_put(struct clean *c, const char *type, const char *kind, const char *key,
	       const char *reason, int64_t bytes, const struct holders *holders);

/* clean_downloads - how many files kt-kernel-fetch has left for the next build, and their bytes.
 * With c they are removed, unless a build is running. Returns the count or -errno. */
int clean_downloads(struct clean *c, uint64_t *ret_bytes);

/* clean_leavings - remove what writers left who have died, and the locks of kernels that have gone.
 * Returns 0 or -errno, said. */
int clean_leavings(struct clean *c);

#endif
