// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-snap: what is found in small ELF files, the fuzz target's, and in lines of /proc/PID/maps.
 */
#include "cleanup.h"
#include "heap.h"
#include "heap_elf.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

static void look(const char *name, bool library, const char *want)
{
	char path[128], got[128] = "error";
	struct heap_elf e;
	AUTO_FD fd = -1;

	(void)snprintf(path, sizeof(path), "tests/fuzz/corpus/heap_elf/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && heap_elf_read(fd, library, &e) == 0)
		(void)snprintf(got, sizeof(got), "%d %d %" PRId64 " %" PRIx64, e.jemalloc, e.known,
			       e.known ? e.offset : 0, e.known ? e.got : 0);
	ok_str(got, want, "%s as a %s", name, library ? "library" : "program");
}

static void map(const char *line, uint64_t want)
{
	const char *path = "";
	uint64_t got = heap_map_line(line, &path);

	ok(got == want && (want == 0 || *path == '/'), "%s", line);
}

int main(void)
{
	look("program", false, "1 1 -1808 0"); /* 824 - 2632 */
	look("library", true, "1 1 824 ccf78");
	look("library", false, "0 0 0 0");
	look("program", true, "1 0 0 0");
	look("maps", true, "0 0 0 0");
	look("maps", false, "0 0 0 0");
	map("7f0d-7f0e r--p 00000000 fe:00 12      /usr/lib/libjemalloc.so.2", 0x7f0d);
	map("7f0d-7f0e r--p 00000000 fe:00 12      /usr/l b/libjemalloc.so", 0x7f0d);
	map("7f0d-7f0e r-xp 00001000 fe:00 12      /usr/lib/libjemalloc.so.2", 0);
	map("7f0d-7f0e r--p 00000000 fe:00 12      /usr/lib/libc.so.6", 0);
	map("7f0d-7f0e r--p 00000000 fe:00 12      /libjemalloc.so.2/x", 0);
	map("7f0d-7f0e rw-p 00000000 00:00 0 ", 0);
	map("11111111111111111-2 r--p 00000000 fe:00 12 /libjemalloc.so.2", 0);
	map("", 0);
	return tap_done();
}
