// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/self/mountinfo and /proc/self/cgroup, the two with a NUL between. */
#include "cgself.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cgself cg, again; /* static for their size only */
	AUTO_FREE char *text = fuzz_text(data, size);
	const char *cgroup = memchr(text, '\0', size);

	cgroup = cgroup ? cgroup + 1 : "";
	cgself_parse(text, cgroup, &cg);
	/* A directory is one below its mount. */
	FUZZ_ASSERT(cg.v2 || (!cg.v2_mount[0] && !cg.v2_dir[0]));
	FUZZ_ASSERT(strncmp(cg.v2_dir, cg.v2_mount, cg.v2_dir[0] ? strlen(cg.v2_mount) : 0) == 0);
	FUZZ_ASSERT(strncmp(cg.set_dir, cg.set_mount, cg.set_dir[0] ? strlen(cg.set_mount) : 0) ==
		    0);
	memset(&again, 0x55, sizeof(again)); /* nothing of before may stay */
	cgself_parse(text, cgroup, &again);
	FUZZ_ASSERT(cg.v1 == again.v1 && cg.v2 == again.v2);
	FUZZ_ASSERT(strcmp(cg.v2_dir, again.v2_dir) == 0 && strcmp(cg.set_dir, again.set_dir) == 0);
	return 0;
}
