// SPDX-License-Identifier: GPL-2.0-or-later
/* Archives of any bytes: each entry lies within them, has a name that stays below the directory,
 * and is followed by another one or the end. */
#include "fuzz.h"

#include "uncpio.h"

#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *copy = malloc(size ? size : 1);
	struct uncpio_entry e;
	size_t at = 0, before = 0;

	FUZZ_ASSERT(copy);
	if (size > 0)
		memcpy(copy, data, size);
	while (uncpio_next(copy, size, &at, &e) > 0) {
		FUZZ_ASSERT(at > before && at <= size);
		FUZZ_ASSERT(e.data >= copy && e.size <= (size_t)(copy + size - e.data));
		FUZZ_ASSERT(e.name[0] != '/' && e.name[0] != '\0' && strcmp(e.name, "..") != 0);
		FUZZ_ASSERT(strncmp(e.name, "../", 3) != 0 && !strstr(e.name, "/../"));
		FUZZ_ASSERT(S_ISDIR(e.mode) || S_ISREG(e.mode) || S_ISLNK(e.mode));
		before = at;
	}
	return 0;
}
