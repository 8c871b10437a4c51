// SPDX-License-Identifier: GPL-2.0-or-later
/* The flat-record scanner: by prediction or through jansson, a record has the same values. The
 * lines of the input follow each other, so that each can be the prediction for the next. */
#include "fuzz.h"

#include "scan.h"

/* Ids as a tool gives them: some names have one, others are passed over. */
static int id_of(const char *name, size_t len)
{
	static const char *const names[] = { "type", "a", "b", "tid", "comm", "run_time_ns" };
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	return -1;
}

static void compare(const struct scan *x, const struct scan *y)
{
	size_t i;

	for (i = 0; i < SCAN_IDS; i++) {
		const struct scan_val *a = &x->vals[i], *b = &y->vals[i];

		FUZZ_ASSERT(a->kind == b->kind);
		if (a->kind == SCAN_UINT || a->kind == SCAN_NEG)
			FUZZ_ASSERT(a->u == b->u);
		if (a->kind == SCAN_STR)
			FUZZ_ASSERT(a->len == b->len && memcmp(a->s, b->s, a->len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *nl;
	static struct scan fast, slow; /* large */

	scan_init(&fast, id_of);
	scan_init(&slow, id_of);
	for (; data < end; data = nl + 1) {
		size_t len;
		char *line;
		int rc;

		nl = memchr(data, '\n', (size_t)(end - data));
		nl = nl ? nl : end;
		len = (size_t)(nl - data);
		line = malloc(len + 1 + SCAN_SLACK);
		FUZZ_ASSERT(line);
		memcpy(line, data, len);
		line[len] = '\n';
		/* What lies behind a line is the next one, or one that was there before. */
		memset(line + len + 1, '"', SCAN_SLACK);
		rc = scan_line(&fast, line, len);
		FUZZ_ASSERT(rc == scan_parse(&slow, line, len));
		if (rc == 0)
			compare(&fast, &slow);
		free(line);
	}
	scan_free(&fast);
	scan_free(&slow);
	return 0;
}
