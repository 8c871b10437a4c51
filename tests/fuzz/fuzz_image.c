// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel images and configurations: any bytes are a kernel or none, with a printable release. */
#include "config.h"
#include "fuzz.h"
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *copy = malloc(size ? size : 1);
	struct config c;
	struct image im;
	const char *s;
	size_t i;

	if (!copy)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	image_parse(copy, size, size, &im);
	FUZZ_ASSERT(im.bytes == size && (im.kind != IMAGE_NONE) == (im.why[0] == '\0'));
	FUZZ_ASSERT((image_kind_text(im.kind) != NULL) == (im.kind != IMAGE_NONE));
	for (s = im.release; *s; s++)
		FUZZ_ASSERT(*s > ' ' && *s < 127);
	FUZZ_ASSERT(s < im.release + sizeof(im.release));
	config_read(&c, (const char *)copy, size);
	for (i = 0; config_needs[i].option; i++)
		FUZZ_ASSERT(c.have[i] != 'y' || !config_lacks(&c, i, "x86_64"));
	return 0;
}
