/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads are wanted. */
#include "filter.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

bool filter_comm(const char *const *pattern, size_t n_patterns, const char *name, size_t n)
{
	char text[64];
	size_t i;

	if (n_patterns == 0)
		return true;
	if (n >= sizeof(text))
		return false;
	memcpy(text, name, n);
	text[n] = '\0';
	for (i = 0; i < n_patterns; i++)
		if (fnmatch(pattern[i], text, 0) == 0)
			return true;
	return false;
}

bool filter_cgroup(const char *const *pattern, size_t n_patterns, const char *path, size_t n)
{
	char text[PATH_MAX];
	size_t i;
	char *slash;

	if (n_patterns == 0)
		return true;
	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, path, n);
	text[n] = '\0';
	for (;;) {
		for (i = 0; i < n_patterns; i++)
			if (fnmatch(pattern[i], text, FNM_PATHNAME) == 0)
				return true;
		slash = strrchr(text, '/');
		if (!slash || strcmp(text, "/") == 0)
			return false;
		slash[slash == text] = '\0'; /* the root keeps its name */
	}
}
