// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that any user may run: what kt-snap looks for in them, as a program and as a library; lines
 * of /proc/PID/maps. */
#include "fuzz.h"
#include "heap.h"
#include "heap_elf.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	AUTO_FD fd = memfd_create("elf", MFD_CLOEXEC);
	const char *path = NULL;
	struct heap_elf e = { 0 };
	int library;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	for (library = 0; library < 2; library++) {
		FUZZ_ASSERT(heap_elf_read(fd, library, &e) == 0);
		FUZZ_ASSERT(!e.known || e.jemalloc);
		FUZZ_ASSERT(e.library == library);
	}
	if (heap_map_line(text, &path) > 0)
		FUZZ_ASSERT(path > text && *path == '/' && strstr(path, "libjemalloc.so"));
	return 0;
}
