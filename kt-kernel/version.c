/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of version strings, as Debian Policy 5.6.12 defines it (without epochs). */
#include "version.h"

#include <ctype.h>
#include <string.h>

/* The weight of a character in the parts of a version that are no numbers: "~" before the end,
 * letters before everything else. */
static int weight(int c)
{
	return c == '~' ? -1 : isdigit(c) || c == '\0' ? 0 : isalpha(c) ? c : c + 256;
}

int version_compare(const char *a, const char *b)
{
	while (*a || *b) {
		const char *x, *y;
		size_t n, m;
		int diff;

		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			diff = weight((unsigned char)*a) - weight((unsigned char)*b);
			if (diff != 0)
				return diff;
			a++, b++;
		}
		while (*a == '0')
			a++;
		while (*b == '0')
			b++;
		x = a, y = b;
		while (isdigit((unsigned char)*a))
			a++;
		while (isdigit((unsigned char)*b))
			b++;
		n = (size_t)(a - x), m = (size_t)(b - y);
		if (n != m)
			return n < m ? -1 : 1;
		diff = strncmp(x, y, n);
		if (diff != 0)
			return diff;
	}
	return 0;
}
