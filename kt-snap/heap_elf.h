/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a program or library that has jemalloc in it keeps a thread's counters. */
#ifndef KT_SNAP_HEAP_ELF_H
#define KT_SNAP_HEAP_ELF_H

#include <stdbool.h>
#include <stdint.h>

struct heap_elf {
	bool jemalloc; /* it is in there */
	bool known; /* and of a version whose layout is known; else what follows means nothing */
	/* In a program: the bytes from the thread pointer to the first counter. In a library, which
	 * the loader gives its place: bytes to the counter from where the word at `got` points,
	 * relative to the thread pointer. */
	int64_t offset;
	bool library;
	uint64_t got; /* address of that word, and of the file's first byte, both before loading */
	uint64_t base;
};

/* The two counters are this far apart. */
#define HEAP_DEALLOCATED 16

/* heap_elf_read - look into an ELF file of this machine's kind; anything else, damage too, is one
 * without jemalloc.
 *   library  it is one called libjemalloc, loaded beside a program; else it is the program
 * Returns 0, or -errno of reading and -ENOMEM. */
int heap_elf_read(int fd, bool library, struct heap_elf *ret);

#endif
