/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel a name means, and which one it is when nothing is named. */
#ifndef KT_FIND_H
#define KT_FIND_H

#include "kernel.h"

/* find_kernel - the named one (NULL: KTSTR_KERNEL's, else the cache's choice, else this host's
 * own). *ret_why says which it was and why, for the record. Returns 0 or -errno, said. */
int find_kernel(const char *name, struct kernel *ret, const char **ret_why);

/* find_image - a directory stands for the image in it: an entry of ours, or a build tree. Returns 0
 * or -errno. */
int find_image(const char *name, char *buf, size_t cap);

/* find_usable - say that a kernel is damaged. Returns 0, or -EBADMSG (said). */
int find_usable(const struct kernel *k, const char *name);

#endif
