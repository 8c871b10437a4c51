// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF files: any bytes are told apart, and what is read lies inside of them. */
#include "elf.h"
#include "fuzz.h"

#include <errno.h>

static void inside(const uint8_t *p, size_t size, const char *s)
{
	const uint8_t *b = (const uint8_t *)s;

	if (s)
		FUZZ_ASSERT(b >= p && b < p + size && memchr(b, '\0', (size_t)(p + size - b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *copy = malloc(size ? size : 1);
	struct elf e;
	size_t i;
	int rc;

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	rc = elf_parse(copy, size, &e);
	FUZZ_ASSERT(rc == 1 || rc == 0 || rc == -EBADMSG || rc == -ENOMEM);
	if (rc != 1)
		return 0;
	FUZZ_ASSERT(e.n_needed == 0 || !e.foreign);
	for (i = 0; i < e.n_needed; i++)
		inside(copy, size, e.needed[i]);
	inside(copy, size, e.interp);
	inside(copy, size, e.soname);
	inside(copy, size, e.rpath);
	inside(copy, size, e.runpath);
	FUZZ_ASSERT(e.loaded_end < size || e.loaded_end == 0);
	if (e.loaded_end > 0) {
		/* Without its end it needs the same, and has no end left to lose. */
		struct elf less;

		elf_trim(copy, size);
		FUZZ_ASSERT(elf_parse(copy, e.loaded_end, &less) == 1);
		FUZZ_ASSERT(less.n_needed == e.n_needed && less.loaded_end == 0);
		elf_free(&less);
	}
	elf_free(&e);
	return 0;
}
