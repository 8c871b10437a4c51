// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of any bytes: nothing that a terminal obeys comes through, and rows are as wide as told. */
#include "fuzz.h"

#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	AUTO_FREE char *clean = text_clean(text);
	AUTO_FREE char *out = NULL;
	AUTO_FILE *f = NULL;
	size_t i, len = 0;
	struct table t;

	FUZZ_ASSERT(clean && strlen(clean) <= strlen(text));
	for (i = 0; clean[i] != '\0'; i++)
		FUZZ_ASSERT((unsigned char)clean[i] >= 0x20 && clean[i] != 0x7f);
	FUZZ_ASSERT(text_width(clean) <= 2 * strlen(clean));
	f = open_memstream(&out, &len);
	FUZZ_ASSERT(f);
	table_init(&t, 2);
	table_right(&t, 1);
	table_cell(&t, text, INK_HEAD);
	table_cell(&t, NULL, INK_NONE);
	table_cell(&t, "", INK_NONE);
	table_cell(&t, text, INK_BAD);
	FUZZ_ASSERT(table_print(&t, f, size % 2) == 0);
	table_free(&t);
	return 0;
}
