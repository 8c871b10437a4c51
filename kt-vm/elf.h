/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the run-time loader would read in an ELF file: its interpreter and the libraries it names.
 */
#ifndef KT_ELF_H
#define KT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf {
	uint8_t class; /* ELFCLASS32, ELFCLASS64 */
	uint16_t machine; /* EM_… */
	bool foreign; /* of the other byte order: nothing below is known */
	bool nodeflib; /* DF_1_NODEFLIB: neither ld.so.cache nor the default directories */
	const char *interp; /* PT_INTERP, or NULL; this and the texts below point into the file */
	const char *soname, *rpath, *runpath; /* or NULL */
	const char **needed; /* DT_NEEDED in order; freed by elf_free() */
	size_t n_needed;
	uint64_t loaded_end; /* nothing of the file from here on is needed to run it; 0: unknown */
};

/* elf_parse - look at a whole file of len bytes.
 * Returns 1 for a program or shared library; 0 for anything that is none (an object file, a core,
 * no ELF at all); -EBADMSG when it claims to be one and contradicts itself or its size; -ENOMEM.
 * *ret is to be freed after 1 only. */
int elf_parse(const void *file, size_t len, struct elf *ret);

void elf_free(struct elf *e);

/* elf_trim - the first n bytes (64 are enough) of a file whose end from loaded_end on is left out:
 * they no longer name the section headers. */
void elf_trim(void *head, size_t n);

#endif
