/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel a name means, and which one it is when nothing is named. */
#ifndef KT_FIND_H
#define KT_FIND_H

#include "kernel.h"

#include <stddef.h>

#define FIND_WHY 512

/* find_kernel - the named one (NULL: KTSTR_KERNEL's, else the cache's choice, else this host's
 * own). why says which it was and why, for the record. Returns 0 or -errno, said. */
int find_kernel(const char *name, struct kernel *ret, char why[FIND_WHY]);

/* find_file - an image file, or the one that a directory stands for: an entry of ours, or a build
 * tree. A file of an entry in the cache is that entry. Returns 0 (ret->damage may say something),
 * or -errno, said. */
int find_file(const char *name, struct kernel *ret);

#endif
