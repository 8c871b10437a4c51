// SPDX-License-Identifier: GPL-2.0-or-later
/* metadata.json of the kernel cache: any bytes are damaged or fill a kernel, which written again is
 * the same. */
#include "fuzz.h"
#include "metadata.h"

static void check(const struct kernel *k)
{
	size_t i;

	FUZZ_ASSERT((k->damage != DAMAGE_NONE) == (k->corrupt[0] != '\0'));
	FUZZ_ASSERT(k->n_files <= KERNEL_FILES);
	if (k->damage)
		return;
	FUZZ_ASSERT(k->version[0] && k->source[0] && k->machine[0] && k->image[0] && k->built[0]);
	FUZZ_ASSERT(kernel_hash(k, k->image)[0]);
	for (i = 0; i < k->n_files; i++)
		FUZZ_ASSERT(k->files[i].name[0] && k->files[i].name[0] != '.' &&
			    !strchr(k->files[i].name, '/') && strlen(k->files[i].sha256) == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *copy = malloc(size ? size : 1);
	AUTO_BUF text = BUF_INIT, again = BUF_INIT;
	static struct kernel a, b;

	if (!copy)
		abort();
	if (size == 0)
		return 0;
	memcpy(copy, data, size);
	kernel_init(&a);
	metadata_parse(copy, size, &a);
	check(&a);
	if (a.damage)
		return 0;
	FUZZ_ASSERT(metadata_text(&a, &text) == 0);
	kernel_init(&b);
	metadata_parse(text.p, text.len, &b);
	FUZZ_ASSERT(!b.damage);
	FUZZ_ASSERT(metadata_text(&b, &again) == 0);
	FUZZ_ASSERT(text.len == again.len && memcmp(text.p, again.p, text.len) == 0);
	return 0;
}
