/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology as records. */
#ifndef KT_TOPO_EMIT_H
#define KT_TOPO_EMIT_H

#include "topo.h"

#include <stdio.h>

/* emit_topo - all records: meta, one cpu each, llc, node, one topology, end.
 *   source  "machine", "root" or "spec": where the model is from
 * Returns 0 or the -errno of the write. */
int emit_topo(FILE *out, const struct topo *t, const char *source);

/* emit_shape - only what a scheduler can tell apart, for comparing two machines byte by byte: each
 * online CPU's core, smt, llc and node, and each node's distances. */
int emit_shape(FILE *out, const struct topo *t);

#endif
