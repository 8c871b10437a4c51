/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-topo's records into the topology model. */
#ifndef KT_TOPOREC_H
#define KT_TOPOREC_H

#include "topo.h"

#include <stddef.h>

/* toporec_read - read records from fd until the end of the stream.
 *   file  as messages name it
 *   err   what is wrong, "FILE:LINE: …" (cap bytes)
 * CPUs that are offline, or where this process may not run, are left out: nothing can be planned
 * for them. Returns 0, or -errno with *ret untouched; the caller releases it with topo_free(). */
int toporec_read(int fd, const char *file, struct topo *ret, char *err, size_t cap);

#endif
