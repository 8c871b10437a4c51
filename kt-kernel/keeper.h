/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a program so that nothing of it outlives us, whatever way we end.
 *
 * Between us and the program is a keeper: a process that we fork, which takes the program's orphans
 * for its own. When we close our end of a pipe (we want to stop, or a SIGKILL has ended us) it
 * sends the program's process group SIGTERM, 5 s later everything below it SIGKILL, and it ends
 * when all of it has gone. The keeper has copies of our descriptors, so a lock that we hold is held
 * until then. Should the keeper itself be killed, the program gets SIGTERM from the kernel. */
#ifndef KT_KEEPER_H
#define KT_KEEPER_H

#include "child.h"

struct keeper {
	int pid_fd; /* of the keeper */
	int life_fd; /* closed: the program is to end */
	int end_fd; /* readable when all has ended */
};

#define KEEPER_INIT                                                                                \
	{                                                                                          \
		-1, -1, -1                                                                         \
	}

/* keeper_start - start spec's program below a keeper, in a process group of its own. Its death_sig
 * and own_group are not looked at. Returns 0 or -errno; a program that cannot be executed is told
 * by keeper_end(). */
int keeper_start(const struct child_spec *spec, struct keeper *ret);

/* keeper_stop - it is to end. */
void keeper_stop(struct keeper *k);

/* keeper_wait - wait until all of it has gone, sig_fd (-1: none) has something to read, or
 * timeout_ms
 * (-1: none) are over. Returns 1, -EINTR, or 0. */
int keeper_wait(const struct keeper *k, int sig_fd, int timeout_ms);

/* keeper_end - wait until all of it has gone. Returns 0, how the program ended is then in
 * *ret_info; the -errno of a start that failed; or -ECHILD when the keeper was killed. */
int keeper_end(struct keeper *k, siginfo_t *ret_info);

#endif
