/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What machines that are continued from one saved state would else have in common. */
#ifndef KT_UNIQUE_H
#define KT_UNIQUE_H

#define UNIQUE_SEED 64 /* the longest seed, in bytes */

struct unique {
	int random_fd; /* /dev/urandom */
	char *machine_id; /* all of /etc/machine-id, mapped */
};

/* unique_open - what the other two need. It is open before the machine is saved, since whatever a
 * continued one does for the first time it does slowly. 0 or -errno. */
int unique_open(struct unique *ret);

/* unique_seed - mix the text into the kernel's random pool, as entropy, and draw from the pool
 * anew: every run of one seed is then the same, and two machines are not, unless they are told to
 * be. Returns 0, -E2BIG, or another -errno. */
int unique_seed(const struct unique *u, const char *text);

/* unique_machine_id - write /etc/machine-id, for programs that tell machines apart by it
 * (machine-id(5)): 32 digits of the pool. 0 or -errno. */
int unique_machine_id(const struct unique *u);

#endif
