/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CPU for all of QEMU: in virtual time two of its threads must never run at once. */
#ifndef KT_PIN_H
#define KT_PIN_H

#include "cpuset.h"

#include <sys/types.h>

struct pin {
	struct cpuset old;
	int slot_fd;
	bool on;
};

/* pin_begin - put the caller, and so the children it starts, on one of its allowed CPUs: where the
 * fewest other machines of ours are. When that cannot be done nothing changes. */
void pin_begin(struct pin *p, bool on);

/* pin_end - put the caller back where it was. The CPU counts as taken as long as slot_fd is open;
 * the caller closes it. */
void pin_end(struct pin *p);

/* pin_main - let the main thread of a QEMU that has just started go before everything else on its
 * CPU, where we may. It hardly runs, but it must not matter to the guest when: what it has to do is
 * then done at the instruction that caused it, however busy this machine is. The threads that it
 * starts have the normal policy. */
void pin_main(pid_t pid);

#endif
