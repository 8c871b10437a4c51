/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the description of a machine to QEMU's command line. */
#ifndef KT_QEMU_H
#define KT_QEMU_H

#include "perf.h"
#include "topospec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vm_role {
	VM_COLD, /* boots, and goes on */
	VM_SAVE, /* boots with its memory in files, and stops where it can be saved */
	VM_RESTORE, /* goes on from there, its memory a private copy of the files */
};

struct vm_spec {
	enum vm_role role;
	const char *qemu; /* the program, looked up in PATH */
	const char *kernel; /* path */
	int head_fd; /* VM_RESTORE: instead of it, see kernfile_head(); -1: none */
	const char *append; /* more kernel arguments; NULL: none */
	struct topospec topo;
	uint64_t mem_mib;
	bool kvm; /* else TCG */
	bool virt; /* virtual time, TCG only */
	bool qboot; /* with firmware that does next to nothing, instead of QEMU's default */
	bool verbose; /* all kernel messages on the console */
	struct perf *perf; /* performance mode, VM_COLD only; NULL: no */
	/* QEMU's ends: sockets, but in virtual time the four outputs are regular files, which take
	 * everything at once, so that no reader's pace reaches the guest. */
	int serial_fd, ctl_fd, in_fd, out_fd, err_fd, qmp_fd;
	int initrd_fd;
	int page_fd; /* PAGE_BYTES of a file, see page.h */
	int ram_fd; /* a directory: files ram0, ram1, … a node each. Not for VM_COLD */
};

struct args {
	char **v; /* ends with NULL */
	size_t n, cap;
	int err; /* -ENOMEM once something could not be added */
};

/* qemu_max_apic_id - the highest APIC id of a topology: each level takes a whole number of bits. */
unsigned int qemu_max_apic_id(const struct topospec *t);

#define QEMU_TCG_APIC_IDS 255 /* ids from this on need KVM's split interrupt controller */
#define QEMU_CPUS 288 /* what q35 allows */
#define QEMU_QBOOT "qboot.rom" /* among QEMU's data files */

/* qemu_args - the whole command line. Returns 0 or -ENOMEM; args_free in any case. */
int qemu_args(const struct vm_spec *s, struct args *ret);

void args_free(struct args *a);

#endif
