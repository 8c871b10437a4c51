/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine cost, and where its time went: the `vm` record. */
#ifndef KT_USAGE_H
#define KT_USAGE_H

#include "jsonw.h"
#include "run.h"
#include "sample.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	/* Of this machine's time: until QEMU greeted us, until kt-init had its request, and from
	 * the command's start to its end. 0: it did not come to that. */
	uint64_t qemu_ns, ready_ns, command_ns;
	/* Of the guest's time: from the kernel's start to kt-init's, from there to its request. */
	uint64_t kernel_ns, init_ns;
	unsigned int nudges; /* qmp_nudge() that a sign of life followed */
	uint64_t guest_peak; /* bytes that the guest had in use at most; 0: not known */
	uint64_t private_bytes; /* memory that QEMU shares with nobody, at the end; 0: not known */
	struct thread_time *vcpus; /* one of each vCPU's thread, owned; not known: all 0 */
	size_t n_vcpus;
};

/* usage_take - of QEMU, while it runs. What cannot be had stays unknown. */
void usage_take(struct usage *u, pid_t pid);

/* usage_write - the record; returns what jsonw_end() says. */
int usage_write(struct jsonw *w, const struct usage *u, const struct vm_opts *o);

void usage_free(struct usage *u);

#endif
