/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the BPF program of bpf/snap.bpf.c into the running kernel. */
#ifndef KT_PROG_H
#define KT_PROG_H

#include "snap.h"

#include <stdbool.h>

struct prog {
	int fd; /* of the program; -1: none */
	struct snap_shared *shared; /* the program's global variable, in memory of both */
	struct snap *light; /* whatever way it was loaded; owned */
	struct snap_plain *plain;
	struct bpf_object *object;
};

/* prog_load - plain: it need not know of namespaces and delay accounting, and may be one that does
 * not; by prog_load_light(), and where that fails by prog_load_libbpf(). Returns 0; or
 * -errno with ret_why in words (a string of this module's). prog_close() in the first case. */
int prog_load(struct prog *ret, bool plain, const char **ret_why);

/* prog_load_light - by the light skeleton: a loader program runs in the kernel, where also the
 * members that are read are found ("compile once, run everywhere"), since 5.17. It says nothing but
 * the errno. */
int prog_load_light(struct prog *ret, bool plain);

/* prog_load_libbpf - by libbpf, on any kernel with BTF and task iterators (5.8); it goes through
 * all types of the kernel for each type that is read, which takes ten times as long. */
int prog_load_libbpf(struct prog *ret, const char **ret_why);

void prog_close(struct prog *p);

#endif
