/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a build says of its progress on stderr: a line that is redrawn on a terminal, one line for
 * each phase that is over elsewhere. */
#ifndef KT_PHASE_H
#define KT_PHASE_H

#include <stdbool.h>
#include <stdint.h>

struct phase {
	const char *of; /* "linux-6.12.9"; borrowed */
	char name[64]; /* "make, 2 jobs"; "": none is on */
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	bool quiet, tty; /* tty: stderr is a terminal */
};

/* phase_begin - the phase is on. phase_draw - on a terminal, draw it with what is going on in it
 * (may be NULL). phase_end - it is over; how long it took is said. phase_drop - it failed: the line
 * is gone, and messages may follow. */
void phase_begin(struct phase *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void phase_draw(struct phase *p, const char *doing);
void phase_end(struct phase *p);
void phase_drop(struct phase *p);

#endif
