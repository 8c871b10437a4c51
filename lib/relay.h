/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of a command as records: lines that are records pass, others become
 * {"type":"text","tool":…,"text":…}. Every line goes out in one piece. */
#ifndef KT_RELAY_H
#define KT_RELAY_H

#include "jsonw.h"

#include <stdbool.h>
#include <stddef.h>

struct relay {
	int fd; /* the command's output; borrowed, made non-blocking by relay_init */
	const char *tool;
	struct jsonw *w; /* where to: its stream */
	struct buf buf;
	size_t seen;
};

/* relay_init - read from fd, write to w->out. Returns 0 or -errno. relay_free leaves both open. */
int relay_init(struct relay *r, int fd, const char *tool, struct jsonw *w);
void relay_free(struct relay *r);

/* relay_step - after poll(2): pass on one read(2) of it. Returns 1: there may be more; 0: it has
 * ended (a last line without a newline counts); or -errno of reading or writing. */
int relay_step(struct relay *r);

/* relay_rest - the command has ended: pass on the rest of a line. Returns 0 or -errno. */
int relay_rest(struct relay *r);

/* relay_is_record - is the line one JSON object whose first member is "type", a text? */
bool relay_is_record(const char *line, size_t n);

#endif
