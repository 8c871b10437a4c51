/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest is to do, as it is in the page: texts that each end in NUL. First KEY=VALUE settings
 * up to an empty text, then the working directory, the number of arguments, the arguments, and the
 * environment to the end.
 *
 *	clock=virtual|real	virtual: only signals come in on kt.in, no bye is awaited
 *
 *	stdin=file		REQUEST_STDIN, which is not there when empty
 *
 *	stdin=port		kt.in up to stdin-eof
 *
 *	stdin=none		/dev/null
 *
 *	stdin=tty		a terminal, for output too: kt.in and kt.out
 *
 *	seed=TEXT		is mixed into the kernel's random pool */
#ifndef KT_REQUEST_H
#define KT_REQUEST_H

#include "buf.h"

#include <stdbool.h>

#define REQUEST_STDIN "/kt-stdin"

struct request {
	struct buf text; /* the strings below point into it */
	bool virt, stdin_port, stdin_file, tty;
	const char *seed; /* NULL: none */
	const char *cwd;
	char **argv, **envp; /* for the life of the process */
};

/* request_parse - make sense of r->text. 0; -EPROTO for what is no request; or -ENOMEM. */
int request_parse(struct request *r);

#endif
