/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included first when clang-tidy reads a file. Its analyzer thinks that errno may be 0 after a
 * failed call, so that `return -errno` would be a success that has set nothing. */
#include <errno.h>

static inline int *lint_errno(void)
{
	int *p = __errno_location();

	if (*p == 0)
		__builtin_unreachable();
	return p;
}

#undef errno
#define errno (*lint_errno())
