// SPDX-License-Identifier: GPL-2.0-or-later
/* Fragments of a configuration, and what was made of them: the input is both, with a NUL between.
 */
#include "fuzz.h"
#include "kconfig.h"

static void count(const char *name, const char *was, const char *is, void *arg)
{
	FUZZ_ASSERT(*name && strcmp(was, is) != 0);
	++*(unsigned *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	size_t len = strlen(text), i;
	const char *config = len < size ? text + len + 1 : "";
	size_t config_len = len < size ? size - len - 1 : 0;
	struct wants w = { 0 }, again = { 0 };
	AUTO_BUF b = BUF_INIT;
	unsigned n = 0;

	if (kconfig_add(&w, "fuzz", text, len, "x86_64") == 0) {
		FUZZ_ASSERT(kconfig_text(&w, &b) == 0);
		/* What is printed of it is read as the same, and honours itself. */
		FUZZ_ASSERT(kconfig_add(&again, "again", b.p ? b.p : "", b.len, "aarch64") == 0);
		FUZZ_ASSERT(again.n == w.n);
		for (i = 0; i < w.n; i++) {
			FUZZ_ASSERT(strcmp(w.v[i].name, again.v[i].name) == 0);
			FUZZ_ASSERT(strcmp(w.v[i].value, again.v[i].value) == 0);
			FUZZ_ASSERT(strlen(w.v[i].name) > 150 ||
				    kconfig_honours(b.p, b.len, &w.v[i]));
			(void)kconfig_honours(config, config_len, &w.v[i]);
		}
	}
	kconfig_changes(text, len, text, len, count, &n);
	kconfig_changes(text, len, config, config_len, count, &n);
	kconfig_free(&w);
	kconfig_free(&again);
	return 0;
}
