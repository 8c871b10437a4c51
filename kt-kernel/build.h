/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds kernels into the cache. */
#ifndef KT_BUILD_H
#define KT_BUILD_H

#include "kernel.h"

#include <stdbool.h>
#include <stddef.h>

/* What is asked for. At most one of what, tree, package and url is set; none: the latest stable. */
struct build {
	const char *what; /* a version, the beginning of one, or a range A..B */
	const char *tree; /* a directory with a kernel's source */
	const char *package, *suite; /* of the distribution; suite may be NULL */
	const char *url, *ref; /* of a git repository; both or none */
	const char **config; /* files with more of a configuration */
	size_t n_config;
	bool force, clean, quiet;
	unsigned jobs, cap; /* 0: not given */
};

/* Where results go, one call for each kernel; a negative return ends all. */
struct build_sink {
	int (*built)(void *arg, const struct kernel *k, const char *why);
	int (*failed)(void *arg, const char *version, const char *reason);
	void *arg;
};

/* build_kernels - build all that is asked for and is not in the cache. Returns how many failed
 * (each was said, and handed to the sink); -EUSERS when CPUs could not be reserved; -EINTR after a
 * stop signal; or another -errno (said). */
int build_kernels(const struct build *b, const struct build_sink *sink);

/* build_config - print the configuration that would be asked for. 0 or -errno (said). */
int build_config(const struct build *b);

#endif
