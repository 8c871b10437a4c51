/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal of this side in raw mode, and what job control does to it. */
#ifndef KT_TERM_H
#define KT_TERM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct term {
	int fd; /* borrowed */
	int sig_fd; /* its signals come here while it is raw, else -1 */
	bool raw;
	struct termios saved; /* its settings before */
	sigset_t old_mask;
};

void term_init(struct term *t, int fd);

/* term_begin - raw mode. In the background this stops the process until it is in the foreground.
 * Returns 0 or -errno. */
int term_begin(struct term *t);

/* term_signals - act on what sig_fd has: after a signal to stop, with the terminal as it was, or
 * when somebody continues us, it is raw again. Returns 1 when the size may be another one, 0, or
 * -errno. */
int term_signals(struct term *t);

/* term_end - the terminal as it was, unless another process group has it by now. flush: what was
 * typed and not read is for nobody. */
void term_end(struct term *t, bool flush);

/* term_size - 0 and 0 when it is not known. */
void term_size(const struct term *t, uint32_t *ret_rows, uint32_t *ret_cols);

#endif
