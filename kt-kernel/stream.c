/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of records that a command prints. */
#include "cmd.h"
#include "die.h"

#include <stdio.h>

void stream_open(struct stream *s)
{
	jsonw_init(&s->w, stdout);
	jsonw_meta(&s->w, "kt-kernel", true);
	s->rc = jsonw_end(&s->w);
}

void stream_kernel(struct stream *s, const struct kernel *k, const char *why)
{
	if (s->rc == 0)
		s->rc = kernel_record(&s->w, "kernel", k, why);
}

int stream_close(struct stream *s, const char *outcome)
{
	if (s->rc == 0) {
		jsonw_begin(&s->w, "end");
		jsonw_str(&s->w, "tool", "kt-kernel");
		jsonw_str(&s->w, "outcome", outcome);
		s->rc = jsonw_end(&s->w);
	}
	jsonw_free(&s->w);
	return s->rc < 0 ? warn_rc(s->rc, "write standard output") : 0;
}
