/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of one machine: starts QEMU, carries bytes both ways, finds out how it ended. */
#ifndef KT_RUN_H
#define KT_RUN_H

#include "buf.h"
#include "qemu.h"
#include "shell.h"

#include <stdbool.h>
#include <stdint.h>

enum vm_outcome {
	VM_OK, /* the command ended with 0 */
	VM_GUEST_EXIT, /* it ended otherwise, or could not be started */
	VM_PANIC, /* the guest's kernel died, or was reset, while it ran */
	VM_TIMEOUT, /* of the user, or no sign of life */
	VM_BOOT_FAIL, /* kt-init never got ready */
	VM_HOST_ERROR, /* QEMU, this machine, or a signal to us */
	VM_SKIP, /* this accelerator cannot have such a machine */
};

struct vm_opts {
	struct vm_spec spec;
	const char
		*perf_off; /* why performance mode, asked for, is not active; NULL: see spec.perf */
	uint64_t seed; /* of what is random in the guest */
	const char *template; /* key of the one that the machine is restored from; NULL: it boots */
	int state_fd; /* what QEMU saved of it */
	const struct buf *earlier; /* what its console has said until then; NULL: nothing */
	uint64_t timeout_ns; /* 0: none */
	uint64_t boot_ns; /* until kt-init is ready: of this machine's time, or with virt of QEMU's
			   */
	bool records; /* standard output as records, between meta and end */
	bool dmesg; /* console to standard error */
	bool retry; /* a boot that QEMU has spoiled may be repeated: see `again` below */
	bool probe; /* when it never gets ready, return in silence: the caller has another way */
	int sig_fd; /* from sig_block() */
	int stdin_fd; /* streamed into the guest (real clock only); -1: none */
	struct shell
		*shell; /* there a person types, and the command has a terminal; NULL: not so */
	int console_fd; /* gets the whole console; -1: none */
};

struct vm_end {
	enum vm_outcome outcome;
	int status; /* exit status of kt-vm */
	bool ready; /* kt-init had got ready */
	/* QEMU before 8.1 may keep the translation of an instruction that the kernel is just
	 * patching (several threads of emulation, a busy host): a breakpoint is hit that is there
	 * no more, and the boot ends in "Oops: int3". Nothing has been told then; try again. */
	bool again;
	bool stale; /* the template did not restore; nothing has been told */
	bool no_exec; /* the command could not be executed: reason is strerror's text */
	char reason[600]; /* "" for VM_OK and for a command that ended with a status */
};

/* vm_run - returns 0 when *ret tells how it ended (the user has been told too, unless probe), or
 * -errno, reported, when it could not be started at all. */
int vm_run(const struct vm_opts *o, struct vm_end *ret);

/* vm_refuse - the same for a machine that is not even started: records and message. 0 or -errno. */
int vm_refuse(const struct vm_opts *o, struct vm_end *ret, enum vm_outcome outcome, int status,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

const char *vm_outcome_name(enum vm_outcome o);

#endif
