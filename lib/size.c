/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes. */
#include "size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int size_parse(const char *s, uint64_t bare, uint64_t *ret_bytes)
{
	static const char letters[] = "KMGT";
	uint64_t unit = bare, bytes;
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno != 0)
		return -ERANGE;
	if (*end != '\0') {
		const char *l = strchr(letters, *end);

		if (!l || end[1] != '\0')
			return -EINVAL;
		unit = (uint64_t)1 << (10 * (l - letters + 1));
	}
	if (__builtin_mul_overflow((uint64_t)v, unit, &bytes))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}
