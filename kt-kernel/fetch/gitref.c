/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which commit a name means in a repository elsewhere. */
#include "gitref.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool gitref_is_commit(const char *ref)
{
	size_t i;

	for (i = 0; isxdigit((unsigned char)ref[i]); i++)
		;
	return i == GIT_HEX && ref[i] == '\0';
}

/* Is name before + ref + after? */
static bool is(const char *name, const char *before, const char *ref, const char *after)
{
	size_t b = strlen(before), r = strlen(ref);

	return strncmp(name, before, b) == 0 && strncmp(name + b, ref, r) == 0 &&
	       strcmp(name + b + r, after) == 0;
}

const struct gitref *gitref_find(const struct gitref *v, size_t n, const char *ref,
				 const char **ret_commit)
{
	static const char *const before[] = { "", "refs/", "refs/heads/", "refs/tags/" };
	size_t b, i, j;

	if (strncmp(ref, "refs/", 5) != 0 && strcmp(ref, "HEAD") != 0)
		b = 2; /* a plain name is a branch or a tag */
	else
		b = 0;
	for (; b < sizeof(before) / sizeof(before[0]); b++)
		for (i = 0; i < n; i++) {
			if (!is(v[i].name, before[b], ref, ""))
				continue;
			*ret_commit = v[i].commit;
			for (j = 0; j < n; j++)
				if (is(v[j].name, before[b], ref, "^{}"))
					*ret_commit = v[j].commit;
			return &v[i];
		}
	return NULL;
}
