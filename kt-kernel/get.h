/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a prebuilt kernel into the cache. */
#ifndef KT_GET_H
#define KT_GET_H

#include "kernel.h"

#include <stdbool.h>
#include <stddef.h>

#define GET_SUITE "trixie-backports" /* older suites have no kernel with sched_ext */
#define GET_SUITES 16

struct get {
	const char *suite[GET_SUITES]; /* n_suites of them, in the order to look */
	size_t n_suites;
	const char *flavour;
	bool update; /* look for a newer one though there is one */
	bool quiet;
};

/* get_kernel - the newest kernel that has what ktstr needs, of the first suite that has one, in the
 * cache: the one that is there already, or a fetched one (ret_why says which). Speaks on stderr.
 * 0 or -errno. */
int get_kernel(const struct get *g, struct kernel *ret, const char **ret_why);

/* get_deb - the kernel of a local package; config (or NULL) is the package that has its
 * configuration. The same files are taken once: then ret_why says so. Speaks on stderr. 0 or
 * -errno. */
int get_deb(const char *image, const char *config, bool quiet, struct kernel *ret,
	    const char **ret_why);

/* get_flavour - the usual one for this machine: "cloud-amd64"; NULL when there is none. */
const char *get_flavour(void);

#define GET_OTHER_MS 600000 /* another get may be fetching just now */

#endif
