// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines: what comes out is what went in, without the newlines. */
#include "fuzz.h"
#include "ndjson.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD fd = memfd_create("fuzz", MFD_CLOEXEC);
	size_t len, at = 0, lines = 0, newlines = 0, i;
	struct ndjson nd;
	char *line;
	int rc;

	FUZZ_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size &&
		    lseek(fd, 0, SEEK_SET) == 0);
	for (i = 0; i < size; i++)
		newlines += data[i] == '\n';
	ndjson_init(&nd, fd);
	while ((rc = ndjson_next(&nd, &line, &len)) == 1) {
		FUZZ_ASSERT(++lines == nd.line && line[len] == '\0');
		FUZZ_ASSERT(at + len <= size && memcmp(line, data + at, len) == 0);
		at += len;
		FUZZ_ASSERT(at == size || data[at] == '\n');
		at += at < size;
	}
	FUZZ_ASSERT(rc == 0 && at == size);
	FUZZ_ASSERT(lines == newlines + (size > 0 && data[size - 1] != '\n'));
	ndjson_free(&nd);
	return 0;
}
