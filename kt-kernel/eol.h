/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernels are of a series that kernel.org no longer maintains. */
#ifndef KT_EOL_H
#define KT_EOL_H

#include "kernel.h"

#include <stdbool.h>

/* eol_mark - set eol of those n kernels that were made of kernel.org's sources; what a distribution
 * has made it maintains itself, so that stays unknown. The list of releases is asked for if one of
 * them needs it: a copy in the cache of at most a day, else the network, for some seconds. Without
 * either, eol stays unknown and one line on stderr says why; the network is then left alone for ten
 * minutes.
 *   offline  never use the network; a copy of any age will do
 *   quiet    do not say why */
void eol_mark(struct kernel *v, int n, bool offline, bool quiet);

#endif
