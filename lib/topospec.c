/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a uniform topology. */
#include "topospec.h"
#include "cpuset.h"

#include <errno.h>
#include <stdio.h>

/* One number from 1 to CPUSET_MAX; *sp moves behind it. */
static int axis(const char **sp, unsigned int *ret)
{
	const char *s = *sp;
	unsigned int v = 0;

	if (*s < '1' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++)
		if (v <= CPUSET_MAX)
			v = v * 10 + (unsigned int)(*s - '0');
	*sp = s;
	*ret = v;
	return v > CPUSET_MAX ? -ERANGE : 0;
}

int topospec_parse(const char *s, struct topospec *ret)
{
	static const char letters[] = "nlct", commas[] = { ',', ',', ',', '\0' };
	const char *after = letters;
	unsigned int v[4], i;
	int rc, worst = 0;

	for (i = 0; i < 4; i++) {
		rc = axis(&s, &v[i]);
		if (rc == -EINVAL)
			return rc;
		worst = rc < 0 ? rc : worst;
		if (i == 0 && *s == ',')
			after = commas;
		if (*s != after[i])
			return -EINVAL;
		if (*s != '\0')
			s++;
	}
	if (*s != '\0')
		return -EINVAL;
	if (worst < 0)
		return worst;
	if (v[1] % v[0] != 0)
		return -EDOM;
	if ((unsigned long long)v[1] * v[2] > CPUSET_MAX ||
	    (unsigned long long)v[1] * v[2] * v[3] > CPUSET_MAX)
		return -ERANGE;
	*ret = (struct topospec){ v[0], v[1], v[2], v[3] };
	return 0;
}

const char *topospec_why(int rc)
{
	switch (rc) {
	case -EDOM:
		return "the LLCs do not divide evenly over the nodes";
	case -ERANGE:
		return "too many CPUs";
	default:
		return "expected NODESnLLCSlCOREScTHREADSt or NODES,LLCS,CORES,THREADS, "
		       "such as 1n2l4c2t";
	}
}

char *topospec_format(const struct topospec *s, char buf[TOPOSPEC_TEXT])
{
	(void)snprintf(buf, TOPOSPEC_TEXT, "%un%ul%uc%ut", s->nodes, s->llcs, s->cores,
		       s->threads); /* each has at most 4 digits */
	return buf;
}

unsigned int topospec_cpus(const struct topospec *s)
{
	return s->llcs * s->cores * s->threads;
}
