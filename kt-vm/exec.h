/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user wants of a machine, and how it is had: kernel and archives are found, an
 * accelerator is chosen, a template is used, or made, or done without. */
#ifndef KT_EXEC_H
#define KT_EXEC_H

#include "run.h"
#include "template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum clock_mode {
	CLOCK_AUTO,
	CLOCK_VIRTUAL,
	CLOCK_REAL
};
enum accel_mode {
	ACCEL_AUTO,
	ACCEL_ONLY_KVM,
	ACCEL_ONLY_TCG
};

struct opts {
	struct vm_opts vm;
	const char *kernel, *initramfs, *console, *cpu_cap;
	const char **include; /* n_include of them, FILE[:DEST] */
	size_t n_include;
	enum clock_mode clock;
	enum accel_mode accel;
	bool no_stdin, quiet, seeded, cold, all;
	bool perf, no_perf, plan_only;
	struct perf plan; /* when vm.spec.perf is not NULL */
	const char *root_dir; /* of the machine to plan for; NULL: this one */
	uint64_t boot_ns; /* 0: the default */
	uint64_t max_bytes; /* of all templates together */
	const char *script; /* of `shell --exec` */
	char *const *cmd;
};

/* exec_run - run o->cmd in a machine. Returns kt-vm's exit status. */
int exec_run(struct opts *o);

/* exec_show - print what exec_run() would start. Returns kt-vm's exit status. */
int exec_show(struct opts *o);

/* exec_prepare - only see to it that there is a template. *t is open then and has its lock; key
 * and all belong to the caller. *ret_made: it was not there before. Returns 0, or -errno, reported.
 */
int exec_prepare(struct opts *o, struct template *t, bool *ret_made);

#endif
