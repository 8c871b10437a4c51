/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance mode on this machine: its topology, its CPUs by kt-reserve, QEMU's threads. */
#ifndef KT_PERF_HOST_H
#define KT_PERF_HOST_H

#include "perf.h"

#include <sys/types.h>

/* perf_host_topo - the machine below root_dir; NULL: this one. Returns 0 or -errno, reported. */
int perf_host_topo(const char *root_dir, struct topo *ret);

/* perf_host_plan - plan for that machine: with all that this process may use, or, reserved, with
 * what kt-reserve has told in the environment. Returns 0, or kt-vm's exit status, reported.
 * perf_free in any case. */
int perf_host_plan(const char *root_dir, bool reserved, const struct topospec *guest,
		   struct perf *ret);

/* perf_host_reserve - become kt-reserve, which starts argv again. Returns -errno. */
int perf_host_reserve(const struct perf *p, bool quiet, char *const argv[]);

/* perf_host_begin - before QEMU is started: see what can be done, and go to the service CPU, so
 * that all threads of QEMU begin there. */
void perf_host_begin(struct perf *p, bool kvm);

/* perf_host_apply - QEMU runs, and tids[] are the threads of its n CPUs. What cannot be done is
 * said, unless p->quiet. */
void perf_host_apply(struct perf *p, const pid_t *tids, size_t n);

#endif
