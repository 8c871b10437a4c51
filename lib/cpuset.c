/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of small ids. */
#include "cpuset.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS (CPUSET_MAX / 64)

unsigned int cpuset_count(const struct cpuset *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < WORDS; i++)
		n += (unsigned int)__builtin_popcountll(s->w[i]);
	return n;
}

bool cpuset_empty(const struct cpuset *s)
{
	return cpuset_next(s, 0) < 0;
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool cpuset_subset(const struct cpuset *a, const struct cpuset *of)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (a->w[i] & ~of->w[i])
			return false;
	return true;
}

void cpuset_and(struct cpuset *to, const struct cpuset *with)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		to->w[i] &= with->w[i];
}

void cpuset_or(struct cpuset *to, const struct cpuset *with)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		to->w[i] |= with->w[i];
}

void cpuset_andnot(struct cpuset *to, const struct cpuset *without)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		to->w[i] &= ~without->w[i];
}

int cpuset_next(const struct cpuset *s, int from)
{
	unsigned int i = (unsigned int)from / 64;
	uint64_t w;

	if (from < 0 || from >= CPUSET_MAX)
		return -1;
	for (w = s->w[i] & ~(uint64_t)0 << (from % 64); w == 0; w = s->w[i])
		if (++i >= WORDS)
			return -1;
	return (int)(i * 64) + __builtin_ctzll(w);
}

int cpuset_nth(const struct cpuset *s, unsigned int n)
{
	int id;

	for (id = cpuset_next(s, 0); id >= 0 && n > 0; n--)
		id = cpuset_next(s, id + 1);
	return id;
}

void cpuset_slice(struct cpuset *ret, const struct cpuset *src, unsigned int from, unsigned int to)
{
	struct cpuset out = { 0 };
	unsigned int pos = 0;
	int id;

	for (id = -1; pos < to && (id = cpuset_next(src, id + 1)) >= 0; pos++)
		if (pos >= from)
			cpuset_add(&out, (unsigned int)id);
	*ret = out;
}

/* One id; *sp moves behind it. */
static int parse_id(const char **sp, unsigned int *ret)
{
	const char *s = *sp;
	unsigned int v = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		v = v * 10 + (unsigned int)(*s - '0');
		if (v >= CPUSET_MAX)
			return -ERANGE;
	}
	*sp = s;
	*ret = v;
	return 0;
}

int cpuset_parse(const char *list, struct cpuset *ret)
{
	const char *s = list + strspn(list, " \t\n");
	struct cpuset out = { 0 };
	unsigned int lo = 0, hi;
	int rc;

	while (*s && !isspace((unsigned char)*s)) {
		rc = parse_id(&s, &lo);
		hi = lo;
		if (rc == 0 && *s == '-') {
			s++;
			rc = parse_id(&s, &hi);
		}
		if (rc < 0)
			return rc;
		if (hi < lo)
			return -EINVAL;
		for (; lo <= hi; lo++)
			cpuset_add(&out, lo);
		if (*s != ',')
			break;
		if (!isdigit((unsigned char)*++s))
			return -EINVAL;
	}
	if (s[strspn(s, " \t\n")] != '\0')
		return -EINVAL;
	*ret = out;
	return 0;
}

char *cpuset_format(const struct cpuset *s, char *buf, size_t cap)
{
	const char *sep = "";
	size_t n = 0;
	int lo, hi;

	if (cap)
		buf[0] = '\0';
	for (lo = cpuset_next(s, 0); lo >= 0 && n < cap; lo = cpuset_next(s, hi + 1)) {
		for (hi = lo; cpuset_has(s, (unsigned int)hi + 1); hi++)
			;
		n += (size_t)(hi > lo ? snprintf(buf + n, cap - n, "%s%d-%d", sep, lo, hi)
				      : snprintf(buf + n, cap - n, "%s%d", sep, lo));
		sep = ",";
	}
	return buf;
}

int cpuset_parse_mask(const char *mask, struct cpuset *ret)
{
	const char *s = mask + strspn(mask, " \t\n"), *end;
	struct cpuset out = { 0 };
	unsigned int bit = 0;

	end = s + strcspn(s, " \t\n");
	if (end == s || end[strspn(end, " \t\n")] != '\0')
		return -EINVAL;
	/* From the right: four bits a digit, a comma starts the next group of 32. */
	while (end > s) {
		int c = tolower((unsigned char)*--end);
		unsigned int v, i;

		if (c == ',') {
			bit = (bit + 31) / 32 * 32;
			continue;
		}
		if (!isxdigit(c))
			return -EINVAL;
		v = (unsigned int)(isdigit(c) ? c - '0' : c - 'a' + 10);
		for (i = 0; i < 4; i++) {
			if (!(v >> i & 1))
				continue;
			if (bit + i >= CPUSET_MAX)
				return -ERANGE;
			cpuset_add(&out, bit + i);
		}
		bit += 4;
	}
	*ret = out;
	return 0;
}

/* The raw calls: glibc's cpu_set_t stops at 1024 CPUs. */
int cpuset_getaffinity(int tid, struct cpuset *ret)
{
	struct cpuset out = { 0 };

	if (syscall(SYS_sched_getaffinity, tid, sizeof(out.w), out.w) < 0)
		return -errno;
	*ret = out;
	return 0;
}

int cpuset_setaffinity(int tid, const struct cpuset *s)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof(s->w), s->w) < 0 ? -errno : 0;
}
