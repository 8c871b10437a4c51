// SPDX-License-Identifier: GPL-2.0-or-later
/* CPU lists and masks. */
#include "cpuset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cpuset s, again; /* static for their size only */
	AUTO_FREE char *text = fuzz_text(data, size);
	static char list[CPUSET_TEXT];
	unsigned int n = 0;
	int i;

	memset(&s, 0, sizeof(s));
	if (cpuset_parse(text, &s) == 0) {
		FUZZ_ASSERT(cpuset_parse(cpuset_format(&s, list, sizeof(list)), &again) == 0);
		FUZZ_ASSERT(cpuset_equal(&s, &again));
		for (i = -1; (i = cpuset_next(&s, i + 1)) >= 0; n++)
			FUZZ_ASSERT(cpuset_has(&s, (unsigned int)i) && cpuset_nth(&s, n) == i);
		FUZZ_ASSERT(n == cpuset_count(&s) && cpuset_empty(&s) == (n == 0));
	} else {
		FUZZ_ASSERT(cpuset_empty(&s));
	}
	memset(&s, 0, sizeof(s));
	if (cpuset_parse_mask(text, &s) == 0) {
		FUZZ_ASSERT(cpuset_parse(cpuset_format(&s, list, sizeof(list)), &again) == 0);
		FUZZ_ASSERT(cpuset_equal(&s, &again));
	} else {
		FUZZ_ASSERT(cpuset_empty(&s));
	}
	return 0;
}
