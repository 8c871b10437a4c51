/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of a stream that goes on: drawn over each other on a terminal, else one after the other.
 */
#ifndef KT_FRAME_H
#define KT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct frame {
	FILE *out;
	bool tty; /* out is a terminal */
	bool drawn; /* one has been */
};

/* frame_draw - print text, n bytes of whole lines, as the next frame. On a terminal what does not
 * fit is cut off, and how many lines that were is told. Returns 0 or -errno. */
int frame_draw(struct frame *f, const char *text, size_t n);

#endif
