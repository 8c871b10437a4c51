/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads one BPF program from the object file that clang made of it: finds where the members that it
 * reads lie in the running kernel ("compile once, run everywhere", the relocations of .BTF.ext) and
 * hands it to the kernel.
 *
 * libbpf does that for any object; for ours it took 45 ms, since it goes through all types of the
 * kernel for each name that is read; this takes 1.3 ms. It takes what we need of it: one program
 * without functions of its own, one block of global variables, relocations of whole members. */
#ifndef KT_CORE_H
#define KT_CORE_H

#include "kbtf.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct core {
	struct bpf_insn *insn; /* a copy of the program's, relocated in place; owned */
	uint32_t n_insns;
	uint32_t bss_bytes; /* the block of global variables */
	const char *license; /* in the object */
	struct kbtf local; /* types as the program knows them */
	const struct core_relo *relo; /* in the object */
	uint32_t n_relos, relo_bytes;
	uint8_t *poison; /* by instruction: reads what this kernel does not have; owned */
	uint32_t *map_ref; /* instructions that take the address of a global variable; owned */
	uint32_t n_map_refs;
	struct kbtf_want *want; /* names of the kernel's that matter; owned */
	unsigned int n_want;
	uint32_t attach_id; /* type id of the function to attach to */
	char why[160]; /* in words, after a failure */
};

/* core_open - take an object apart. elf stays the caller's, and must stay.
 *   section  of the program, "iter/task"
 *   attach   function of the kernel that it is for, "bpf_iter_task"
 * Returns 0 or -errno, with c->why; core_close() in either case. */
int core_open(const void *elf, size_t len, const char *section, const char *attach, struct core *c);

/* core_relocate - make it fit the kernel whose BTF lies in a file ("/sys/kernel/btf/vmlinux") or,
 * with file NULL, in a blob. Instructions that read what the kernel does not have are replaced by
 * one that the verifier refuses if it is ever reached. As core_open. -ENOENT: no such file, or the
 * kernel lacks the function to attach to. */
int core_relocate(struct core *c, const char *file, const void *blob, size_t len);

/* core_load - create the map of the global variables, which is mapped to *ret_bss (bss_bytes of it,
 * zero, for as long as the process lives), and load the program. Returns its descriptor (the caller
 * closes it) or -errno. */
int core_load(struct core *c, const char *name, void **ret_bss);

void core_close(struct core *c);

#endif
