/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which commit a name means in a repository elsewhere. */
#ifndef KT_GITREF_H
#define KT_GITREF_H

#include <stdbool.h>
#include <stddef.h>

#define GIT_HEX 40

/* One line of what a repository offers. A tag that is an object of its own has a second line,
 * "refs/tags/v6.12^{}", with what it points to. */
struct gitref {
	const char *name; /* "refs/heads/sched_ext/for-next", "HEAD" */
	char commit[GIT_HEX + 1];
};

/* gitref_find - the one that ref means: a full name, else a branch, else a tag, as "git clone
 * --branch" takes it. *ret_commit is what it points to, a tag's own object left aside. Returns NULL
 * when there is none. */
const struct gitref *gitref_find(const struct gitref *v, size_t n, const char *ref,
				 const char **ret_commit);

/* gitref_is_commit - 40 hexadecimal digits. */
bool gitref_is_commit(const char *ref);

#endif
