/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of kt-kernel, and the stream of records that each prints. */
#ifndef KT_CMD_H
#define KT_CMD_H

#include "jsonw.h"
#include "kernel.h"

/* Each parses its own options, in an argv whose [0] is the program's name and whose commands' name
 * is left out. They return an exit status. */
int cmd_get(int argc, char *argv[]);
int cmd_build(int argc, char *argv[]);
int cmd_list(int argc, char *argv[]);
int cmd_clean(int argc, char *argv[]);
int cmd_path(int argc, char *argv[]);
int cmd_check(int argc, char *argv[]);

/* cmd_option - the options that all commands have, and what getopt_long() has complained about.
 * Returns the status to end with, or ends the program. */
int cmd_option(int c);
#define CMD_COMMON                                                                                 \
	{ "help", no_argument, NULL, 'h' },                                                        \
	{                                                                                          \
		"version", no_argument, NULL, 'V'                                                  \
	}

/* cmd_status - of a command that ends with rc (0 or -errno, said). */
int cmd_status(int rc);

/* The stream of one command: meta, records, end. */
struct stream {
	struct jsonw w;
	int rc; /* of writing: once it is negative nothing more is written */
};

void stream_open(struct stream *s);

/* stream_kernel - a `kernel` record; why may be NULL. */
void stream_kernel(struct stream *s, const struct kernel *k, const char *why);

/* stream_close - with this outcome, "ok" or "fail". Returns 0, or -errno (said). */
int stream_close(struct stream *s, const char *outcome);

#endif
