// SPDX-License-Identifier: GPL-2.0-or-later
/* Topology specs, CPU specs and partitions. */
#include "cpuspec.h"
#include "fuzz.h"
#include "topospec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cpuset set;
	AUTO_FREE char *text = fuzz_text(data, size);
	struct topospec s, again;
	char out[TOPOSPEC_TEXT], why[CPUSPEC_WHY];

	if (topospec_parse(text, &s) == 0) {
		FUZZ_ASSERT(topospec_cpus(&s) >= 1 && topospec_cpus(&s) <= CPUSET_MAX);
		FUZZ_ASSERT(s.llcs % s.nodes == 0);
		FUZZ_ASSERT(topospec_parse(topospec_format(&s, out), &again) == 0);
		FUZZ_ASSERT(s.nodes == again.nodes && s.llcs == again.llcs &&
			    s.cores == again.cores && s.threads == again.threads);
	}
	(void)cpuspec_resolve(NULL, text, &set, why); /* any answer is fine, a crash is not */
	(void)cpupart_resolve(NULL, text, 2, &set, why);
	return 0;
}
