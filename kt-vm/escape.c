/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ^A, the prefix of what is for us. */
#include "escape.h"

#define CTRL_A 1

bool escape_feed(struct escape *e, const char *in, size_t n, struct buf *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		bool was_armed = e->armed;

		e->armed = !was_armed && in[i] == CTRL_A;
		if (e->armed)
			continue;
		if (was_armed && (in[i] == 'x' || in[i] == 'X'))
			return true;
		if (was_armed)
			buf_chr(out, CTRL_A);
		if (!was_armed || (in[i] != 'a' && in[i] != CTRL_A))
			buf_chr(out, in[i]);
	}
	return false;
}
