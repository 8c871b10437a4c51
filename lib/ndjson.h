/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines from a descriptor: numbered, bounded, NUL-terminated, usable beside poll(2). */
#ifndef KT_NDJSON_H
#define KT_NDJSON_H

#include "buf.h"

#include <stdint.h>

#define NDJSON_MAX (1 << 20) /* the longest record, without its newline */

struct ndjson {
	int fd; /* borrowed */
	struct buf buf;
	size_t pos; /* where the next line starts */
	size_t seen; /* no newline before this */
	uint64_t line; /* number of the line handed out last, from 1 */
	int eof;
};

void ndjson_init(struct ndjson *nd, int fd);
void ndjson_free(struct ndjson *nd);

/* ndjson_fill - one read(2). Returns 1; 0 at the end of the input; -errno (-EAGAIN too). */
int ndjson_fill(struct ndjson *nd);

/* ndjson_line - the next complete line, without its newline; valid until the next call on nd. A
 * last line without a newline counts at the end of the input. Returns 1; 0 when there is none yet
 * (or any more, at the end); -EMSGSIZE for a line over NDJSON_MAX, nd->line then numbers it. */
int ndjson_line(struct ndjson *nd, char **ret_line, size_t *ret_len);

/* ndjson_next - the two together, blocking. Returns 1, 0 at the end, or -errno. */
int ndjson_next(struct ndjson *nd, char **ret_line, size_t *ret_len);

#endif
