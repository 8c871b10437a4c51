// SPDX-License-Identifier: GPL-2.0-or-later
/* Plan streams, line by line. */
#include "fuzz.h"
#include "planfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plans ps = { 0 };
	const char *p = (const char *)data, *end = p + size;
	unsigned long n = 0;
	int rc = 0;

	while (p < end && rc == 0) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		AUTO_FREE char *line = fuzz_text((const uint8_t *)p, len);

		rc = plans_add_line(&ps, "fuzz", ++n, line, len);
		p += len + (nl != NULL);
	}
	if (rc == 0)
		rc = plans_done(&ps, "fuzz");
	FUZZ_ASSERT((rc == 0) == !ps.err[0]);
	plans_free(&ps);
	return 0;
}
