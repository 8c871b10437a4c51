// SPDX-License-Identifier: GPL-2.0-or-later
/* Patterns and conditions of kt-snap-diff: the first byte cuts the input into a pattern and a text.
 * What glob_check accepts can be matched, and a text fits itself when each of its characters is
 * escaped. */
#include "fuzz.h"

#include "buf.h"
#include "failif.h"
#include "glob.h"

static void conditions(const char *text)
{
	struct fail_if f;
	size_t at = 0;
	const char *what = fail_parse(&f, text, &at);

	FUZZ_ASSERT(!what || at <= strlen(text));
	FUZZ_ASSERT(what || metric_compared(f.metric));
	if (!what)
		fail_free(&f);
}

static void patterns(const char *pattern, const char *text)
{
	AUTO_BUF same = BUF_INIT;
	size_t at = 0, len = strlen(text);
	const char *p;
	bool names;

	FUZZ_ASSERT(!glob_check(pattern, &at) || at <= strlen(pattern));
	if (!glob_check(pattern, &at)) {
		names = glob_match(pattern, text, len, true);
		/* Where nothing is a path, there is no more than one component. */
		if (!memchr(text, '/', len) && !strchr(pattern, '/'))
			FUZZ_ASSERT(glob_match(pattern, text, len, false) == names);
	}
	if (len == 0)
		return;
	for (p = text; *p != '\0'; p++) {
		buf_chr(&same, '\\');
		buf_chr(&same, *p);
	}
	FUZZ_ASSERT(same.err == 0 && !glob_check(same.p, &at));
	FUZZ_ASSERT(glob_match(same.p, text, len, false));
	FUZZ_ASSERT(!glob_match(same.p, text, len - 1, false));
	FUZZ_ASSERT(glob_match("**", text, len, false));
	FUZZ_ASSERT(glob_match("*", text, len, false) == !memchr(text, '/', len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	size_t cut;

	conditions(text);
	if (size < 2)
		return 0;
	cut = data[0] % size;
	{
		AUTO_FREE char *pattern = fuzz_text(data + 1, cut);
		AUTO_FREE char *rest = fuzz_text(data + 1 + (cut < size - 1 ? cut : size - 1),
						 cut < size - 1 ? size - 1 - cut : 0);

		patterns(pattern, rest);
	}
	return 0;
}
