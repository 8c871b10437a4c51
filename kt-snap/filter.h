/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads are wanted, by patterns as of glob(7). */
#ifndef KT_SNAP_FILTER_H
#define KT_SNAP_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* filter_comm - whether a name (n bytes, any bytes) matches one of the patterns; none match all. */
bool filter_comm(const char *const *pattern, size_t n_patterns, const char *name, size_t n);

/* filter_cgroup - whether a path, or one above it, matches one of the patterns: "/a" is /a and all
 * below, "/a/?" not /a itself. A "*" does not match a slash. */
bool filter_cgroup(const char *const *pattern, size_t n_patterns, const char *path, size_t n);

#endif
