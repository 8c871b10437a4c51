/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command of a prefix command: started, signalled, waited for, its output passed on. */
#ifndef KT_COMMAND_H
#define KT_COMMAND_H

#include "jsonw.h"
#include "relay.h"

#include <signal.h>

struct command {
	char *const *argv;
	const sigset_t *mask; /* its signal mask */
	int sig_fd; /* our stop signals; those that somebody sent are passed on */
	struct jsonw *w; /* NULL: its standard output is ours; else its lines go there */
	int pid_fd, out_fd; /* private */
	struct relay relay;
};

/* command_start - it is killed when this process dies. Returns 0 or -errno, as child_spawn. */
int command_start(struct command *c);

/* command_wait - until it has ended. *ret_status is what a shell would say. Returns 0; or the
 * -errno of writing its output, which it then learnt by SIGPIPE. */
int command_wait(struct command *c, int *ret_status);

#endif
