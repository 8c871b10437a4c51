// SPDX-License-Identifier: GPL-2.0-or-later
/* The library cache: any bytes give paths that lie inside of them, or an error. */
#include "fuzz.h"
#include "ldso.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>

struct range {
	const char *p;
	size_t n;
};

static int one(const char *path, void *arg)
{
	const struct range *r = arg;
	char clean[PATH_MAX], again[PATH_MAX];

	FUZZ_ASSERT(path >= r->p && path < r->p + r->n);
	if (path_clean(path, clean, sizeof(clean))) {
		FUZZ_ASSERT(clean[0] == '/' && !strstr(clean, "//") && !strstr(clean, "/../"));
		FUZZ_ASSERT(strcmp(path_clean(clean, again, sizeof(again)), clean) == 0);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = malloc(size ? size : 1);
	struct ldso_cache c = { copy, size };
	struct range r = { copy, size };
	int rc;

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	rc = ldso_cache_each(&c, "libx.so.1", ELFCLASS64, EM_X86_64, one, &r);
	FUZZ_ASSERT(rc == 0 || rc == -EBADMSG);
	rc = ldso_cache_each(&c, "", ELFCLASS32, EM_386, one, &r);
	FUZZ_ASSERT(rc == 0 || rc == -EBADMSG);
	return 0;
}
