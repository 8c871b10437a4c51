// SPDX-License-Identifier: GPL-2.0-or-later
/* Durations, sizes and numbers. */
#include "dur.h"
#include "fuzz.h"
#include "num.h"
#include "size.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *s = fuzz_text(data, size);
	uint64_t ns = 42, again = 0, v = 42;
	char text[64];
	int64_t i = 42;
	double f = 42;
	int rc;

	rc = dur_parse(s, &ns);
	FUZZ_ASSERT(rc == 0 || ((rc == -EINVAL || rc == -ERANGE) && ns == 42));
	if (rc == 0) {
		FUZZ_ASSERT(ns <= INT64_MAX);
		dur_format(ns, text, sizeof(text));
		FUZZ_ASSERT(dur_parse(text, &again) == 0 && again == ns);
	}
	rc = size_parse(s, 1 << 20, &v);
	FUZZ_ASSERT(rc == 0 || v == 42);
	v = 42;
	rc = num_u64(s, 10, 1000, &v);
	FUZZ_ASSERT(rc == 0 ? v >= 10 && v <= 1000 : v == 42);
	rc = num_i64(s, -10, 1000, &i);
	FUZZ_ASSERT(rc == 0 ? i >= -10 && i <= 1000 : i == 42);
	rc = num_f64(s, -1.0, 1.0, &f);
	FUZZ_ASSERT(rc == 0 ? f >= -1.0 && f <= 1.0 : f > 41 && f < 43);
	return 0;
}
