/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long step is, on stderr: a line that is drawn again and again on a terminal, else one
 * line for each step. */
#ifndef KT_PROGRESS_H
#define KT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool quiet, tty;
	bool drawn; /* there is a line to wipe */
	char what[160]; /* "getting linux-6.12.3.tar.xz" */
	uint64_t total, first; /* bytes in all (0: unknown), and those that were there before */
	uint64_t start_ns, last_ns;
};

/* progress_init - quiet: nothing is ever said. */
void progress_init(struct progress *p, bool quiet);

/* progress_begin - a step begins, with `first` of `total` bytes there already. */
void progress_begin(struct progress *p, uint64_t first, uint64_t total, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* progress_at - so many bytes are there; drawn at most ten times a second. */
void progress_at(struct progress *p, uint64_t bytes);

/* progress_end - the step has ended; also before any other message. */
void progress_end(struct progress *p);

/* progress_bytes - "142.3 MB" in buf, which is returned. */
const char *progress_bytes(uint64_t bytes, char buf[32]);

#endif
