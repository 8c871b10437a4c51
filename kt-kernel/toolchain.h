/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel is built with: compiler, linker, pahole, and the variables that choose them. */
#ifndef KT_TOOLCHAIN_H
#define KT_TOOLCHAIN_H

#include "buf.h"
#include "child.h"

#include <stdbool.h>

struct toolchain {
	char machine[65]; /* the kernel's, as uname -m says: "x86_64" */
	const char *image; /* its path in a tree: "arch/x86/boot/bzImage" */
	const char *image_name; /* in the cache; also make's target: "bzImage", "Image" */
	char text[1024]; /* "gcc (Debian …) 12.2.0, GNU ld … 2.40, pahole v1.24, LLVM=1" */
	char objcopy[256]; /* command that strips */
	char *vars[12]; /* "CC=clang", for make's command line; owned */
	size_t n_vars;
};

/* toolchain_read - ask them for their versions. The environment's ARCH, LLVM, CROSS_COMPILE, CC,
 * LD, PAHOLE and KCFLAGS count, as they do for the kernel's Makefile, and CC, LD and PAHOLE also
 * where that would not take them from the environment. Returns 0; -ENOENT when something without
 * which no kernel can be built is not there (said); -EOPNOTSUPP for a machine that we cannot boot
 * (said); or another -errno (said). Free it in any case. */
int toolchain_read(struct toolchain *t);

/* toolchain_programs - is all there that every kernel's Makefile needs? All that is missing is said
 * in one line. 0 or -ENOENT. */
int toolchain_programs(void);

/* toolchain_machine - find out the machine alone. As toolchain_read. */
int toolchain_machine(struct toolchain *t);

void toolchain_free(struct toolchain *t);

#endif
