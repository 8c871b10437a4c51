/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caps on CPUs, and running under kt-reserve. */
#include "reserve.h"
#include "child.h"
#include "cleanup.h"
#include "cpuset.h"
#include "num.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP "KTSTR_CPU_CAP"
#define BYPASS "KTSTR_BYPASS_LLC_LOCKS"
#define INSIDE "KTSTR_RESERVED"

static const char *get(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

bool reserve_bypass(void)
{
	return get(BYPASS);
}

int reserve_cap(const char *option, unsigned int *ret_cap, char *why, size_t cap)
{
	const char *name = option ? "--cpu-cap" : CAP, *text = option ? option : get(CAP);
	uint64_t n;
	int rc;

	if (!text) {
		*ret_cap = 0;
		return 0;
	}
	rc = num_u64(text, 0, CPUSET_MAX, &n);
	if (rc < 0)
		(void)snprintf(why, cap, "%s '%s': a number of CPUs is wanted%s", name, text,
			       rc == -ERANGE ? ", and no machine has so many" : "");
	else if (n == 0)
		(void)snprintf(why, cap, "%s 0: the least is one CPU", name);
	else if (reserve_bypass())
		(void)snprintf(why, cap,
			       "%s and " BYPASS " exclude each other: a cap is a resource contract "
			       "that holds by locks, and " BYPASS " does without them; unset one",
			       name);
	else
		return *ret_cap = (unsigned int)n, 0;
	return -EINVAL;
}

bool reserve_inside(void)
{
	bool inside = get(INSIDE);

	(void)unsetenv(INSIDE); /* fails for bad names only */
	return inside;
}

int reserve_exec(char *const how[], bool quiet, const char *tool, char *const argv[])
{
	AUTO_FREE char **to = NULL;
	char reserve[PATH_MAX], self[PATH_MAX], quietly[] = "-q", dashes[] = "--";
	size_t n = 0, m = 0, k = 0;
	int rc;

	if (!child_tool("kt-reserve", reserve, sizeof(reserve)) ||
	    !child_tool(tool, self, sizeof(self)))
		return -errno;
	while (argv[n])
		n++;
	while (how[m])
		m++;
	to = calloc(n + m + 5, sizeof(*to));
	if (!to)
		return -ENOMEM;
	to[k++] = reserve;
	if (quiet)
		to[k++] = quietly;
	for (n = 0; n < m; n++)
		to[k++] = how[n];
	to[k++] = dashes;
	to[k++] = self;
	for (n = 1; argv[0] && argv[n]; n++)
		to[k++] = argv[n];
	if (setenv(INSIDE, "1", 1) < 0)
		return -errno;
	execv(reserve, to);
	rc = -errno;
	(void)unsetenv(INSIDE);
	return rc;
}
