/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a prebuilt kernel into the cache. */
#ifndef KT_GET_H
#define KT_GET_H

#include "cache.h"

#include <stdbool.h>

#define GET_SUITE "trixie-backports" /* older suites have no kernel with sched_ext */

struct get {
	const char *suite, *flavour;
	bool update; /* look for a newer one though there is one */
	bool quiet;
};

/* get_kernel - the newest kernel of the suite that has what ktstr needs, in the cache: the one that
 * is there already, or a fetched one (ret_why says which). Speaks on stderr. 0 or -errno. */
int get_kernel(const struct get *g, struct kernel *ret, const char **ret_why);

/* get_flavour - the usual one for this machine: "cloud-amd64"; NULL when there is none. */
const char *get_flavour(void);

#endif
